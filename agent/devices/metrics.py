"""Devices and probes as metrics.  What has no current reading shows no values: only that, since when and why."""

from collections.abc import Iterable, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from agent.devices.reading import DeviceReading, Interface, Quantity
from agent.polling import Standing, Trouble
from agent.probes.reading import ProbeReading

STANDING = ("device", "kind", "source")
INTERFACE = ("device", "interface", "alias")
COUNTERS = (
    ("receive_bytes", "Bytes received, from ifHCInOctets, else ifInOctets."),
    ("transmit_bytes", "Bytes sent, from ifHCOutOctets, else ifOutOctets."),
    ("receive_errors", "Received packets with errors, from ifInErrors."),
    ("transmit_errors", "Packets not sent for errors, from ifOutErrors."),
    ("receive_discards", "Sound received packets thrown away, from ifInDiscards."),
    ("transmit_discards", "Sound packets thrown away instead of sent, from ifOutDiscards."),
)
SENSORS = {
    Quantity.TEMPERATURE: ("xinglin_sensor_temperature_celsius", "Temperature."),
    Quantity.HUMIDITY: ("xinglin_sensor_humidity_ratio", "Relative humidity, 0 to 1."),
    Quantity.VOLTAGE: ("xinglin_sensor_volts", "Voltage."),
    Quantity.CURRENT: ("xinglin_sensor_amperes", "Current."),
    Quantity.POWER: ("xinglin_sensor_watts", "Power."),
    Quantity.FREQUENCY: ("xinglin_sensor_hertz", "Frequency."),
    Quantity.FAN_SPEED: ("xinglin_sensor_fan_rpm", "Revolutions of a fan in a minute."),
}

DeviceStanding = Standing[DeviceReading] | Standing[ProbeReading]


def device_families(standings: Iterable[DeviceStanding]) -> Iterable[Metric]:
    """Yield the families of all devices, polled and probed; each device once."""
    every = list(standings)
    polled = [(one.name, one.reading) for one in every if isinstance(one.reading, DeviceReading)]
    yield from _standing(every)
    yield from _probes(every)
    yield from _identity(every)
    yield from _interfaces(polled)
    yield from _resources(polled)
    yield from _sensors(polled)
    yield from _printers(polled)


def _standing(standings: Sequence[DeviceStanding]) -> Iterable[Metric]:
    up = GaugeMetricFamily("xinglin_device_up", "1 if the device's last poll was answered.", labels=STANDING)
    trouble = GaugeMetricFamily(
        "xinglin_device_trouble", "1 for the reason why there is no current reading.", labels=[*STANDING, "code"]
    )
    failing = GaugeMetricFamily(
        "xinglin_device_failing_since_timestamp_seconds", "When the first of the failed polls was.", labels=STANDING
    )
    for one in standings:
        labels = [one.name, one.kind, one.source]
        if one.trouble is not Trouble.NOT_STARTED:  # nobody has asked it: neither up nor down
            up.add_metric(labels, one.reading is not None)
        if one.trouble is not None:
            trouble.add_metric([*labels, one.trouble], 1)
        if one.failing_since is not None:
            failing.add_metric(labels, one.failing_since)
    return up, trouble, failing


def _probes(standings: Sequence[DeviceStanding]) -> Iterable[Metric]:
    duration = GaugeMetricFamily(
        "xinglin_probe_duration_seconds", "How long the device took to answer.", labels=["device", "method"]
    )
    for one in standings:
        if isinstance(one.reading, ProbeReading):
            duration.add_metric([one.name, one.reading.method], one.reading.duration_seconds)
    return (duration,)


def _identity(standings: Sequence[DeviceStanding]) -> Iterable[Metric]:
    info = GaugeMetricFamily(
        "xinglin_device_info",
        "What the device says of itself, value is always 1.",
        labels=["device", "kind", "vendor", "model", "name", "location", "software"],
    )
    uptime = GaugeMetricFamily(
        "xinglin_device_uptime_seconds", "Time since the start, from hrSystemUptime or sysUpTime.", labels=["device"]
    )
    for one in standings:
        if isinstance(reading := one.reading, DeviceReading):
            about = [reading.vendor, reading.model, reading.name, reading.location, reading.software]
            info.add_metric([one.name, one.kind, *about], 1)
            if reading.uptime_seconds is not None:
                uptime.add_metric([one.name], reading.uptime_seconds)
    return info, uptime


