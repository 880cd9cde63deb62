"""What the kernel says of this boot."""

import os
from datetime import UTC, datetime
from pathlib import Path

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
STAT = Path("/proc/stat")
INIT = Path("/proc/1/stat")


def boot_id() -> str:
    """Return the id of this boot."""
    return BOOT_ID.read_text(encoding="ascii").strip()


def booted_at() -> datetime:
    """Return when the first process of this boot began, by the clock as it is now.

    Not the kernel's own boot: a host that is a container has another.
    """
    line = next(line for line in STAT.read_text(encoding="ascii").splitlines() if line.startswith("btime "))
    fields = INIT.read_text(encoding="utf-8").rpartition(")")[2].split()
    seconds = int(fields[19]) / os.sysconf("SC_CLK_TCK")  # starttime: field 22 of proc(5), the 20th after the name
    return datetime.fromtimestamp(int(line.split()[1]) + seconds, UTC)
