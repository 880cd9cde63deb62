"""restic on the repository's own files: check, repair, forget, prune; the results are looked at, not the exit codes.

Without a cache, except for a repository behind a line: what a cache remembers would hide what has become of the disk.
"""

import json
import logging
import os
import re
import socket
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backup import process
from backup.errors import BackupError
from backup.repositories import repository
from backup.repositories.repository import Snapshot
from backup.repositories.restic import LONG_SECONDS, Repository, Said, demand, environment, run
from backup.rules import guard

logger = logging.getLogger(__name__)

PATIENCE = "5m"
"""How long a command that needs the repository for itself waits for a backup that is going on."""
STALE_SECONDS = 30 * 60.0
"""restic renews its lock every five minutes and takes one this old for a dead one's."""
IDS_AT_ONCE = 200
HEADLINE = re.compile(r"snapshot ([0-9a-f]{8,64}) of ")
CHANGED = ("would save new snapshot", "would delete empty snapshot")


@dataclass(frozen=True)
class Findings:
    """What ``check`` found; ``words`` are restic's own, in one line."""

    errors: int
    broken_packs: tuple[str, ...] = ()
    words: str = ""


def _run(
    command: Sequence[str], target: Repository, held: Sequence[int], timeout_seconds: float = LONG_SECONDS
) -> Said:
    cacheless = ["--no-cache"] if target.url.startswith("/") else []
    full = [*command, *cacheless, "--retry-lock", PATIENCE]
    return run(full, target, timeout_seconds=timeout_seconds, keep_open=held)


def check(
    target: Repository, held: Sequence[int], subset: str | None = None, timeout_seconds: float = LONG_SECONDS
) -> Findings:
    """Check the structure, and read ``subset`` (n/t) of the data back.

    Raises BackupError when no verdict could be reached.
    """
    command = ["check", *([f"--read-data-subset={subset}"] if subset else [])]
    said = _run(command, target, held, timeout_seconds)
    summary: dict[str, Any] = next((item for item in said.messages if item.get("message_type") == "summary"), {})
    texts = [complaint.text for complaint in said.complaints if complaint.text.strip()]
    # The summary counts an error also when the repository was only locked or out of reach.
    if any("repository contains errors" in text for text in texts):
        broken = tuple(summary.get("broken_packs") or ())
        return Findings(max(1, summary.get("num_errors", 0)), broken, " ".join("; ".join(texts[:3]).split())[:300])
    demand(said, target)
    return Findings(0)


def repair_index(target: Repository, held: Sequence[int]) -> None:
    """Make the index name what is really there: it forgets packs that are gone, and reads in those it lacks."""
    demand(_run(["repair", "index"], target, held), target)


def incomplete(target: Repository, held: Sequence[int], snapshot_ids: Sequence[str] = ()) -> set[str]:
    """Return the snapshots (of ``snapshot_ids``, or of all) that lack data, by walking through all their trees."""
    listed = [item.id for item in repository.snapshots(target)]
    said = demand(_run(["repair", "snapshots", "--dry-run", *snapshot_ids], target, held), target)
    found: set[str] = set()
    seen: set[str] = set()
    current: set[str] = set()
    for line in said.lines:
        if headline := HEADLINE.match(line):
            current = {item for item in listed if item.startswith(headline[1])}
            seen |= current
        elif line.startswith(CHANGED):
            found |= current
    return found | (set(snapshot_ids or listed) - seen)


def extensions(target: Repository, snapshot_id: str) -> Counter[str]:
    """Count the file extensions in a snapshot; nothing but the counts stays in memory."""
    counts: Counter[str] = Counter()

    def count(source: process.Source, line: str) -> None:
        if source is process.Source.STDOUT and line.startswith("/"):
            counts[guard.extension(line.rpartition("/")[2])] += 1

    command = ["restic", "ls", "--no-lock", "--no-cache", snapshot_id]
    returncode = process.run(command, environment(target), on_line=count, timeout_seconds=LONG_SECONDS)
    if returncode:
        raise BackupError("snapshot_not_found", target.place, snapshot_id[:8])
    return counts


def forget(target: Repository, held: Sequence[int], snapshot_ids: Sequence[str]) -> list[Snapshot]:
    """Remove snapshots and return what is listed then; raises BackupError ``snapshots_remain`` (exit code 0 lies)."""
    for start in range(0, len(snapshot_ids), IDS_AT_ONCE):
        demand(_run(["forget", *snapshot_ids[start : start + IDS_AT_ONCE]], target, held), target)
    left = repository.snapshots(target)
    remaining = {item.id for item in left} & set(snapshot_ids)
    if remaining:
        names = ", ".join(item[:8] for item in sorted(remaining)[:5])
        raise BackupError("snapshots_remain", target.place, f"{len(remaining)}: {names}")
    return left


def prune(target: Repository, held: Sequence[int], repack_bytes: int, timeout_seconds: float = LONG_SECONDS) -> None:
    """Remove the data that no snapshot needs; at most ``repack_bytes`` are written anew for it."""
    demand(_run(["prune", "--max-repack-size", f"{repack_bytes}B"], target, held, timeout_seconds), target)


def remove_stale_locks(directory: Path, target: Repository) -> int:
    """Remove the locks of dead processes; return how many.  Call it under the keeper's mutex.

    Never by ``restic unlock``: that sends a signal to the lock's process, and as this is not root it takes every
    process of another user on this machine for dead, so also a backup of the appliance itself that is going on.
    Here a lock goes when it was not renewed for 30 minutes (by this machine's clock), or when it is an earlier
    keeper's: the mutex says that none of those lives.
    """
    removed = 0
    for path in sorted((directory / "locks").glob("*")):
        try:
            age = time.time() - path.stat().st_mtime
        except FileNotFoundError:
            continue
        if age > STALE_SECONDS or _is_dead_keeper(path.name, target):
            path.unlink(missing_ok=True)
            removed += 1
    if removed:
        logger.warning("removed %d stale lock(s) of %s", removed, target.place)
    return removed


def _is_dead_keeper(lock_id: str, target: Repository) -> bool:
    said = run(["cat", "lock", lock_id, "--no-lock", "--no-cache"], target)
    try:
        lock = json.loads("\n".join(said.lines)) if said.lines else said.messages[0]
        own = lock["hostname"] == socket.gethostname() and lock.get("uid", 0) == os.getuid()
        return own and not _is_restic(lock["pid"])
    except (ValueError, LookupError, TypeError):
        # Not whole: a power cut left it.  It goes when it is old enough.
        return False


def _is_restic(pid: int) -> bool:
    """Tell whether the process lives and is restic; one that was killed keeps its name until it is reaped."""
    process_directory = Path(f"/proc/{pid}")
    try:
        is_named = (process_directory / "comm").read_text(encoding="utf-8").strip() == "restic"
        return is_named and bool((process_directory / "cmdline").read_bytes())
    except OSError:
        return False
