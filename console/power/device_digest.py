"""From the contract's metrics of devices to snapshots; rates from the reading before."""

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from console.power.snapshot import DeviceSnapshot, Interface, Measured, Storage
from console.worker.exposition import Labels, Samples

PREFIX, INTERFACE, SENSOR = "xinglin_device_", "xinglin_interface_", "xinglin_sensor_"
INTERFACES_KEPT = 512
SENSORS_KEPT = 64
# Metric → field of the snapshot.
NUMBERS = {
    f"{PREFIX}failing_since_timestamp_seconds": "failing_since",
    f"{PREFIX}uptime_seconds": "uptime_seconds",
    f"{PREFIX}cpu_used_ratio": "cpu_used_ratio",
    f"{PREFIX}memory_used_ratio": "memory_used_ratio",
    "xinglin_snmp_poll_duration_seconds": "answer_seconds",
    "xinglin_probe_duration_seconds": "answer_seconds",
}
INFO = ("vendor", "model", "name", "location", "software")
Values = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Counters:
    """What rates are made from: a device's own clock, its interfaces' counters, and the rates they gave."""

    clock: float
    bytes_: Mapping[str, tuple[float | None, float | None]]
    rates: Mapping[str, tuple[float | None, float | None]] = field(default_factory=dict)


def device_snapshots(
    samples: Samples, at: float, before: Mapping[str, Counters]
) -> dict[str, tuple[DeviceSnapshot, Counters]]:
    """Return device → its snapshot, and the counters for the next one; ``at``: the scrape in Unix seconds."""
    values: Values = {
        labels["device"]: {"up": value == 1, "kind": labels.get("kind", "other"), "source": labels.get("source", "")}
        for labels, value in samples.get(f"{PREFIX}up", ())
        if "device" in labels
    }
    for metric, name in NUMBERS.items():
        for found, _labels, value in _on(values, samples, metric):
            found[name] = value
    for found, labels, value in _on(values, samples, f"{PREFIX}trouble"):
        if value == 1:
            found["trouble"] = labels.get("code")
    for found, labels, _value in _on(values, samples, f"{PREFIX}info"):
        found.update({name: labels.get(name, "") for name in INFO})
    _add_lists(values, samples)
    storages = _storages(samples)
    interfaces = _interfaces(samples)
    result = {}
    for device, found in values.items():
        ports = interfaces.get(device, {})
        counters = _counters(found.get("uptime_seconds", at), ports, before.get(device))
        found["storages"] = tuple(storages.get(device, ()))
        found["interfaces"] = tuple(_interface(name, port, counters) for name, port in ports.items())
        result[device] = (DeviceSnapshot(**found), counters)
    return result


def _on(values: Values, samples: Samples, metric: str) -> Iterator[tuple[dict[str, Any], Labels, float]]:
    for labels, value in samples.get(metric, ()):
        found = values.get(labels.get("device", ""))
        if found is not None and not math.isnan(value):
            yield found, labels, value


def _add_lists(values: Values, samples: Samples) -> None:
    def add(found: dict[str, Any], name: str, item: object) -> None:
        kept = found.get(name, ())
        found[name] = (*kept, item) if len(kept) < SENSORS_KEPT else kept

    for metric in samples:
        if metric.startswith(SENSOR) and metric != f"{SENSOR}contact_open":
            quantity = metric.rpartition("_")[2]
            for found, labels, value in _on(values, samples, metric):
                add(found, "sensors", Measured(labels.get("sensor", "?"), quantity, value))
    for found, labels, value in _on(values, samples, f"{SENSOR}contact_open"):
        add(found, "open_contacts" if value == 1 else "closed_contacts", labels.get("sensor", "?"))
    for found, labels, value in _on(values, samples, "xinglin_printer_supply_ratio"):
        add(found, "supplies", Measured(labels.get("supply", "?"), "ratio", value))
    for found, labels, value in _on(values, samples, "xinglin_printer_alert"):
        if value == 1:
            add(found, "alerts", labels.get("alert", "?"))


def _storages(samples: Samples) -> dict[str, list[Storage]]:
    used = {
        (labels.get("device", ""), labels.get("storage", "")): value
        for labels, value in samples.get(f"{PREFIX}storage_used_bytes", ())
    }
    found: dict[str, list[Storage]] = defaultdict(list)
    for labels, size in samples.get(f"{PREFIX}storage_size_bytes", ()):
        key = (labels.get("device", ""), labels.get("storage", ""))
        if size > 0 and key in used and len(found[key[0]]) < SENSORS_KEPT:
            found[key[0]].append(Storage(key[1], used[key], size))
    return found


def _interfaces(samples: Samples) -> dict[str, dict[str, dict[str, Any]]]:
    """Return device → interface → its values, named as the metrics without their common beginning."""
    found: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
    for labels, value in samples.get(f"{INTERFACE}up", ()):
        ports = found[labels.get("device", "")]
        if len(ports) < INTERFACES_KEPT:
            ports[labels.get("interface", "?")] = {"up": value, "alias": labels.get("alias", "")}
    for metric in samples:
        if metric.startswith(INTERFACE) and metric != f"{INTERFACE}up":
            name = metric.removeprefix(INTERFACE)
            for labels, value in samples[metric]:
                port = found.get(labels.get("device", ""), {}).get(labels.get("interface", "?"))
                if port is not None:
                    port[name] = value
    return found


def _counters(clock: float, ports: Mapping[str, Mapping[str, Any]], before: Counters | None) -> Counters:
    """Return the counters with their rates, by the device's own clock: it stands still between two polls."""
    bytes_ = {name: (port.get("receive_bytes_total"), port.get("transmit_bytes_total")) for name, port in ports.items()}
    if before is None or clock < before.clock:  # never seen before, or restarted
        return Counters(clock, bytes_)
    if clock == before.clock:
        return Counters(clock, bytes_, before.rates)
    seconds = clock - before.clock
    rates = {}
    for name, now in bytes_.items():
        earlier = before.bytes_.get(name, (None, None))
        rates[name] = (_rate(earlier[0], now[0], seconds), _rate(earlier[1], now[1], seconds))
    return Counters(clock, bytes_, rates)


def _rate(earlier: float | None, now: float | None, seconds: float) -> float | None:
    return None if earlier is None or now is None or now < earlier else (now - earlier) / seconds


def _interface(name: str, port: Mapping[str, Any], counters: Counters) -> Interface:
    receive, transmit = counters.rates.get(name, (None, None))
    return Interface(
        name=name,
        alias=port["alias"],
        enabled=port.get("enabled", port["up"]) == 1,
        up=port["up"] == 1,
        receive_rate=receive,
        transmit_rate=transmit,
        errors=_sum(port.get("receive_errors_total"), port.get("transmit_errors_total")),
        speed=port.get("speed_bytes") or None,
    )


def _sum(*values: float | None) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None
