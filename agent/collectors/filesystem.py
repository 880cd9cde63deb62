"""Mounted file systems, each asked with a deadline: a dead NFS server hangs statvfs(2) for ever."""

import contextlib
import os
import queue
import re
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

IGNORED_MOUNT_POINTS = re.compile(
    r"^/(dev|proc|run/credentials|run/host|sys|var/lib/docker|var/lib/containers/storage)($|/)"
)
IGNORED_TYPES = re.compile(
    r"^(autofs|binfmt_misc|bpf|cgroup2?|configfs|debugfs|devpts|devtmpfs|fusectl|hugetlbfs|iso9660|mqueue|nsfs|overlay"
    r"|proc|procfs|pstore|ramfs|rpc_pipefs|securityfs|selinuxfs|squashfs|sysfs|tracefs)$"
)
OCTAL = re.compile(r"\\([0-7]{3})")
LABELS = ("device", "fstype", "mountpoint")
PATIENCE_SECONDS = 1.0
WAITS = 4
MAX_HUNG = 8
SIZES = {
    "size_bytes": "Filesystem size in bytes, from statvfs(2).",
    "free_bytes": "Filesystem free space in bytes, from statvfs(2).",
    "avail_bytes": "Filesystem space available to non-root users in bytes, from statvfs(2).",
    "files": "Filesystem total file nodes, from statvfs(2).",
    "files_free": "Filesystem total free file nodes, from statvfs(2).",
}


@dataclass(frozen=True)
class Mount:
    """One mounted file system."""

    device: str
    fstype: str
    mountpoint: str
    readonly: bool


def parse_mountinfo(text: str) -> tuple[Mount, ...]:
    """Parse /proc/PID/mountinfo (proc_pid_mountinfo(5)) into the file systems worth watching.

    A file system mounted several times (bind mounts) is given once, at its shortest mount point; of several mounted
    on one mount point only the last can be seen.
    """
    visible: dict[str, tuple[tuple[str, str], Mount]] = {}
    for line in text.splitlines():
        before, _, after = line.partition(" - ")
        _, _, number, _, raw_mountpoint, options, *_ = before.split(" ")
        fstype, device, *_ = after.split(" ")
        mountpoint = OCTAL.sub(lambda match: chr(int(match[1], 8)), raw_mountpoint)
        if (IGNORED_TYPES.match(fstype) and mountpoint != "/") or IGNORED_MOUNT_POINTS.match(mountpoint):
            continue
        mount = Mount(device, fstype, mountpoint, readonly="ro" in options.split(","))
        visible[mountpoint] = (number, fstype), mount
    found: dict[tuple[str, str], Mount] = {}
    for identity, mount in visible.values():
        known = found.get(identity)
        if known is None or len(mount.mountpoint) < len(known.mountpoint):
            found[identity] = mount
    return tuple(found.values())


Progress = queue.SimpleQueue[os.statvfs_result | None]


class Asker:
    """Calls ``statvfs`` of each path in turn, in a thread that is left behind when a path hangs.

    A path is not asked again until its old call has come back, so there are never more threads than hung
    paths plus one, and at most ``MAX_HUNG`` of those.
    """

    def __init__(self, statvfs: Callable[[str], os.statvfs_result] = os.statvfs) -> None:
        self._statvfs = statvfs
        self._lock = threading.Lock()
        self._hung: set[str] = set()

    def ask(self, paths: Iterable[str], patience_seconds: float) -> dict[str, os.statvfs_result]:
        """Return the answers; a path without one (hung, gone, forbidden) is missing from the result."""
        answers: dict[str, os.statvfs_result] = {}
        with self._lock:
            rest = [path for path in paths if path not in self._hung]
        while rest and len(self._hung) < MAX_HUNG:
            progress: Progress = queue.SimpleQueue()
            threading.Thread(target=self._walk, args=(rest, progress), name="statvfs", daemon=True).start()
            rest = self._follow(rest, progress, patience_seconds, answers)
        return answers

    def _follow(
        self, paths: list[str], progress: Progress, patience_seconds: float, answers: dict[str, os.statvfs_result]
    ) -> list[str]:
        """Take a walk's answers; return the paths still to ask after one hung."""
        for index, path in enumerate(paths):
            try:
                answer = _patient(progress, patience_seconds)
            except queue.Empty:
                with self._lock:
                    if progress.empty():
                        self._hung.add(path)
                        return paths[index + 1 :]
                    answer = progress.get()
            if answer is not None:
                answers[path] = answer
        return []

    def _walk(self, paths: list[str], progress: Progress) -> None:
        for path in paths:
            try:
                answer = self._statvfs(path)
            except OSError:
                answer = None
            with self._lock:
                if path in self._hung:
                    self._hung.discard(path)
                    return
                progress.put(answer)


def _patient(progress: Progress, patience_seconds: float) -> os.statvfs_result | None:
    """Return what comes next; raises queue.Empty.

    In several short waits: when the whole machine stood still (a virtual one that is moved), that ends only one.
    """
    for _ in range(WAITS - 1):
        with contextlib.suppress(queue.Empty):
            return progress.get(timeout=patience_seconds / WAITS)
    return progress.get(timeout=patience_seconds / WAITS)


@dataclass(frozen=True)
class FilesystemCollector:
    """Size, space and inodes of each file system; ``node_filesystem_device_error`` is 1 for one without an answer.

    The mounts are those of PID 1: this service's own view has read-only bind mounts that the host has not.
    """

    proc: Path = Path("/proc")
    asker: Asker = field(default_factory=Asker)
    patience_seconds: float = PATIENCE_SECONDS
    name: str = "filesystem"
    interval_seconds: float = 15
    timeout_seconds: float = 2 + MAX_HUNG * PATIENCE_SECONDS

    def collect(self) -> Iterable[Metric]:
        mounts = parse_mountinfo(self._mountinfo())
        answers = self.asker.ask((mount.mountpoint for mount in mounts), self.patience_seconds)
        return list(families(mounts, answers))

    def _mountinfo(self) -> str:
        try:
            return (self.proc / "1/mountinfo").read_text()
        except OSError:  # /proc is mounted with hidepid
            return (self.proc / "self/mountinfo").read_text()


def families(mounts: Iterable[Mount], answers: dict[str, os.statvfs_result]) -> Iterable[Metric]:
    """Return the families of ``mounts`` with the ``answers`` that came."""
    error = GaugeMetricFamily("node_filesystem_device_error", "1 if statvfs(2) failed or hangs.", labels=LABELS)
    readonly = GaugeMetricFamily("node_filesystem_readonly", "Filesystem read-only status.", labels=LABELS)
    sizes = {
        name: GaugeMetricFamily(f"node_filesystem_{name}", meaning, labels=LABELS) for name, meaning in SIZES.items()
    }
    for mount in mounts:
        labels = [mount.device, mount.fstype, mount.mountpoint]
        answer = answers.get(mount.mountpoint)
        error.add_metric(labels, answer is None)
        if answer is None:
            continue
        readonly.add_metric(labels, mount.readonly)
        sizes["size_bytes"].add_metric(labels, answer.f_blocks * answer.f_frsize)
        sizes["free_bytes"].add_metric(labels, answer.f_bfree * answer.f_frsize)
        sizes["avail_bytes"].add_metric(labels, answer.f_bavail * answer.f_frsize)
        sizes["files"].add_metric(labels, answer.f_files)
        sizes["files_free"].add_metric(labels, answer.f_ffree)
    return error, readonly, *sizes.values()
