"""Which measurements of UPSes and devices are kept as history: a bounded set each."""

from collections.abc import Iterable

from console.power.snapshot import DeviceSnapshot, UpsSnapshot

LINES_KEPT = 3
INTERFACES_KEPT = 32
SENSORS_KEPT = 16
Point = tuple[str, str, float]

UPS_REACHABLE, DEVICE_REACHABLE = "ups_reachable", "device_reachable"
CHARGE, RUNTIME, LOAD = "ups_charge_ratio", "ups_runtime_seconds", "ups_load_ratio"
INPUT_VOLTS, BATTERY_CELSIUS = "ups_input_volts", "ups_battery_celsius"
RECEIVE, TRANSMIT = "interface_receive_bytes_per_second", "interface_transmit_bytes_per_second"
INTERFACE_UP = "interface_up"
SENSOR_CELSIUS, SENSOR_HUMIDITY = "sensor_celsius", "sensor_humidity_ratio"
SENSORS = {"celsius": SENSOR_CELSIUS, "ratio": SENSOR_HUMIDITY}


def ups_points(shown: UpsSnapshot) -> list[Point]:
    """Return ``(name, label, value)`` of a UPS now: at most 8; without a reading only that there is none."""
    points: list[Point] = [(UPS_REACHABLE, "", float(shown.up))]
    values = (
        (CHARGE, shown.charge_ratio),
        (RUNTIME, shown.runtime_seconds),
        (LOAD, shown.load_ratio),
        (BATTERY_CELSIUS, shown.battery_celsius),
    )
    points += [(name, "", value) for name, value in values if value is not None]
    several = len(shown.input_volts) > 1
    lines = enumerate(shown.input_volts[:LINES_KEPT], start=1)
    return points + [(INPUT_VOLTS, f"L{number}" if several else "", volts) for number, volts in lines]


def device_points(shown: DeviceSnapshot) -> list[Point]:
    """Return ``(name, label, value)`` of a device now: at most 1 + 3 * 32 + 16."""
    points: list[Point] = [(DEVICE_REACHABLE, "", float(shown.up))]
    for port in [one for one in shown.interfaces if one.alias and one.enabled][:INTERFACES_KEPT]:
        label = f"{port.alias} ({port.name})"
        points.append((INTERFACE_UP, label, float(port.up)))
        if port.up:
            points += _known((RECEIVE, label, port.receive_rate), (TRANSMIT, label, port.transmit_rate))
    measured = [one for one in shown.sensors if one.quantity in SENSORS][:SENSORS_KEPT]
    return points + [(SENSORS[one.quantity], one.sensor, one.value) for one in measured]


def _known(*values: tuple[str, str, float | None]) -> Iterable[Point]:
    return [(name, label, value) for name, label, value in values if value is not None]
