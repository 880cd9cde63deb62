"""A UPS's state in base units.  ``None`` and an empty tuple mean "not known", never zero."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum


class Flag(StrEnum):
    """States of a UPS, in NUT's words where NUT has one."""

    ON_LINE = "OL"
    ON_BATTERY = "OB"
    ON_BATTERY_UNCONFIRMED = "OB?"  # one signal says battery, another contradicts it: warn, never shut down
    LOW_BATTERY = "LB"
    REPLACE_BATTERY = "RB"
    NO_BATTERY = "NOBATT"
    CHARGING = "CHRG"
    DISCHARGING = "DISCHRG"
    BYPASS = "BYPASS"
    CALIBRATION = "CAL"
    TEST = "TEST"
    OFF = "OFF"
    OVERLOAD = "OVER"
    TRIM = "TRIM"
    BOOST = "BOOST"
    ECO = "ECO"
    ALARM = "ALARM"
    FORCED_SHUTDOWN = "FSD"
    COMMUNICATION_LOST = "COMMLOST"  # the card answers, but has lost the UPS: every other value is old


class TestResult(StrEnum):
    """How the last battery test ended."""

    PASSED = "passed"
    WARNING = "warning"
    FAILED = "failed"
    ABORTED = "aborted"
    IN_PROGRESS = "in_progress"
    NONE = "none"


@dataclass(frozen=True)
class UpsReading:
    """One reading.  Ratios are 0 to 1 (load may exceed 1); lines are in the order of the device's phases."""

    flags: frozenset[Flag] = frozenset()
    charge_ratio: float | None = None
    runtime_seconds: float | None = None
    on_battery_seconds: float | None = None
    load_ratio: float | None = None  # of the most loaded line
    load_ratios: tuple[float | None, ...] = ()
    input_volts: tuple[float | None, ...] = ()
    input_hertz: float | None = None
    output_volts: tuple[float | None, ...] = ()
    output_hertz: float | None = None
    battery_volts: float | None = None
    battery_celsius: float | None = None
    battery_replaced: date | None = None
    test: TestResult | None = None
    tested: date | None = None
    alarms: tuple[str, ...] = ()  # the MIB's own names, as upsAlarmBatteryBad
    manufacturer: str = ""
    model: str = ""
    serial: str = ""
    firmware: str = ""
    sources: Mapping[str, str] = field(default_factory=dict)  # field of this reading → MIB it came from
    notes: tuple[str, ...] = ()  # what was corrected or left out, and why
