"""The space of the repositories' file system: how much there is, how long it lasts, and a ballast for the worst day."""

import contextlib
import itertools
import json
import os
import shutil
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from backup.status import RepositoryState, format_time

BALLAST = "ballast"
GROWTH_DAYS = 28
MIN_DAYS = 4
"""So many days with a size make a habit."""
FULL_BYTES = 64 * 1024**2
"""With less free space than this, not even a lock can be relied on: the ballast is given up."""
SMALL_DISK_SHARE = 0.02
ROOM_FACTOR = 3
"""The ballast is made again when three times its size is free."""


@dataclass(frozen=True)
class Space:
    """Bytes of the file system, as an unprivileged user may fill it."""

    total: int
    free: int


def measure(directory: Path) -> Space:
    """Return the space of the file system below ``directory``; raises OSError."""
    usage = shutil.disk_usage(directory)
    return Space(usage.total, usage.free)


def ballast_size(wanted: int, total: int) -> int:
    """Return the ballast's size: as configured, but no more than 2 % of the disk."""
    return min(wanted, int(total * SMALL_DISK_SHARE))


def is_full(space: Space, ballast: int) -> bool:
    """Tell whether the disk is so full that the ballast must go."""
    return space.free < min(FULL_BYTES, max(ballast, 1024**2))


def make_ballast(path: Path, size: int) -> None:
    """Take ``size`` bytes of the disk into a file; raises OSError, and then leaves no file."""
    temporary = path.with_suffix(".new")
    try:
        with temporary.open("wb") as stream:
            os.posix_fallocate(stream.fileno(), 0, size)
            os.fsync(stream.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def size_or_zero(path: Path) -> int:
    """Return a file's size, 0 where there is none."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def growth_bytes_per_day(states: Sequence[RepositoryState]) -> float | None:
    """Return the growth of all repositories together: for each the median of the last 28 days.

    None until one has sizes of four days.  A day of retention shrinks and one of an import grows; the median does not
    mind.
    """
    grown = []
    for state in states:
        sizes = [(date.fromisoformat(day), size) for day, size in state.sizes[-GROWTH_DAYS - 1 :]]
        steps = [
            (after - before) / max(1, (day - earlier).days)
            for (earlier, before), (day, after) in itertools.pairwise(sizes)
        ]
        if len(sizes) >= MIN_DAYS:
            grown.append(statistics.median(steps))
    return sum(grown) if grown else None


def days_until_full(free: int, growth: float | None) -> float | None:
    """Return after how many days the disk is full at this growth; None when it does not grow."""
    return free / growth if growth and growth > 0 else None


def publish(repository: Path, free: int, moment: datetime) -> None:
    """Write the free space where the host can GET it through rest-server: ``/<host>/space/config``."""
    directory = repository / "space"
    directory.mkdir(mode=0o700, exist_ok=True)
    temporary = directory / ".new"
    try:
        temporary.write_text(json.dumps({"free_bytes": free, "at": format_time(moment)}), encoding="utf-8")
        temporary.replace(directory / "config")
    except OSError:
        # A full disk, of all things: what an old file says is worse than nothing.
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
            (directory / "config").unlink(missing_ok=True)
        raise
