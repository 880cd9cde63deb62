"""UPSes and devices: what the poller and upsd's reader know at the moment of the scrape."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from agent.devices.metrics import device_families
from agent.polling import Standing
from agent.ups.agreement import Agreement, disagreement_families
from agent.ups.metrics import ups_families

Standings = Sequence[Standing[Any]]


class PolledCollector:
    """Shows the standings of all sources as one set of families; never waits for a device."""

    name = "polled"
    interval_seconds = 0.0
    timeout_seconds = 5.0

    def __init__(
        self,
        standings: Callable[[], Standings],
        durations: Callable[[], Mapping[str, float]],
        traps: Callable[[], Mapping[str, int]],
        agreement: Agreement,
    ) -> None:
        self._standings = standings
        self._durations = durations
        self._traps = traps
        self._agreement = agreement

    def collect(self) -> Iterable[Metric]:
        """Yield the families that have samples, or may get some."""
        standings = self._standings()
        upses = [standing for standing in standings if standing.kind == "ups"]
        others = [standing for standing in standings if standing.kind != "ups"]
        if upses:
            yield from ups_families(upses)
            now = time.time()
            self._agreement.observe(upses, now)
            yield from disagreement_families(self._agreement.disagreements(now))
        if others:
            yield from device_families(others)
        yield from _own(self._durations(), self._traps())


def _own(durations: Mapping[str, float], traps: Mapping[str, int]) -> Iterable[Metric]:
    if durations:
        duration = GaugeMetricFamily(
            "xinglin_snmp_poll_duration_seconds", "Duration of the device's last finished poll.", labels=["device"]
        )
        for name, seconds in durations.items():
            duration.add_metric([name], seconds)
        yield duration
    if traps:
        received = CounterMetricFamily(
            "xinglin_snmp_traps", "SNMP notifications received, by what became of them.", labels=["result"]
        )
        for result, count in traps.items():
            received.add_metric([result], count)
        yield received
