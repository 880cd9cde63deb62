"""The status files: one JSON file a record, written whole, read whatever is there."""

import contextlib
import json
import logging
import os
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

from backup.status.codec import from_json, to_json
from backup.status.copies import CopyState
from backup.status.records import SCHEMA, BackupRun, Progress, RestoreRecord, Verification
from backup.status.repositories import RepositoryState, SpaceState

logger = logging.getLogger(__name__)
T = TypeVar("T")
Report = Callable[[Path, str], None]

KEPT = 60
"""How many files of each kind stay; older ones are removed by the next write."""
KEPT_OF_EACH = 3
"""How many of each policy stay all the same: what runs once a night is not forgotten beside what runs every hour."""


def _guarded(kind: type[T], data: object) -> T:
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        raise ValueError(f"not a {kind.__name__} of schema {SCHEMA}")
    return from_json(kind, data)


def run_from_json(data: object) -> BackupRun:
    """Build a run from ``to_json``'s form; raises ValueError for anything else."""
    return _guarded(BackupRun, data)


def verification_from_json(data: object) -> Verification:
    """Build a verification from ``to_json``'s form; raises ValueError for anything else."""
    return _guarded(Verification, data)


def restore_from_json(data: object) -> RestoreRecord:
    """Build a restore from ``to_json``'s form; raises ValueError for anything else."""
    return _guarded(RestoreRecord, data)


def repository_from_json(data: object) -> RepositoryState:
    """Build a repository's state from ``to_json``'s form; raises ValueError for anything else."""
    return _guarded(RepositoryState, data)


def copy_from_json(data: object) -> CopyState:
    """Build a further copy's state from ``to_json``'s form; raises ValueError for anything else."""
    return _guarded(CopyState, data)


def space_from_json(data: object) -> SpaceState:
    """Build a server's space from ``to_json``'s form; raises ValueError for anything else."""
    return _guarded(SpaceState, data)


def progress_from_json(data: object) -> Progress:
    """Build a progress from ``to_json``'s form; raises ValueError for anything else."""
    return _guarded(Progress, data)


def _log_unreadable(path: Path, problem: str) -> None:
    logger.warning("status file skipped: %s: %s", path, problem)


def _read_all(directory: Path, build: Callable[[object], T], report: Report) -> Iterable[T]:
    try:
        paths = sorted(directory.glob("*.json"), reverse=True)
    except OSError as error:
        report(directory, str(error))
        return
    for path in paths:
        try:
            yield build(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError) as error:
            report(path, str(error))


def _read_one(path: Path, build: Callable[[object], T], report: Report) -> T | None:
    try:
        return build(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        report(path, str(error))
        return None


def read_runs(directory: Path, report: Report = _log_unreadable) -> list[BackupRun]:
    """Return the runs in ``directory`` (…/backup/runs), newest first; a bad file goes to ``report``.  Never raises."""
    return sorted(_read_all(directory, run_from_json, report), key=lambda run: run.started_at, reverse=True)


def read_verifications(directory: Path, report: Report = _log_unreadable) -> list[Verification]:
    """Return the verifications in ``directory`` (…/backup/verifications), newest first.  Never raises."""
    return sorted(_read_all(directory, verification_from_json, report), key=lambda item: item.started_at, reverse=True)


def read_restores(directory: Path, report: Report = _log_unreadable) -> list[RestoreRecord]:
    """Return the restores in ``directory`` (…/backup/restores), newest first.  Never raises."""
    return sorted(_read_all(directory, restore_from_json, report), key=lambda item: item.started_at, reverse=True)


def read_repositories(directory: Path, report: Report = _log_unreadable) -> list[RepositoryState]:
    """Return the repositories in ``directory`` (…/backup/repositories) by host.  Never raises."""
    return sorted(_read_all(directory, repository_from_json, report), key=lambda item: item.host)


def read_copies(directory: Path, report: Report = _log_unreadable) -> list[CopyState]:
    """Return the further copies in ``directory`` (…/backup/copies) by host and name.  Never raises."""
    return sorted(_read_all(directory, copy_from_json, report), key=lambda item: (item.host, item.name))


def read_space(path: Path, report: Report = _log_unreadable) -> SpaceState | None:
    """Return the space in ``path`` (…/backup/space.json), None where there is none.  Never raises."""
    return _read_one(path, space_from_json, report)


def read_progress(path: Path, report: Report = _log_unreadable) -> Progress | None:
    """Return the progress in ``path`` (…/backup/progress.json), None while nothing runs.  Never raises."""
    return _read_one(path, progress_from_json, report)


def write_run(directory: Path, run: BackupRun) -> Path:
    """Write ``<run_id>.json`` atomically (0640, the directory's group), keep the newest 60; raises OSError."""
    return _write_and_keep(directory, run.run_id, to_json(run))


def write_verification(directory: Path, verification: Verification) -> Path:
    """Write ``<verification_id>.json`` atomically (0640, the directory's group), keep the newest 60; raises OSError."""
    return _write_and_keep(directory, verification.verification_id, to_json(verification))


def write_restore(directory: Path, restore: RestoreRecord) -> Path:
    """Write ``<restore_id>.json`` atomically (0640, the directory's group), keep the newest 60; raises OSError."""
    return _write_and_keep(directory, restore.restore_id, to_json(restore))


def write_repository(directory: Path, state: RepositoryState) -> Path:
    """Write ``<host>.json`` atomically (0640, the directory's group); raises OSError."""
    return _write(directory / f"{state.host}.json", to_json(state))


def write_copy(directory: Path, state: CopyState) -> Path:
    """Write ``<name>.<host>.json`` atomically (0640, the directory's group); raises OSError."""
    return _write(directory / f"{state.name}.{state.host}.json", to_json(state))


def write_space(path: Path, state: SpaceState) -> Path:
    """Write the space atomically (0640, the directory's group); raises OSError."""
    return _write(path, to_json(state))


def write_progress(path: Path, progress: Progress) -> Path:
    """Write the progress (0640, the directory's group), unflushed: a lost one is no loss; raises OSError."""
    return _write(path, to_json(progress), durable=False)


def _write_and_keep(directory: Path, name: str, data: dict[str, Any]) -> Path:
    target = _write(directory / f"{name}.json", data)
    seen: Counter[str] = Counter()
    with contextlib.suppress(OSError):
        for number, path in enumerate(sorted(directory.glob("*.json"), reverse=True)):
            policy = path.stem.partition("-")[2].rpartition("-")[0]
            seen[policy] += 1
            if number >= KEPT and seen[policy] > KEPT_OF_EACH:
                path.unlink()
    return target


def _write(target: Path, data: dict[str, Any], *, durable: bool = True) -> Path:
    directory = target.parent
    directory.mkdir(parents=True, exist_ok=True)
    temporary = directory / f".{target.stem}.new"
    try:
        with temporary.open("w", encoding="utf-8") as stream:
            os.fchmod(stream.fileno(), 0o640)
            with contextlib.suppress(PermissionError):
                os.fchown(stream.fileno(), -1, directory.stat().st_gid)
            json.dump(data, stream, ensure_ascii=False, indent=1)
            if durable:
                stream.flush()
                os.fsync(stream.fileno())
        temporary.replace(target)
        if durable:
            _flush_directory(directory)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return target


def _flush_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
