"""What the job and the verification do with a repository, as typed functions over ``backup.repositories.restic``."""

import contextlib
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from backup import process
from backup.errors import BackupError
from backup.repositories import locks
from backup.repositories.restic import (
    LONG_SECONDS,
    MINIMUM_VERSION,
    Repository,
    backup_command,
    check_command,
    copy_command,
    demand,
    run,
)
from backup.status import Cause, parse_time

Progress = Callable[[float | None, int], None]
"""Called about once a second with the done fraction (None: unknown) and the bytes done."""


@dataclass(frozen=True)
class Summary:
    """restic's own numbers of one ``backup``, as it keeps them in the snapshot; a copy keeps its original's.

    ``bytes_added`` is before compression, ``bytes_added_packed`` after.
    """

    backup_start: datetime
    files_new: int
    files_changed: int
    files_unmodified: int
    files_processed: int
    bytes_processed: int
    bytes_added: int
    bytes_added_packed: int


@dataclass(frozen=True)
class Snapshot:
    """One snapshot as ``restic snapshots`` lists it; ``original`` is the id it was copied from."""

    id: str
    time: datetime
    hostname: str
    tags: tuple[str, ...]
    paths: tuple[str, ...]
    original: str | None = None
    summary: Summary | None = None

    def tag(self, key: str) -> str | None:
        """Return the value of the tag ``key=value``."""
        return next((tag.removeprefix(f"{key}=") for tag in self.tags if tag.startswith(f"{key}=")), None)


@dataclass(frozen=True)
class Added:
    """What one ``restic backup`` did; ``unreadable`` is set when files are missing from the snapshot (exit 3)."""

    snapshot_id: str
    files: int
    bytes_processed: int
    bytes_added: int
    unreadable: Cause | None = None


def require_version() -> str:
    """Return restic's version; raises BackupError ``tool_missing`` when it is absent or older than 0.18."""
    lines: list[str] = []
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    process.run(["restic", "version"], kept, on_line=lambda _, line: lines.append(line), timeout_seconds=60)
    text = lines[0] if lines else ""
    words = text.split()
    version = words[1] if text.startswith("restic ") and len(words) > 1 else ""
    numbers = tuple(int(part) for part in version.partition("-")[0].split(".") if part.isdigit())
    if numbers < MINIMUM_VERSION:
        raise BackupError("tool_missing", "restic", f"0.18.0 or newer is needed, found: {text or 'nothing'}")
    return version


def init(repository: Repository, source: Repository | None = None) -> None:
    """Create the repository, with the chunker parameters of ``source`` so that copies deduplicate."""
    demand(run(["init", *(["--copy-chunker-params"] if source else [])], repository, source=source), repository)


def snapshots(repository: Repository, tags: Sequence[str] = ()) -> list[Snapshot]:
    """Return the snapshots that carry all ``tags``, oldest first, without taking a lock."""
    chosen = ["--tag", ",".join(tags)] if tags else []
    said = demand(run(["snapshots", "--no-lock", *chosen], repository), repository)
    found = [
        Snapshot(
            id=item["id"],
            time=parse_time(item["time"]),
            hostname=item["hostname"],
            tags=tuple(item.get("tags") or ()),
            paths=tuple(item.get("paths") or ()),
            original=item.get("original"),
            summary=_summary(item.get("summary")),
        )
        for item in said.messages
    ]
    return sorted(found, key=lambda snapshot: snapshot.time)


def _summary(data: dict[str, Any] | None) -> Summary | None:
    if data is None:
        return None
    return Summary(
        backup_start=parse_time(data["backup_start"]),
        files_new=data["files_new"],
        files_changed=data["files_changed"],
        files_unmodified=data["files_unmodified"],
        files_processed=data["total_files_processed"],
        bytes_processed=data["total_bytes_processed"],
        bytes_added=data["data_added"],
        bytes_added_packed=data["data_added_packed"],
    )


def _ignore(fraction: float | None, done_bytes: int) -> None:
    """Show nobody."""


def backup_paths(
    repository: Repository,
    *,
    host: str,
    tags: Sequence[str],
    paths: Sequence[Path],
    excludes: Sequence[str] = (),
    progress: Progress = _ignore,
    keep_open: Sequence[int] = (),
) -> Added:
    """Back ``paths`` up in one snapshot.  Every path must exist: restic 0.18 skips missing ones with exit code 0."""
    said = run(
        backup_command(host, tags, paths, excludes, None),
        repository,
        timeout_seconds=LONG_SECONDS,
        on_status=lambda status: progress(status.get("percent_done"), int(status.get("bytes_done", 0))),
        keep_open=keep_open,
    )
    demand(said, repository, allowed=(0, 3))
    unreadable = None
    if said.returncode == 3:
        named = [complaint for complaint in said.complaints if complaint.item]
        more = f" and {len(named) - 3} more" if len(named) > 3 else ""
        unreadable = Cause(
            code="source_unreadable",
            place=named[0].item if named else ", ".join(str(path) for path in paths),
            detail="; ".join(complaint.text for complaint in named[:3])[:300] + more,
        )
    return _added(said.messages, repository, unreadable)


