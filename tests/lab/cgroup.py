"""A control group for each host: hosts that shared one would remove each other's while booting."""

import time
from pathlib import Path


def groups_of(machine: str) -> list[Path]:
    """Where a host's control group is: the unified hierarchy, and systemd's own one where there still is one."""
    found = []
    for line in Path("/proc/mounts").read_text().splitlines():
        _, mountpoint, fstype, options, *_ = line.split(" ")
        if fstype == "cgroup2" or (fstype == "cgroup" and "name=systemd" in options.split(",")):
            found.append(Path(mountpoint) / f"xinglin-lab-{machine}")
    return found


def make(machine: str) -> list[Path]:
    """Make the host's control groups and return them."""
    groups = groups_of(machine)
    for group in groups:
        group.mkdir(exist_ok=True)
    return groups


def remove(machine: str, timeout_seconds: float = 60) -> None:
    """Remove the control groups of a host that has ended."""
    deadline = time.monotonic() + timeout_seconds
    for group in groups_of(machine):
        while group.exists():
            try:
                _remove_tree(group)
            except OSError:
                # The kernel is still ending the last processes, and sends no event when it has.
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)


def _remove_tree(group: Path) -> None:
    # A control group's files go with it; only its directories can and must be removed, the inner ones first.
    for directory in sorted((path for path in group.rglob("*") if path.is_dir()), reverse=True):
        directory.rmdir()
    group.rmdir()
