"""The agent itself: its version and what it costs."""

from collections.abc import Iterable
from dataclasses import dataclass

from prometheus_client import PROCESS_COLLECTOR
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric


@dataclass(frozen=True)
class ProcessCollector:
    """Version, memory, CPU time and descriptors of this process."""

    version: str
    name: str = "process"
    interval_seconds: float = 0
    timeout_seconds: float = 5

    def collect(self) -> Iterable[Metric]:
        build = GaugeMetricFamily(
            "xinglin_agent_build_info", "Version of the agent, value is always 1.", labels=["version"]
        )
        build.add_metric([self.version], 1)
        yield build
        yield from PROCESS_COLLECTOR.collect()
