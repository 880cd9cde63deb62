"""Which measurements are kept as history: a fixed, small set a host."""

from collections.abc import Callable
from dataclasses import dataclass

from console.snapshot import Snapshot


@dataclass(frozen=True)
class Point:
    """One value of one series now."""

    name: str
    label: str
    value: float


# Name → how to read it.  The unit is in the name.
PLAIN: dict[str, Callable[[Snapshot], float | None]] = {
    "cpu_used_ratio": lambda one: one.cpu_used_ratio,
    "load1": lambda one: one.load1,
    "memory_used_ratio": lambda one: one.memory_used_ratio,
    "swap_used_ratio": lambda one: one.swap_used_ratio,
    "network_receive_bytes_per_second": lambda one: one.network_receive_bytes_per_second,
    "network_transmit_bytes_per_second": lambda one: one.network_transmit_bytes_per_second,
    "disk_read_bytes_per_second": lambda one: one.disk_read_bytes_per_second,
    "disk_written_bytes_per_second": lambda one: one.disk_written_bytes_per_second,
    "clock_offset_seconds": lambda one: one.clock_offset_seconds,
}
SCRAPE_SECONDS = "scrape_seconds"
FILESYSTEM_USED_RATIO = "filesystem_used_ratio"


def points(snapshot: Snapshot, scrape_seconds: float) -> list[Point]:
    """Return what of a scrape goes into the history: at most 18 points."""
    found = [(name, read(snapshot)) for name, read in PLAIN.items()]
    kept = [Point(name, "", value) for name, value in found if value is not None]
    kept.append(Point(SCRAPE_SECONDS, "", scrape_seconds))
    kept += [Point(FILESYSTEM_USED_RATIO, one.mountpoint, one.used_ratio) for one in snapshot.filesystems]
    return kept
