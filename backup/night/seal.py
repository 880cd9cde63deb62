"""Makes a set: each source is captured, then one snapshot seals them."""

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from backup.errors import BackupError
from backup.night import backup_set
from backup.night.backup_set import BackupSet, Part
from backup.night.recorder import StepNotes
from backup.night.retry import Sleep, persistently
from backup.repositories import repository
from backup.repositories.repository import Added, Snapshot
from backup.sources.work import Source, Work
from backup.status import Cause


@contextlib.contextmanager
def staging_directory(staging: Path) -> Iterator[Path]:
    """Make ``staging`` an empty 0700 directory, and remove it afterwards."""
    sweep(staging)
    staging.mkdir(mode=0o700, parents=True)
    try:
        yield staging
    finally:
        sweep(staging)


def sweep(staging: Path) -> None:
    """Remove what a run staged: it may hold copies of databases.  Call it under the mutex."""
    shutil.rmtree(staging, ignore_errors=True)


def capture(source: Source, work: Work, sleep: Sleep) -> Part:
    """Capture one source in a step of its own (naming paths is none); raises BackupError."""
    if source.kind == "paths":
        return source.capture(work)
    with work.recorder.step("dump") as notes:
        return persistently(lambda: _capture_once(source, work, notes), notes, sleep)


def _capture_once(source: Source, work: Work, notes: StepNotes) -> Part:
    """Capture with lists of its own: what a failed try named does not count."""
    own = replace(work, notes=notes, paths=[], excludes=[], moments=[])
    part = source.capture(own)
    work.add_paths(own.paths, own.excludes)
    work.moments.extend(own.moments)
    return part


def seal(
    policy: str, work: Work, parts: Sequence[Part], sleep: Sleep, check_space: Callable[[StepNotes], None]
) -> tuple[Added, list[Snapshot]]:
    """Make the snapshot that makes a backup of the parts, and see that the repository has them all.

    ``check_space`` is asked when everything is known that will be stored.  Returns what was added, and all snapshots
    of the policy.  Raises BackupError.
    """
    recorder = work.recorder
    with recorder.step("backup") as notes:
        sealed = BackupSet(
            run_id=recorder.run.run_id,
            host=work.host,
            policy=policy,
            as_of=min(work.moments),
            parts=tuple(parts),
            paths=tuple(str(path) for path in work.paths),
        )
        backup_set.write(work.staging / backup_set.MANIFEST_NAME, sealed)
        check_space(notes)
        added = persistently(lambda: _store(work), notes, sleep)
        listed = repository.snapshots(work.local, [f"policy={policy}"])
        added = replace(added, unreadable=added.unreadable or _gone(work, listed, added.snapshot_id))
        notes.numbers |= {"files": added.files, "bytes": added.bytes_processed, "bytes_added": added.bytes_added}
        notes.warning = added.unreadable
        there = {snapshot.id for snapshot in listed}
        for snapshot_id in (*(part.snapshot_id for part in parts), added.snapshot_id):
            if snapshot_id and snapshot_id not in there:
                raise BackupError("snapshot_not_found", work.local.place, snapshot_id[:8])
        recorder.count(added)
        recorder.update(snapshot_id=added.snapshot_id)
    return added, listed


def _gone(work: Work, listed: Sequence[Snapshot], snapshot_id: str) -> Cause | None:
    """Return which path the snapshot lacks: restic passes over one that went away meanwhile, with exit code 0."""
    held = {path for item in listed if item.id == snapshot_id for path in item.paths}
    gone = [path for path in work.paths if os.path.normpath(path) not in held] if held else []
    return Cause("source_unreadable", str(gone[0]), "it was gone when the files were stored") if gone else None


def _store(work: Work) -> Added:
    return repository.backup_paths(
        work.local,
        host=work.host,
        tags=[*work.tags, "kind=set"],
        paths=[work.staging, *work.paths],
        excludes=work.excludes,
        progress=lambda fraction, done: work.recorder.show("backup", fraction, done),
        keep_open=work.held,
    )


def estimate(work: Work) -> int:
    """Return how many bytes sealing would add now, by a dry run; raises BackupError."""
    return repository.estimate_paths(
        work.local,
        host=work.host,
        paths=[work.staging, *work.paths],
        excludes=work.excludes,
        keep_open=work.held,
    )
