"""Block devices."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

IGNORED = re.compile(r"^(z?ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\d+n\d+p)\d+$")
SECTOR_BYTES = 512
MILLISECOND = 0.001
# Column of /proc/diskstats after the name → metric, factor, help (Documentation/admin-guide/iostats.rst).
COUNTERS = (
    (0, "node_disk_reads_completed", 1, "Reads completed successfully"),
    (1, "node_disk_reads_merged", 1, "Reads merged"),
    (2, "node_disk_read_bytes", SECTOR_BYTES, "Bytes read successfully"),
    (3, "node_disk_read_time_seconds", MILLISECOND, "Seconds spent by all reads"),
    (4, "node_disk_writes_completed", 1, "Writes completed successfully"),
    (5, "node_disk_writes_merged", 1, "Writes merged"),
    (6, "node_disk_written_bytes", SECTOR_BYTES, "Bytes written successfully"),
    (7, "node_disk_write_time_seconds", MILLISECOND, "Seconds spent by all writes"),
    (9, "node_disk_io_time_seconds", MILLISECOND, "Seconds spent doing I/Os"),
    (10, "node_disk_io_time_weighted_seconds", MILLISECOND, "Weighted seconds spent doing I/Os"),
)
IO_NOW = 8


def parse_diskstats(text: str) -> Iterable[Metric]:
    """Turn /proc/diskstats into families; partitions and memory devices are left out as node_exporter does."""
    rows = [(fields[2], fields[3:]) for fields in map(str.split, text.splitlines()) if not IGNORED.match(fields[2])]
    for column, name, factor, meaning in COUNTERS:
        family = CounterMetricFamily(name, f"{meaning}, from /proc/diskstats.", labels=["device"])
        for device, fields in rows:
            family.add_metric([device], int(fields[column]) * factor)
        yield family
    now = GaugeMetricFamily("node_disk_io_now", "I/Os in progress, from /proc/diskstats.", labels=["device"])
    for device, fields in rows:
        now.add_metric([device], int(fields[IO_NOW]))
    yield now


@dataclass(frozen=True)
class DiskCollector:
    """Reads, writes, bytes and time of each whole block device."""

    proc: Path = Path("/proc")
    name: str = "disk"
    interval_seconds: float = 0
    timeout_seconds: float = 5

    def collect(self) -> Iterable[Metric]:
        yield from parse_diskstats((self.proc / "diskstats").read_text())
