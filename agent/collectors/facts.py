"""How old the gathered facts are."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric


@dataclass(frozen=True)
class FactsCollector:
    """Time of the facts file; raises FileNotFoundError while the gatherer has not run."""

    path: Path
    name: str = "facts"
    interval_seconds: float = 30
    timeout_seconds: float = 5

    def collect(self) -> Iterable[Metric]:
        written = self.path.stat().st_mtime
        yield GaugeMetricFamily(
            "xinglin_facts_timestamp_seconds", "Unix time when the facts were last gathered, from the file.", written
        )