Polled = Sequence[tuple[str, DeviceReading]]


def _interfaces(polled: Polled) -> Iterable[Metric]:
    up = GaugeMetricFamily(
        "xinglin_interface_up", "1 if the port is switched on and passes packets (ifOperStatus).", labels=INTERFACE
    )
    enabled = GaugeMetricFamily(
        "xinglin_interface_enabled", "1 if the administrator wants the port to work (ifAdminStatus).", labels=INTERFACE
    )
    speed = GaugeMetricFamily(
        "xinglin_interface_speed_bytes", "Speed in bytes a second, from ifHighSpeed, else ifSpeed.", labels=INTERFACE
    )
    counters = {
        field: CounterMetricFamily(f"xinglin_interface_{field}", meaning, labels=INTERFACE)
        for field, meaning in COUNTERS
    }
    for device, reading in polled:
        for interface in reading.interfaces:
            labels = [device, interface.name, interface.alias]
            _add(up, labels, interface.up)
            _add(enabled, labels, interface.enabled)
            _add(speed, labels, interface.speed_bytes)
            for field, family in counters.items():
                _add(family, labels, _counter(interface, field))
    return up, enabled, speed, *counters.values()


def _resources(polled: Polled) -> Iterable[Metric]:
    cpu = GaugeMetricFamily("xinglin_device_cpu_used_ratio", "Load of the processors, 0 to 1.", labels=["device"])
    ratio = GaugeMetricFamily("xinglin_device_memory_used_ratio", "Memory in use, 0 to 1.", labels=["device"])
    used = GaugeMetricFamily("xinglin_device_memory_used_bytes", "Memory in use, where told.", labels=["device"])
    size = GaugeMetricFamily("xinglin_device_memory_size_bytes", "Memory, where told.", labels=["device"])
    places = ["device", "storage"]
    storage_used = GaugeMetricFamily("xinglin_device_storage_used_bytes", "Storage in use.", labels=places)
    storage_size = GaugeMetricFamily("xinglin_device_storage_size_bytes", "Size of the storage.", labels=places)
    for device, reading in polled:
        _add(cpu, [device], reading.cpu_used_ratio)
        if reading.memory is not None:
            _add(ratio, [device], reading.memory.used_ratio)
            _add(used, [device], reading.memory.used_bytes)
            _add(size, [device], reading.memory.size_bytes)
        for storage in reading.storages:
            storage_used.add_metric([device, storage.name], storage.used_bytes)
            storage_size.add_metric([device, storage.name], storage.size_bytes)
    return cpu, ratio, used, size, storage_used, storage_size


def _sensors(polled: Polled) -> Iterable[Metric]:
    labels = ["device", "sensor", "place"]
    families = {quantity: GaugeMetricFamily(name, text, labels=labels) for quantity, (name, text) in SENSORS.items()}
    contact_open = GaugeMetricFamily(
        "xinglin_sensor_contact_open",
        "1 if the door is open, water is there, or the contact is not in its normal state.",
        labels=["device", "sensor"],
    )
    for device, reading in polled:
        for sensor in reading.sensors:
            families[sensor.quantity].add_metric([device, sensor.name, sensor.place], sensor.value)
        for contact in reading.contacts:
            contact_open.add_metric([device, contact.name], contact.open)
    return *families.values(), contact_open


def _printers(polled: Polled) -> Iterable[Metric]:
    supplies = GaugeMetricFamily(
        "xinglin_printer_supply_ratio", "What is left of a supply, 0 to 1.", labels=["device", "supply"]
    )
    alerts = GaugeMetricFamily(
        "xinglin_printer_alert", "1 for each thing that hinders the printer.", labels=["device", "alert"]
    )
    pages = CounterMetricFamily("xinglin_printer_pages", "Pages printed in the printer's life.", labels=["device"])
    for device, reading in polled:
        for supply in reading.supplies:
            _add(supplies, [device, supply.name], supply.ratio)
        for alert in reading.printer_alerts:
            alerts.add_metric([device, alert], 1)
        _add(pages, [device], reading.pages)
    return supplies, alerts, pages


def _counter(interface: Interface, field: str) -> int | None:
    value = getattr(interface, field)
    return value if isinstance(value, int) else None


def _add(family: GaugeMetricFamily | CounterMetricFamily, labels: Sequence[str], value: float | None) -> None:
    if value is not None:
        family.add_metric(labels, value)
