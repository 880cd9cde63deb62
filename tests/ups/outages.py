"""How a power cut looks in each MIB: what changes in a device's objects on battery, and when the battery is low."""

from dataclasses import dataclass

from agent.polling import Value
from tests.ups import devices

E = "1.3.6.1.4.1"
RFC = "1.3.6.1.2.1.33.1"


@dataclass(frozen=True)
class Outage:
    """Changes to a recording (or to a made-up device).  ``low`` comes on top of ``battery``."""

    device: str | dict[str, Value]
    battery: dict[str, Value]
    low: dict[str, Value] | None  # None: the MIB has no word for it
    charge: float  # while low


def below(root: str, values: dict[str, Value]) -> dict[str, Value]:
    return {f"{root}.{oid}": value for oid, value in values.items()}


def rfc1628(root: str) -> tuple[dict[str, Value], dict[str, Value]]:
    battery: dict[str, Value] = {"4.1.0": 5, "2.2.0": 7, "2.4.0": 88, "3.3.1.3.1": 0, "3.3.1.2.1": 0}
    return below(root, battery), below(root, {"2.1.0": 3, "2.2.0": 900, "2.4.0": 9, "2.3.0": 1})


OUTAGES: dict[str, Outage] = {
    "UPS-MIB": Outage("orvaldi-ups", *rfc1628(RFC), 0.09),
    "UPS-MIB by its alarms": Outage(
        "poweralert_2",
        below(RFC, {"4.1.0": 5, "6.1.0": 3, "6.2.1.2.24": f"{RFC}.6.3.2", "2.4.0": 91}),
        below(RFC, {"6.1.0": 4, "6.2.1.2.25": f"{RFC}.6.3.3", "2.4.0": 8}),
        0.08,
    ),
    "UPS-MIB in tenths of volts": Outage("deltaups_rfc1628string", *rfc1628(RFC), 0.09),
    "PowerNet-MIB": Outage(
        "apc_smx750",
        below(f"{E}.318.1.1.1", {"4.1.1.0": 3, "2.1.2.0": 700, "2.3.1.0": 880, "3.3.1.0": 0, "3.2.5.0": 4}),
        below(f"{E}.318.1.1.1", {"2.1.1.0": 3, "2.3.1.0": 90, "2.2.3.0": 9000}),
        0.09,
    ),
    "PowerNet-MIB by its flags": Outage(
        devices.APC_THREE_PHASE,
        below(f"{E}.318.1.1.1", {"4.1.1.0": 3, "11.1.1.0": b"010001" + b"0" * 58, "2.2.1.0": 88}),
        below(f"{E}.318.1.1.1", {"11.1.1.0": b"011001" + b"0" * 23 + b"1" + b"0" * 34, "2.2.1.0": 9}),
        0.09,
    ),
    "CPS-MIB": Outage(
        "cyberpower",
        below(f"{E}.3808.1.1.1", {"4.1.1.0": 3, "3.2.6.0": 5, "3.2.1.0": 0, "2.2.1.0": 90}),
        below(f"{E}.3808.1.1.1", {"2.1.1.0": 3, "2.2.1.0": 9}),
        0.09,
    ),
    "XUPS-MIB": Outage(
        "eatonups",
        below(f"{E}.534.1", {"4.5.0": 5, "2.5.0": 2, "2.4.0": 90, **{f"3.4.1.2.{line}": 0 for line in (1, 2, 3)}}),
        below(f"{E}.534.1", {"7.1.0": 1, "7.2.1.2.4": f"{E}.534.1.7.4", "2.4.0": 9}),
        0.09,
    ),
    "MG-SNMP-UPS-MIB": Outage(
        "apc-mgeups_galaxy7000",
        below(f"{E}.705.1", {"7.3.0": 1, "6.3.0": 1, "7.7.0": 1, "6.4.0": 4, "5.2.0": 90}),
        below(f"{E}.705.1", {"5.14.0": 1, "5.2.0": 9}),
        0.09,
    ),
    "UPS-MIB, MG-SNMP-UPS-MIB and XUPS-MIB at once": Outage(
        "eaton-mgeups_9pxle",
        rfc1628(RFC)[0]
        | below(f"{E}.705.1", {"7.3.0": 1, "6.3.0": 1})
        | below(f"{E}.534.1", {"4.5.0": 5, "3.4.1.2.1": 0}),
        rfc1628(RFC)[1],
        0.09,
    ),
    "XPPC-MIB": Outage(
        "netagent2_1",
        below(f"{E}.935.1.1.1", {"4.1.1.0": 3, "2.1.2.0": 7, "3.2.1.0": 0, "2.2.1.0": 90}),
        below(f"{E}.935.1.1.1", {"2.1.1.0": 3, "2.2.1.0": 9}),
        0.09,
    ),
    "XPPC-MIB three-phase": Outage(
        "netagent2",
        below(
            f"{E}.935.1.1.1",
            {"8.5.5.0": 4, "4.1.1.0": 3, "8.6.3.0": 11, "2.2.1.0": 90, **{f"8.2.{n}.0": 0 for n in (1, 2, 3, 4)}},
        ),
        below(f"{E}.935.1.1.1", {"8.5.3.0": 14, "2.2.1.0": 9}),
        0.09,
    ),
    "EPPC-MIB": Outage(
        "powerwalker",
        below(f"{E}.935.10.1.1", {"2.1.0": 5, "3.1.0": 5, "3.2.0": 7, "2.16.1.3.1": 0, "3.4.0": 90}),
        below(f"{E}.935.10.1.1", {"3.1.0": 3, "3.4.0": 9}),
        0.09,
    ),
    "SOCOMECUPS7-MIB": Outage(
        "socomec-ups",
        below(
            f"{E}.4555.1.1.7.1",
            {"2.1.0": 5, "2.2.0": 7, "6.1.0": 2, "6.3.15.0": 1, "6.3.22.0": 1, "3.3.1.2.1": 0, "2.4.0": 90},
        ),
        below(f"{E}.4555.1.1.7.1", {"2.1.0": 6, "6.1.0": 3, "6.3.14.0": 1, "2.4.0": 9}),
        0.09,
    ),
    "SOCOMECUPS-MIB": Outage(
        devices.NET_VISION_6,
        below(f"{E}.4555.1.1.1.1", {"4.1.0": 5, "2.1.0": 5, "2.2.0": 7, "3.3.1.5.1": 0}),
        below(f"{E}.4555.1.1.1.1", {"2.1.0": 3, "2.4.0": 9}),
        0.09,
    ),
    "DeltaUPS-MIB": Outage(
        devices.DELTA,
        below(f"{E}.2254.2.4", {"5.1.0": 1, "7.3.0": 3, "7.4.0": 7, "9.2.0": 1, "4.3.0": 0}),
        below(f"{E}.2254.2.4", {"7.2.0": 1, "9.3.0": 1, "7.8.0": 9}),
        0.09,
    ),
    "HUAWEI-UPS-MIB": Outage(
        devices.HUAWEI,
        below(f"{E}.2011.6.174.1", {"2.101.1.1.1": 4, "2.101.1.3.1": 6, **{f"3.100.1.{n}.1": 0 for n in (1, 2, 3, 4)}}),
        None,
        0.97,
    ),
    "CPQPOWER-MIB": Outage(
        devices.HPE,
        below(f"{E}.232.165.3", {"4.5.0": 5, "2.5.0": 2, "3.5.0": 2, "3.4.1.2.1": 0}),
        None,
        0.98,
    ),
    "RIELLOUPS-MIB": Outage(devices.RIELLO, *rfc1628(f"{E}.5491.10.1"), 0.09),
    "NETCOM-UPS-MIB": Outage("sinetica", *rfc1628(f"{E}.13891.101"), 0.09),
    "2468.1.2.1": Outage("webpower-smart2", *rfc1628(f"{E}.2468.1.2.1.1"), 0.09),
    "LIEBERT-GP": Outage(
        devices.LIEBERT,
        below(f"{E}.476.1.42.3.5", {"3.55.0": 5, "2.3.1.5.1.1": 0}),
        below(f"{E}.476.1.42.3.5", {"1.26.0": 3, "1.19.0": 9}),
        0.09,
    ),
    "LIEBERT-GP by its points and conditions": Outage(
        devices.LIEBERT_POINTS,
        below(
            f"{E}.476.1.42.3",
            {
                "9.20.1.20.1.2.1.4872": b"Battery",
                "2.2.0": 1,
                "2.3.1.2.7": f"{E}.476.1.42.3.2.7.1.4168",
                **{f"9.20.1.20.1.2.1.{point}": b"0" for point in (4096, 4098, 4100)},
            },
        ),
        below(
            f"{E}.476.1.42.3",
            {"2.2.0": 2, "2.3.1.2.8": f"{E}.476.1.42.3.2.7.1.4162", "9.20.1.20.1.2.1.4153": b"9"},
        ),
        0.09,
    ),
    "TRIPPLITE-PRODUCTS": Outage(
        devices.TRIPP_LITE | {f"{RFC}.4.1.0": 1},
        below(
            f"{E}.850.1",
            {
                "1.3.1.3.3.1.1.1.1": 5,
                "1.3.1.3.2.1.1.15.1": 1,
                "1.3.1.3.2.2.1.3.1.1": 0,
                "1.3.1.3.1.1.1.2.1": 7,
                "1.3.1.3.1.2.1.4.1": 3,
                "3.1.0": 1,
                "3.2.1.2.28": f"{E}.850.1.3.3.3.2",
                "3.2.1.8.28": 1,
            },
        ),
        below(
            f"{E}.850.1",
            {
                "1.3.1.3.1.1.1.1.1": 3,
                "1.3.1.3.1.1.1.4.1": 9,
                "3.1.0": 2,
                "3.2.1.2.29": f"{E}.850.1.3.3.3.3",
                "3.2.1.8.29": 1,
            },
        ),
        0.09,
    ),
    "Dell-UPS-MIB": Outage(
        devices.DELL,
        rfc1628(RFC)[0] | {f"{E}.674.10902.2.120.5.1.0": 2},
        rfc1628(RFC)[1] | {f"{E}.674.10902.2.120.5.3.0": 70},
        0.09,
    ),
}
