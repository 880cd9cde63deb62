"""Whether two sources (SNMP and NUT) say the same of one UPS.

They look at different moments, and snmp-ups itself polls.  So a value of the one is held against all that the other
said from one poll interval before it to one after it, and judged only when that time is over.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from agent.polling import Standing
from agent.ups.reading import Flag, UpsReading

FLAGS = {
    "on_battery": Flag.ON_BATTERY,
    "low_battery": Flag.LOW_BATTERY,
    "replace_battery": Flag.REPLACE_BATTERY,
}
CHARGE_RATIO = 0.02
LOAD_RATIO = 0.03
RUNTIME_RATIO, RUNTIME_SECONDS = 0.10, 60.0
VOLTS_RATIO = 0.02

Quantities = Mapping[str, float]
"""Quantity → value; flags as 0 and 1.  What is not known is not in it."""


def quantities(reading: UpsReading) -> Quantities:
    """Return what of a reading is compared: ratios, seconds, volts of the first line, and the flags."""
    volts = {"input_voltage": reading.input_volts, "output_voltage": reading.output_volts}
    values = {
        "charge": reading.charge_ratio,
        "runtime": reading.runtime_seconds,
        "load": reading.load_ratio,
        "battery_voltage": reading.battery_volts,
        **{name: lines[0] if lines else None for name, lines in volts.items()},
        **{name: float(flag in reading.flags) if reading.flags else None for name, flag in FLAGS.items()},
    }
    if {Flag.ON_BATTERY_UNCONFIRMED, Flag.TEST} & reading.flags:
        values["on_battery"] = None  # neither yes nor no
    return {name: value for name, value in values.items() if value is not None}


def tolerance(quantity: str, value: float) -> float:
    """Return by how much another source may differ from ``value``."""
    match quantity:
        case "charge":
            return CHARGE_RATIO
        case "load":
            return LOAD_RATIO
        case "runtime":
            return max(RUNTIME_SECONDS, RUNTIME_RATIO * value)
        case "input_voltage" | "output_voltage" | "battery_voltage":
            return VOLTS_RATIO * value
        case _:
            return 0.0


def differences(one: Quantities, others: Iterable[Quantities]) -> tuple[str, ...]:
    """Return the quantities in which ``one`` lies outside of all that ``others`` say, with its tolerance."""
    said = list(others)
    found = []
    for name, value in one.items():
        values = [other[name] for other in said if name in other]
        margin = tolerance(name, value) + 1e-9
        if values and not min(values) - margin <= value <= max(values) + margin:
            found.append(name)
    return tuple(sorted(found))


@dataclass(frozen=True)
class _Sample:
    read_at: float
    quantities: Quantities


@dataclass
class Agreement:
    """Remembers what the sources said lately; ``interval_seconds`` is the slowest source's poll interval."""

    interval_seconds: float
    _samples: dict[tuple[str, str], deque[_Sample]] = field(default_factory=dict)

    def observe(self, standings: Iterable[Standing[UpsReading]], now: float) -> None:
        """Take in the present standings (once each); ``now`` in Unix seconds."""
        for standing in standings:
            samples = self._samples.setdefault((standing.name, standing.source), deque())
            if standing.reading is None or standing.read_at is None:
                samples.clear()  # a source that fails says nothing; that is shown elsewhere
                continue
            if not samples or samples[-1].read_at != standing.read_at:
                samples.append(_Sample(standing.read_at, quantities(standing.reading)))
            while samples and not 0 <= now - samples[0].read_at <= 4 * self.interval_seconds:
                samples.popleft()  # too old, or the clock went back

    def disagreements(self, now: float) -> tuple[tuple[str, str], ...]:
        """Return (UPS, quantity) of what SNMP and NUT differ in."""
        found = []
        for (ups, source), samples in self._samples.items():
            complete = [sample for sample in samples if sample.read_at <= now - self.interval_seconds]
            if source != "snmp" or not complete:
                continue
            judged = complete[-1]
            around = [
                sample.quantities
                for sample in self._samples.get((ups, "nut"), ())
                if abs(sample.read_at - judged.read_at) <= self.interval_seconds
            ]
            found += [(ups, quantity) for quantity in differences(judged.quantities, around)]
        return tuple(found)


def disagreement_families(disagreements: Iterable[tuple[str, str]]) -> Iterable[Metric]:
    """Return ``xinglin_ups_disagreement``, one sample for each quantity that differs."""
    family = GaugeMetricFamily(
        "xinglin_ups_disagreement", "1 where SNMP and NUT say different things of a UPS.", labels=["ups", "quantity"]
    )
    for ups, quantity in disagreements:
        family.add_metric([ups, quantity], 1)
    return (family,)
