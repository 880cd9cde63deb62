"""How far the backup that runs now has come."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from backup.status import read_progress

LABELS = ("policy", "step")


@dataclass(frozen=True)
class ProgressCollector:
    """The progress file, read at each scrape: one small file, and only while a backup runs."""

    path: Path
    name: str = "backup_progress"
    interval_seconds: float = 0
    timeout_seconds: float = 5

    def collect(self) -> Iterable[Metric]:
        progress = read_progress(self.path)
        if progress is None:
            return
        labels = [progress.policy, progress.step]
        ratio = GaugeMetricFamily(
            "xinglin_backup_progress_ratio", "Done part of the step that runs now, 0 to 1, if known.", labels=LABELS
        )
        done = GaugeMetricFamily(
            "xinglin_backup_progress_bytes", "Bytes that the step that runs now has done.", labels=LABELS
        )
        updated = GaugeMetricFamily(
            "xinglin_backup_progress_timestamp_seconds", "Unix time when the progress was last written.", labels=LABELS
        )
        if progress.fraction is not None:
            ratio.add_metric(labels, progress.fraction)
        done.add_metric(labels, progress.bytes_done)
        updated.add_metric(labels, progress.updated_at.timestamp())
        yield from (ratio, done, updated)
