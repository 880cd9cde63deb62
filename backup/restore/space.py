"""Whether a restore fits, and how long it should take by what was measured here."""

import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from backup.config.policy import Config
from backup.errors import BackupError
from backup.status import Outcome, read_restores, read_verifications


@dataclass(frozen=True)
class Need:
    """What one file system must hold, in bytes."""

    path: Path
    needed_bytes: int
    free_bytes: int


def needs(wanted: Sequence[tuple[Path, float]]) -> list[Need]:
    """Add up what each file system must hold."""
    by_device: dict[int, Need] = {}
    for path, size in wanted:
        here = next(parent for parent in (path, *path.parents) if parent.exists())
        device = here.stat().st_dev
        known = by_device.get(device) or Need(here, 0, shutil.disk_usage(here).free)
        by_device[device] = Need(known.path, known.needed_bytes + int(size), known.free_bytes)
    return list(by_device.values())


def require(wanted: Iterable[Need]) -> None:
    """Raise BackupError ``target_space`` when a file system has less free than needed."""
    for need in wanted:
        if need.needed_bytes > need.free_bytes:
            detail = f"{need.needed_bytes / 1e9:.2f} GB are needed, {need.free_bytes / 1e9:.2f} GB are free"
            raise BackupError("target_space", str(need.path), detail)


def throughput(config: Config) -> float | None:
    """Return the bytes a second of the newest measured restore on this host, a proof or a real one."""
    measured = [
        (proof.started_at, proof.bytes_restored / proof.rto_seconds)
        for proof in read_verifications(config.verifications)
        if proof.rto_seconds and proof.bytes_restored
    ]
    measured += [
        (record.started_at, record.bytes_restored / (record.finished_at - record.started_at).total_seconds())
        for record in read_restores(config.restores)
        if record.outcome is Outcome.SUCCESS and record.bytes_restored and record.finished_at
        if record.finished_at > record.started_at
    ]
    return max(measured)[1] if measured else None
