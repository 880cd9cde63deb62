"""What a notification's OID means: the MIBs' own numbers, and no code.

A key is snmpTrapOID without the zero before its last number: RFC 3584 puts one there for what came as SNMPv1, and MIBs
that were written for v1 have one anyway.
"""

LINK = {
    "1.3.6.1.6.3.1.1.5.3": "link_down",  # IF-MIB linkDown
    "1.3.6.1.6.3.1.1.5.4": "link_up",  # IF-MIB linkUp
}

APC_NUMBERS = {
    1: "communication_lost",  # communicationLost
    2: "overload",  # upsOverload
    5: "on_battery",  # upsOnBattery
    7: "low_battery",  # lowBattery
    8: "communication_back",  # communicationEstablished
    9: "mains_back",  # powerRestored
    17: "replace_battery",  # upsBatteryNeedsReplacement
}

PPC_NUMBERS = {number: code for number, code in APC_NUMBERS.items() if number < 10}

NUMBERS: dict[str, dict[int, str]] = {
    "1.3.6.1.2.1.33.2": {1: "on_battery"},  # RFC 1628 upsTrapOnBattery, again every minute while it lasts
    "1.3.6.1.4.1.318": APC_NUMBERS,  # PowerNet-MIB
    "1.3.6.1.4.1.3808": PPC_NUMBERS,  # CPS-MIB (CyberPower)
    "1.3.6.1.4.1.935": PPC_NUMBERS,  # XPPC-MIB (Santak, Voltronic and others)
    "1.3.6.1.4.1.534.1.11.4.1": {  # XUPS-MIB xupstd… (Eaton)
        3: "on_battery", 4: "low_battery", 5: "mains_back", 7: "overload", 23: "replace_battery",
        26: "communication_lost", 49: "communication_back",
    },
    "1.3.6.1.4.1.705.1.11": {  # MG-SNMP-UPS-MIB (Eaton, MGE)
        3: "replace_battery", 5: "low_battery", 9: "low_battery", 11: "on_battery", 12: "mains_back", 17: "on_battery",
        18: "mains_back", 21: "overload", 37: "communication_lost", 38: "communication_back",
    },
    "1.3.6.1.4.1.2254.2.4.20": {  # DeltaUPS-MIB
        1: "communication_lost", 2: "communication_back", 3: "on_battery", 4: "mains_back", 5: "low_battery",
        18: "replace_battery", 21: "overload",
    },
    "1.3.6.1.4.1.674.10902.2.140": {  # Dell UPS
        19: "overload", 21: "overload", 23: "overload", 43: "low_battery", 57: "on_battery", 58: "mains_back",
        63: "replace_battery", 93: "replace_battery", 96: "communication_lost", 97: "communication_back",
    },
    "1.3.6.1.4.1.4555.1.1.7.2": {  # SOCOMECUPS7-MIB
        1: "on_battery", 6: "overload", 10: "low_battery", 14: "communication_lost", 15: "on_battery",
        16: "replace_battery", 23: "mains_back", 25: "communication_back",
    },
}  # fmt: skip

ALARM_ADDED, ALARM_REMOVED = "1.3.6.1.2.1.33.2.3", "1.3.6.1.2.1.33.2.4"
"""RFC 1628 upsTrapAlarmEntryAdded and …Removed: they carry upsAlarmDescr, whose value is the alarm."""

ALARM_DESCR = "1.3.6.1.2.1.33.1.6.2.1.2"
ADDED = {
    "1.3.6.1.2.1.33.1.6.3.1": "replace_battery",  # upsAlarmBatteryBad
    "1.3.6.1.2.1.33.1.6.3.2": "on_battery",  # upsAlarmOnBattery
    "1.3.6.1.2.1.33.1.6.3.3": "low_battery",  # upsAlarmLowBattery
    "1.3.6.1.2.1.33.1.6.3.8": "overload",  # upsAlarmOutputOverload
    "1.3.6.1.2.1.33.1.6.3.20": "communication_lost",  # upsAlarmCommunicationsLost
}
REMOVED = {
    "1.3.6.1.2.1.33.1.6.3.2": "mains_back",
    "1.3.6.1.2.1.33.1.6.3.20": "communication_back",
}

OTHER = "trap"


def event_code(trap: str, alarm: str = "") -> str:
    """Return the event code of a notification; ``alarm`` is the upsAlarmDescr that it carries."""
    parent, _, last = trap.rpartition(".")
    parent = parent.removesuffix(".0")
    key = f"{parent}.{last}"
    if key in {ALARM_ADDED, ALARM_REMOVED}:
        return (ADDED if key == ALARM_ADDED else REMOVED).get(alarm, OTHER)
    return LINK.get(key) or NUMBERS.get(parent, {}).get(int(last), OTHER)
