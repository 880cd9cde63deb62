"""The power drills that go on: the scrape that shows a UPS on battery shows its drill, too."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from agent.power.announced import running

LABELS = ("ups", "drill", "how")


@dataclass(frozen=True)
class DrillCollector:
    """The announcements in ``directory``, read at each scrape: one small file a UPS, and its record."""

    directory: Path
    name: str = "power_drill"
    interval_seconds: float = 0
    timeout_seconds: float = 5

    def collect(self) -> Iterable[Metric]:
        announced = GaugeMetricFamily(
            "xinglin_power_drill_announced_timestamp_seconds", "Unix time when the drill was announced.", labels=LABELS
        )
        until = GaugeMetricFamily(
            "xinglin_power_drill_until_timestamp_seconds", "Unix time by which the drill is over.", labels=LABELS
        )
        back = GaugeMetricFamily(
            "xinglin_power_drill_mains_back", "1 if the drill has given the mains back.", labels=LABELS
        )
        drills = list(running(self.directory, datetime.now(UTC)))
        for one in drills:
            labels = [one.announced.ups, one.announced.drill, one.announced.how]
            announced.add_metric(labels, one.announced.at.timestamp())
            until.add_metric(labels, one.until.timestamp())
            back.add_metric(labels, one.mains_back)
        return (announced, until, back) if drills else ()