def estimate_paths(
    repository: Repository,
    *,
    host: str,
    paths: Sequence[Path],
    excludes: Sequence[str] = (),
    keep_open: Sequence[int] = (),
) -> int:
    """Return how many bytes a backup of ``paths`` would add now.  It reads and compresses all that is new."""
    command = ["backup", "--dry-run", *backup_command(host, (), paths, excludes, None)[1:]]
    said = run(command, repository, timeout_seconds=LONG_SECONDS, keep_open=keep_open)
    demand(said, repository, allowed=(0, 3))
    summary: dict[str, Any] = next((item for item in said.messages if item.get("message_type") == "summary"), {})
    return int(summary.get("data_added_packed", 0))


def backup_stream(
    repository: Repository,
    *,
    host: str,
    tags: Sequence[str],
    filename: str,
    producer: process.Producer,
    progress: Progress = _ignore,
    stall_seconds: float = 1800.0,
    keep_open: Sequence[int] = (),
) -> Added:
    """Back the producer's output up as the file ``filename``; there is no snapshot unless the producer ended well.

    Call it under the mutex (see ``locks``).
    Raises ProducerFailedError, BackupError (``dump_stalled`` when no byte moved for ``stall_seconds``).
    """
    moved = {"bytes": -1, "at": time.monotonic()}

    def watch(status: dict[str, Any]) -> None:
        done, now = int(status.get("bytes_done", 0)), time.monotonic()
        if done != moved["bytes"]:
            moved.update(bytes=done, at=now)
        elif now - moved["at"] > stall_seconds:
            raise BackupError("dump_stalled", filename, f"no data for {stall_seconds:.0f} s after {done} bytes")
        progress(None, done)

    try:
        said = run(
            backup_command(host, tags, (), (), filename),
            repository,
            timeout_seconds=LONG_SECONDS,
            on_status=watch,
            stdin=producer.read_end,
            keep_open=keep_open,
            producer=producer,
        )
    except BaseException:
        # restic was killed; what cannot be unlocked now, the next job unlocks.
        with contextlib.suppress(BackupError):
            locks.remove_stale(repository, keep_open)
        raise
    return _added(demand(said, repository).messages, repository, None)


def _added(messages: list[dict[str, Any]], repository: Repository, unreadable: Cause | None) -> Added:
    summary = next((item for item in messages if item.get("message_type") == "summary"), None)
    if summary is None or not summary.get("snapshot_id"):
        raise BackupError("unknown", repository.place, "restic backup gave no summary")
    return Added(
        snapshot_id=summary["snapshot_id"],
        files=summary["total_files_processed"],
        bytes_processed=summary["total_bytes_processed"],
        bytes_added=summary.get("data_added_packed", summary["data_added"]),
        unreadable=unreadable,
    )


def check(repository: Repository, subset: str | None = None, keep_open: Sequence[int] = ()) -> None:
    """Check the repository's structure, and ``subset`` (n/t) of its data; raises BackupError."""
    said = run(check_command(subset), repository, timeout_seconds=LONG_SECONDS, keep_open=keep_open)
    texts = [complaint.text for complaint in said.complaints if "exit_error" not in complaint.text]
    # Not by the summary: that counts an error also when the repository was only locked or out of reach.
    if any("repository contains errors" in text for text in texts):
        raise BackupError("repository_damaged", repository.place, " ".join("; ".join(texts[:3]).split())[:300])
    demand(said, repository)


def copy(
    source: Repository,
    destination: Repository,
    snapshot_ids: Sequence[str],
    keep_open: Sequence[int] = (),
    timeout_seconds: float = LONG_SECONDS,
) -> None:
    """Copy snapshots; whether they arrived, only the destination's list tells.  Interrupted, it resumes next time."""
    said = run(
        copy_command(snapshot_ids), destination, timeout_seconds=timeout_seconds, source=source, keep_open=keep_open
    )
    demand(said, destination)


def dump(repository: Repository, snapshot_id: str, path: str, target: Path, timeout_seconds: float) -> int:
    """Write one file of a snapshot to ``target`` (0600) and return its size in bytes; takes no lock."""
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        command = ["dump", "--no-lock", snapshot_id, path]
        demand(run(command, repository, stdout=descriptor, timeout_seconds=timeout_seconds), repository)
    finally:
        os.close(descriptor)
    return target.stat().st_size


def restore(repository: Repository, snapshot_id: str, paths: Sequence[str], target: Path) -> None:
    """Restore ``paths`` (see ``is_plain``) of a snapshot below ``target``, without extended attributes or a lock.

    Some extended attributes need powers that a locked-down service does not have.
    """
    patterns = target.with_suffix(".patterns")
    patterns.write_text("".join(f"{path}\n" for path in paths), encoding="utf-8")
    command = ["restore", "--no-lock", snapshot_id, "--target", str(target), "--include-file", str(patterns)]
    command += ["--exclude-xattr", "*"]
    demand(run(command, repository, timeout_seconds=LONG_SECONDS), repository)


def is_plain(path: str) -> bool:
    """Tell whether restic reads ``path`` in a pattern file as that path and nothing else."""
    return path == path.strip() and path.isprintable() and not set(path) & set("*?[]\\$#")


def require_password(repository: Repository) -> None:
    """Raise BackupError unless the repository password opens the repository."""
    demand(run(["cat", "config", "--no-lock"], repository), repository)
