"""From the contract's metrics of UPSes to snapshots."""

import math
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from console.power.snapshot import UpsSnapshot
from console.worker.exposition import Labels, Samples

PREFIX = "xinglin_ups_"
# Metric → field of the snapshot.
NUMBERS = {
    f"{PREFIX}failing_since_timestamp_seconds": "failing_since",
    f"{PREFIX}read_timestamp_seconds": "read_at",
    f"{PREFIX}battery_charge_ratio": "charge_ratio",
    f"{PREFIX}battery_runtime_seconds": "runtime_seconds",
    f"{PREFIX}on_battery_seconds": "on_battery_seconds",
    f"{PREFIX}load_ratio": "load_ratio",
    f"{PREFIX}battery_voltage_volts": "battery_volts",
    f"{PREFIX}battery_temperature_celsius": "battery_celsius",
    f"{PREFIX}battery_replaced_timestamp_seconds": "battery_replaced",
    f"{PREFIX}input_frequency_hertz": "input_hertz",
    f"{PREFIX}output_frequency_hertz": "output_hertz",
}
LINES = {f"{PREFIX}input_voltage_volts": "input_volts", f"{PREFIX}output_voltage_volts": "output_volts"}
# Metrics that are 1 for what is true: metric → (field, label that says what).
CHOICES = {f"{PREFIX}trouble": ("trouble", "code"), f"{PREFIX}test_result": ("test", "result")}
LISTS = {f"{PREFIX}status": ("flags", "flag"), f"{PREFIX}alarm": ("alarms", "alarm")}
INFO = ("manufacturer", "model", "serial", "firmware", "mib")
Values = dict[tuple[str, str], dict[str, Any]]


def ups_snapshots(samples: Samples) -> dict[tuple[str, str], UpsSnapshot]:
    """Return (ups, source) → what that source tells of that UPS."""
    values: Values = {
        (labels["ups"], labels["source"]): {"up": value == 1}
        for labels, value in samples.get(f"{PREFIX}up", ())
        if "ups" in labels and "source" in labels
    }
    for metric, name in NUMBERS.items():
        for found, _labels, value in _of(values, samples, metric):
            found[name] = value
    for metric, name in LINES.items():
        for found, _labels, value in _of(values, samples, metric):  # in the order of the lines
            found[name] = (*found.get(name, ()), value)
    for found, labels, _value in _of(values, samples, f"{PREFIX}info"):
        found.update({name: labels.get(name, "") for name in INFO})
    _add_what_is_true(values, samples)
    differing = _disagreements(samples)
    return {key: UpsSnapshot(**found, disagreements=differing.get(key[0], ())) for key, found in values.items()}


def _of(values: Values, samples: Samples, metric: str) -> Iterator[tuple[dict[str, Any], Labels, float]]:
    for labels, value in samples.get(metric, ()):
        found = values.get((labels.get("ups", ""), labels.get("source", "")))
        if found is not None and not math.isnan(value):
            yield found, labels, value


def _add_what_is_true(values: Values, samples: Samples) -> None:
    for metric, (name, label) in CHOICES.items():
        for found, labels, value in _of(values, samples, metric):
            if value == 1:
                found[name] = labels.get(label)
    for metric, (name, label) in LISTS.items():
        for found, labels, value in _of(values, samples, metric):
            if value == 1:
                found[name] = (*found.get(name, ()), labels.get(label, "?"))


def _disagreements(samples: Samples) -> dict[str, tuple[str, ...]]:
    found: dict[str, set[str]] = defaultdict(set)
    for labels, value in samples.get(f"{PREFIX}disagreement", ()):
        if value == 1:
            found[labels.get("ups", "")].add(labels.get("quantity", "?"))
    return {ups: tuple(sorted(quantities)) for ups, quantities in found.items()}
