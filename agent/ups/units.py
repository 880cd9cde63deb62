"""The units in which MIBs give their numbers, and how each becomes a base unit."""

from enum import StrEnum


class Unit(StrEnum):
    """A MIB's unit.  ``TICKS`` are hundredths of a second (TimeTicks)."""

    PERCENT = "%"
    TENTH_PERCENT = "0.1 %"
    SECOND = "s"
    MINUTE = "min"
    TICKS = "0.01 s"
    VOLT = "V"
    TENTH_VOLT = "0.1 V"
    HERTZ = "Hz"
    TENTH_HERTZ = "0.1 Hz"
    HUNDREDTH_HERTZ = "0.01 Hz"
    CELSIUS = "°C"
    TENTH_CELSIUS = "0.1 °C"
    COUNT = "1"


WRITTEN = {
    Unit.PERCENT: {"%"},
    Unit.MINUTE: {"min"},
    Unit.VOLT: {"VAC", "VDC"},
    Unit.HERTZ: {"Hz"},
    Unit.CELSIUS: {"deg C"},
}
"""How devices that give their units as text write them."""

_FACTORS = {
    Unit.PERCENT: (1, 100),
    Unit.TENTH_PERCENT: (1, 1000),
    Unit.SECOND: (1, 1),
    Unit.MINUTE: (60, 1),
    Unit.TICKS: (1, 100),
    Unit.VOLT: (1, 1),
    Unit.TENTH_VOLT: (1, 10),
    Unit.HERTZ: (1, 1),
    Unit.TENTH_HERTZ: (1, 10),
    Unit.HUNDREDTH_HERTZ: (1, 100),
    Unit.CELSIUS: (1, 1),
    Unit.TENTH_CELSIUS: (1, 10),
    Unit.COUNT: (1, 1),
}


def to_base(number: float, unit: Unit) -> float:
    """Return a device's number in ratio, seconds, volts, hertz, degrees Celsius."""
    times, by = _FACTORS[unit]
    return number * times / by
