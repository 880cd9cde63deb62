"""What a UPS can show at all: values outside are left out, tenfold line voltages and frequencies put right."""

from agent.ups.profile import Quantity

RUNTIME_LIMIT_SECONDS = 30 * 86400

_RANGES = {
    Quantity.CHARGE: (0.0, 1.0),
    Quantity.RUNTIME: (1.0, RUNTIME_LIMIT_SECONDS),
    Quantity.LOW_RUNTIME: (1.0, 86400.0),
    Quantity.ON_BATTERY: (0.0, RUNTIME_LIMIT_SECONDS),
    Quantity.LOAD: (0.0, 2.0),
    Quantity.INPUT_LINES: (1.0, 3.0),
    Quantity.OUTPUT_LINES: (1.0, 3.0),
    Quantity.INPUT_VOLTS: (80.0, 480.0),
    Quantity.OUTPUT_VOLTS: (80.0, 480.0),
    Quantity.INPUT_HERTZ: (40.0, 65.5),  # 65.535 is "unknown" in hundredths or thousandths
    Quantity.OUTPUT_HERTZ: (40.0, 65.5),
    Quantity.BATTERY_VOLTS: (1.0, 1000.0),
    Quantity.BATTERY_CELSIUS: (-30.0, 90.0),
}

_POWERS = {
    Quantity.INPUT_VOLTS: (0.1,),
    Quantity.OUTPUT_VOLTS: (0.1,),
    Quantity.INPUT_HERTZ: (0.1, 10.0, 0.01),
    Quantity.OUTPUT_HERTZ: (0.1, 10.0, 0.01),
}
"""By what a device's unit may differ from its MIB's.  Never tenfold volts: a failing mains has few."""


def plausible(quantity: Quantity, value: float) -> tuple[float | None, str]:
    """Return the value, a corrected one or None, and what was done to it.  A 0 that cannot be is just "not known"."""
    low, high = _RANGES[quantity]
    if value == 0 < low:
        return None, ""
    if low <= value <= high:
        return value, ""
    for power in _POWERS.get(quantity, ()):
        corrected = round(value * power, 4)
        if low <= corrected <= high:
            return corrected, f"unit-corrected:{quantity}"
    return None, f"implausible:{quantity}"
