"""The words of power and devices: alarms of a UPS, kinds of devices, the parts of a record."""

from console.i18n import N_
from console.power.standing import CONDITIONS
from console.power.words import CONDITION_WORDS
from console.store.models import State

POWER = {name: (CONDITIONS[name], word) for name, word in CONDITION_WORDS.items()}
SOURCES = {
    "snmp": N_("SNMP"),
    "nut": N_("NUT"),
    "probe": N_("Probe"),
    "trap": N_("Trap"),
    "power": N_("Power daemon"),
}
TESTS = {
    "passed": (State.OK, N_("Passed")),
    "warning": (State.WARN, N_("With warnings")),
    "failed": (State.CRIT, N_("Failed")),
    "aborted": (State.WARN, N_("Aborted")),
    "in_progress": (State.MAINT, N_("Running")),
    "none": (State.UNKNOWN, N_("Never tested")),
}
# On what SNMP and NUT may differ: agent.ups.agreement.
QUANTITIES = {
    "charge": N_("charge"),
    "runtime": N_("runtime"),
    "load": N_("load"),
    "battery_voltage": N_("battery voltage"),
    "input_voltage": N_("input voltage"),
    "output_voltage": N_("output voltage"),
    "on_battery": N_("whether it is on battery"),
    "low_battery": N_("whether the battery is low"),
    "replace_battery": N_("whether the battery wants replacing"),
}
# RFC 1628, upsWellKnownAlarms; other alarms keep the MIB's own name.
ALARMS = {
    "upsAlarmBatteryBad": N_("A battery is bad"),
    "upsAlarmOnBattery": N_("On battery"),
    "upsAlarmLowBattery": N_("Battery low"),
    "upsAlarmDepletedBattery": N_("The battery could not carry the load any longer"),
    "upsAlarmTempBad": N_("Temperature out of its limits"),
    "upsAlarmInputBad": N_("Input out of its limits"),
    "upsAlarmOutputBad": N_("Output out of its limits"),
    "upsAlarmOutputOverload": N_("Output overloaded"),
    "upsAlarmOnBypass": N_("On bypass"),
    "upsAlarmBypassBad": N_("Bypass out of its limits"),
    "upsAlarmOutputOffAsRequested": N_("Output switched off by request"),
    "upsAlarmUpsOffAsRequested": N_("UPS switched off by request"),
    "upsAlarmChargerFailed": N_("The charger failed"),
    "upsAlarmUpsOutputOff": N_("The output is off"),
    "upsAlarmUpsSystemOff": N_("The UPS is off"),
    "upsAlarmFanFailure": N_("A fan failed"),
    "upsAlarmFuseFailure": N_("A fuse failed"),
    "upsAlarmGeneralFault": N_("A fault of the UPS"),
    "upsAlarmDiagnosticTestFailed": N_("The self-test failed"),
    "upsAlarmCommunicationsLost": N_("The card has lost the UPS"),
    "upsAlarmAwaitingPower": N_("Output off, waiting for the mains"),
    "upsAlarmShutdownPending": N_("A shutdown is counted down"),
    "upsAlarmShutdownImminent": N_("Off in less than 5 seconds"),
    "upsAlarmTestInProgress": N_("A test is running"),
}
DEVICE_KINDS = {
    "ups": N_("UPS"),
    "switch": N_("Switch"),
    "access_point": N_("Access point"),
    "gateway": N_("Gateway"),
    "printer": N_("Printer"),
    "sensor": N_("Sensor"),
    "camera": N_("Camera"),
    "medical": N_("Medical device"),
    "other": N_("Other"),
}
# HOST-RESOURCES-MIB, hrPrinterDetectedErrorState; the many alerts of Printer-MIB keep their own names.
PRINTER_ALERTS = {
    "lowPaper": N_("Little paper"),
    "noPaper": N_("No paper"),
    "lowToner": N_("Little toner"),
    "noToner": N_("No toner"),
    "doorOpen": N_("A door is open"),
    "jammed": N_("Paper jam"),
    "offline": N_("Offline"),
    "serviceRequested": N_("Asks for service"),
    "inputTrayMissing": N_("An input tray is missing"),
    "outputTrayMissing": N_("An output tray is missing"),
    "markerSupplyMissing": N_("A cartridge is missing"),
    "outputNearFull": N_("Output nearly full"),
    "outputFull": N_("Output full"),
    "inputTrayEmpty": N_("An input tray is empty"),
    "overduePreventMaint": N_("Maintenance is overdue"),
}
# How a polled or probed device stands.
REACH = {
    "reachable": (State.OK, N_("Reachable")),
    "alert": (State.WARN, N_("Reachable, with alerts")),
    "unreachable": (State.CRIT, N_("Unreachable")),
    "not_started": (State.UNKNOWN, N_("Not asked yet")),
    "silent": (State.UNKNOWN, N_("No report")),
    "never": (State.UNKNOWN, N_("Never asked")),
}
CAUSES = {"outage": N_("Power cut"), "drill": N_("Drill")}
PHASES = {
    "on_battery": (State.WARN, N_("On battery")),
    "going_down": (State.CRIT, N_("Hosts go down")),
    "dark": (State.CRIT, N_("Everything is off")),
    "returning": (State.MAINT, N_("Hosts come back")),
    "finished": (State.OK, N_("Over")),
}
VERDICTS = {
    "passed": (State.OK, N_("Passed")),
    "failed": (State.CRIT, N_("Not passed")),
    "error": (State.WARN, N_("No verdict")),
}
ANSWERS = {"passed": (State.OK, N_("Passed")), "failed": (State.CRIT, N_("Not passed"))}
# The word of a check's name before its colon: agent.power.codes.CHECKS.
CHECKS = {
    "order": N_("The stages went in order"),
    "in_time": N_("Everybody was told before the battery was low"),
    "hung": N_("Went down in its stage's time"),
    "back": N_("Came back"),
    "reachable": N_("Was seen away and is reachable again (no agent)"),
    "service": N_("The service answers"),
    "database": N_("The database was shut down cleanly and accepts connections"),
    "report": N_("Told how its last shutdown ended"),
    "shutdown": N_("Was shut down in order, not cut off"),
    "battery_test": N_("The UPS's own battery test passed"),
}
# Of a host's step: agent.power.codes.DETAILS.
STEP_DETAILS = {
    "off_before": N_("It was off before: neither sent off nor woken"),
    "self": N_("The UPS's own host: it goes last"),
    "not_listening": N_("Its upsmon was not logged in when its stage began"),
    "lost": N_("It fell silent without logging out: cut off, or its network was"),
    "not_back": N_("It did not come back in time"),
    "reachable": N_("No agent: it was away and is reachable again; how it went down is not known"),
    "never_away": N_("No agent: it was never seen away; perhaps it never went down"),
}
SCOPES = {"lab": N_("Lab"), "facility": N_("The whole facility")}
HOWS = {
    "simulated": N_("Simulated by the dummy driver"),
    "test": N_("The UPS's own battery test"),
    "unplug": N_("A person pulls the plug"),
}
