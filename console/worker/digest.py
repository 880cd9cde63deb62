"""Digest a scrape: from node_exporter's names to a ``Snapshot``, with rates from the scrape before."""

from collections.abc import Iterable
from dataclasses import dataclass

from console.snapshot import Certificate, Filesystem, Progress, Snapshot
from console.worker.exposition import Samples

PSEUDO_FILESYSTEMS = frozenset(
    {
        "autofs",
        "cgroup2",
        "devtmpfs",
        "efivarfs",
        "fuse.lxcfs",
        "iso9660",
        "overlay",
        "proc",
        "ramfs",
        "squashfs",
        "tmpfs",
    }
)
FILESYSTEMS_KEPT = 8
UNITS_KEPT = 32
CERTIFICATES_KEPT = 16
SHORTEST_RATE_SECONDS = 1.0


@dataclass(frozen=True)
class Counters:
    """The counters of one scrape that rates are made from; ``at`` in the host's own Unix seconds."""

    at: float
    boot_time: float | None
    cpu: float | None
    idle: float | None
    received: float | None
    transmitted: float | None
    read: float | None
    written: float | None


@dataclass(frozen=True)
class Digest:
    """What one scrape says, and what the next one needs from it."""

    snapshot: Snapshot
    counters: Counters
    agent_version: str | None


def digest(samples: Samples, received_at: float, before: Counters | None) -> Digest:
    """Return the digest of a page that arrived at ``received_at`` (Unix seconds)."""
    counters = _counters(samples, received_at)
    usable = before is not None and before.boot_time == counters.boot_time
    earlier = before if usable else None
    cpu, idle = _increase(earlier, counters, "cpu"), _increase(earlier, counters, "idle")
    snapshot = Snapshot(
        cpu_used_ratio=min(1.0, max(0.0, 1 - idle / cpu)) if cpu and idle is not None else None,
        cpu_count=len({labels.get("cpu") for labels, _ in samples.get("node_cpu_seconds_total", ())}) or None,
        load1=_one(samples, "node_load1"),
        load5=_one(samples, "node_load5"),
        load15=_one(samples, "node_load15"),
        memory_total_bytes=_one(samples, "node_memory_MemTotal_bytes"),
        memory_available_bytes=_one(samples, "node_memory_MemAvailable_bytes"),
        swap_total_bytes=_one(samples, "node_memory_SwapTotal_bytes"),
        swap_free_bytes=_one(samples, "node_memory_SwapFree_bytes"),
        network_receive_bytes_per_second=_rate(earlier, counters, "received"),
        network_transmit_bytes_per_second=_rate(earlier, counters, "transmitted"),
        disk_read_bytes_per_second=_rate(earlier, counters, "read"),
        disk_written_bytes_per_second=_rate(earlier, counters, "written"),
        clock_offset_seconds=_one(samples, "node_timex_offset_seconds"),
        clock_synchronised=_flag(_one(samples, "node_timex_sync_status")),
        boot_time=counters.boot_time,
        system=_label(samples, "node_os_info", "pretty_name"),
        kernel=_label(samples, "node_uname_info", "release"),
        filesystems=_filesystems(samples),
        certificates=_certificates(samples),
        failed_units=_named(samples, "node_systemd_unit_state", "name", {"state": "failed"}, 1.0),
        failed_collectors=_named(samples, "xinglin_collector_success", "collector", {}, 0.0),
        progress=_progress(samples),
    )
    return Digest(snapshot, counters, _label(samples, "xinglin_agent_build_info", "version"))


def _counters(samples: Samples, received_at: float) -> Counters:
    idle = [value for labels, value in samples.get("node_cpu_seconds_total", ()) if labels.get("mode") == "idle"]
    iowait = [value for labels, value in samples.get("node_cpu_seconds_total", ()) if labels.get("mode") == "iowait"]
    return Counters(
        at=_one(samples, "node_time_seconds") or received_at,
        boot_time=_one(samples, "node_boot_time_seconds"),
        cpu=_sum(value for _, value in samples.get("node_cpu_seconds_total", ())),
        idle=_sum([*idle, *iowait]),
        received=_devices(samples, "node_network_receive_bytes_total"),
        transmitted=_devices(samples, "node_network_transmit_bytes_total"),
        read=_devices(samples, "node_disk_read_bytes_total"),
        written=_devices(samples, "node_disk_written_bytes_total"),
    )


def _one(samples: Samples, name: str) -> float | None:
    found = samples.get(name)
    return found[0][1] if found and found[0][1] == found[0][1] else None  # NaN is not equal to itself


def _sum(values: Iterable[float]) -> float | None:
    kept = list(values)
    return sum(kept) if kept else None


def _devices(samples: Samples, name: str) -> float | None:
    skipped = ("lo", "loop", "ram", "dm-", "md", "veth", "vb-", "ve-")
    return _sum(value for labels, value in samples.get(name, ()) if not labels.get("device", "").startswith(skipped))


def _flag(value: float | None) -> bool | None:
    return None if value is None else value > 0


def _label(samples: Samples, name: str, label: str) -> str | None:
    found = samples.get(name)
    return (found[0][0].get(label) or None) if found else None


def _named(samples: Samples, name: str, label: str, where: dict[str, str], value: float) -> tuple[str, ...]:
    names = {
        labels.get(label, "?")
        for labels, amount in samples.get(name, ())
        if amount == value and all(labels.get(key) == wanted for key, wanted in where.items())
    }
    return tuple(sorted(names)[:UNITS_KEPT])


def _filesystems(samples: Samples) -> tuple[Filesystem, ...]:
    available = {labels.get("mountpoint"): value for labels, value in samples.get("node_filesystem_avail_bytes", ())}
    read_only = {labels.get("mountpoint"): value for labels, value in samples.get("node_filesystem_readonly", ())}
    found = {}
    for labels, size in samples.get("node_filesystem_size_bytes", ()):
        mountpoint, fstype = labels.get("mountpoint", ""), labels.get("fstype", "")
        if size > 0 and mountpoint in available and (mountpoint == "/" or fstype not in PSEUDO_FILESYSTEMS):
            found[mountpoint] = Filesystem(
                mountpoint, fstype, size, available[mountpoint], read_only.get(mountpoint) == 1
            )
    return tuple(found[key] for key in sorted(found)[:FILESYSTEMS_KEPT])


def _certificates(samples: Samples) -> tuple[Certificate, ...]:
    found = [
        Certificate(labels.get("path", "?"), labels.get("subject", ""), value)
        for labels, value in samples.get("xinglin_certificate_not_after_timestamp_seconds", ())
    ]
    return tuple(sorted(found, key=lambda one: one.path)[:CERTIFICATES_KEPT])


def _progress(samples: Samples) -> Progress | None:
    done = samples.get("xinglin_backup_progress_bytes")
    updated = _one(samples, "xinglin_backup_progress_timestamp_seconds")
    if not done or updated is None:
        return None
    labels, amount = done[0]
    ratio = _one(samples, "xinglin_backup_progress_ratio")
    return Progress(labels.get("policy", "?"), labels.get("step", "?"), ratio, amount, updated)


def _increase(before: Counters | None, after: Counters, name: str) -> float | None:
    if before is None:
        return None
    earlier, later = getattr(before, name), getattr(after, name)
    if earlier is None or later is None or later < earlier or after.at - before.at < SHORTEST_RATE_SECONDS:
        return None
    increase: float = later - earlier
    return increase


def _rate(before: Counters | None, after: Counters, name: str) -> float | None:
    increase = _increase(before, after, name)
    return None if increase is None or before is None else increase / (after.at - before.at)
