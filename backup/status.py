"""The status files a backup leaves behind: one JSON file a run, one a verification.

The job writes them, the agent serves them, the console reads them.  Standard library only, so that every
room may import it.  In Python a time is an aware UTC ``datetime``; in JSON it is RFC 3339 with ``Z``.
Sizes are bytes, durations seconds.
"""

import contextlib
import json
import logging
import os
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

logger = logging.getLogger(__name__)
T = TypeVar("T")

SCHEMA = 1
KEPT = 60
"""How many files of each kind stay; older ones are removed by the next write."""


class Outcome(StrEnum):
    """How a run or a step stands.  WARNING: the local backup is good, something else is not."""

    RUNNING = "running"
    SUCCESS = "success"
    WARNING = "warning"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


class Verdict(StrEnum):
    """What a verification found.  FAILED: the backup is bad.  ERROR: no verdict could be reached."""

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"
    SKIPPED = "skipped"


class Trigger(StrEnum):
    """Why a run started.  CATCH_UP: a night was missed (the host was off)."""

    SCHEDULE = "schedule"
    MANUAL = "manual"
    CATCH_UP = "catch_up"


@dataclass(frozen=True)
class Cause:
    """Why something went wrong: ``code`` from ``backup.causes``, ``place`` (host, path, URL, table), ``detail``."""

    code: str
    place: str
    detail: str


@dataclass(frozen=True)
class Step:
    """One step of a run: preflight, dump, backup, check, copy, check_offsite."""

    name: str
    outcome: Outcome
    started_at: datetime
    finished_at: datetime | None = None
    cause: Cause | None = None
    numbers: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class BackupRun:
    """One run of one policy.  ``snapshot_id`` is the snapshot that seals the run's set (manifest and paths)."""

    run_id: str
    host: str
    policy: str
    trigger: Trigger
    boot_id: str
    pid: int
    started_at: datetime
    outcome: Outcome = Outcome.RUNNING
    finished_at: datetime | None = None
    steps: tuple[Step, ...] = ()
    snapshot_id: str | None = None
    offsite_snapshot_id: str | None = None
    bytes_processed: int = 0
    bytes_added: int = 0
    files: int = 0
    cause: Cause | None = None
    schema: int = SCHEMA


@dataclass(frozen=True)
class Assertion:
    """One thing a verification asked, and the answer; ``expected`` and ``got`` are for people."""

    id: str
    status: Verdict
    expected: str
    got: str
    detail: str = ""


@dataclass(frozen=True)
class Verification:
    """One restore test.  ``as_of`` is the time of the data, ``rpo_seconds`` = started_at − as_of."""

    verification_id: str
    host: str
    policy: str
    repository: str
    started_at: datetime
    finished_at: datetime
    verdict: Verdict
    snapshot_id: str | None = None
    as_of: datetime | None = None
    rpo_seconds: float | None = None
    rto_seconds: float | None = None
    phases: dict[str, float] = field(default_factory=dict)
    assertions: tuple[Assertion, ...] = ()
    cause: Cause | None = None
    schema: int = SCHEMA


def format_time(moment: datetime) -> str:
    """Return RFC 3339 in UTC with ``Z`` and milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_time(text: str) -> datetime:
    """Parse an RFC 3339 time; raises ValueError when it has no zone or is none."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"time without zone: {text}")
    return moment.astimezone(UTC)


def new_id(policy: str, moment: datetime) -> str:
    """Return an id that sorts by time, fits a file name and is unique, such as ``20260101T020000Z-his-1a2b3c``."""
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}-{policy}-{secrets.token_hex(3)}"


def to_json(record: object) -> dict[str, Any]:
    """Return a run, verification, step, assertion or cause as plain JSON values."""
    return {name: _plain(value) for name, value in vars(record).items()}


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return format_time(value)
    if isinstance(value, tuple):
        return [to_json(item) for item in value]
    if isinstance(value, Cause):
        return to_json(value)
    return value


def _time_or_none(text: str | None) -> datetime | None:
    return None if text is None else parse_time(text)


def _cause(data: dict[str, Any] | None) -> Cause | None:
    return None if data is None else Cause(**data)


def _step(data: dict[str, Any]) -> Step:
    return Step(
        **{
            **data,
            "outcome": Outcome(data["outcome"]),
            "started_at": parse_time(data["started_at"]),
            "finished_at": _time_or_none(data["finished_at"]),
            "cause": _cause(data["cause"]),
        }
    )


def _guarded(kind: str, data: object, build: Callable[[dict[str, Any]], T]) -> T:
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        raise ValueError(f"not a {kind} of schema {SCHEMA}")
    try:
        return build(data)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a {kind}: {error}") from error


def run_from_json(data: object) -> BackupRun:
    """Build a run from ``to_json``'s form; raises ValueError for anything else."""
    return _guarded("backup run", data, _run)


def _run(data: dict[str, Any]) -> BackupRun:
    return BackupRun(
        **{
            **data,
            "trigger": Trigger(data["trigger"]),
            "outcome": Outcome(data["outcome"]),
            "started_at": parse_time(data["started_at"]),
            "finished_at": _time_or_none(data["finished_at"]),
            "steps": tuple(_step(step) for step in data["steps"]),
            "cause": _cause(data["cause"]),
        }
    )


def verification_from_json(data: object) -> Verification:
    """Build a verification from ``to_json``'s form; raises ValueError for anything else."""
    return _guarded("verification", data, _verification)


def _verification(data: dict[str, Any]) -> Verification:
    return Verification(
        **{
            **data,
            "verdict": Verdict(data["verdict"]),
            "started_at": parse_time(data["started_at"]),
            "finished_at": parse_time(data["finished_at"]),
            "as_of": _time_or_none(data["as_of"]),
            "assertions": tuple(
                Assertion(**{**item, "status": Verdict(item["status"])}) for item in data["assertions"]
            ),
            "cause": _cause(data["cause"]),
        }
    )


def _log_unreadable(path: Path, problem: str) -> None:
    logger.warning("status file skipped: %s: %s", path, problem)


def _read(directory: Path, build: Callable[[object], T], report: Callable[[Path, str], None]) -> Iterable[T]:
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


def read_runs(directory: Path, report: Callable[[Path, str], None] = _log_unreadable) -> list[BackupRun]:
    """Return the runs in ``directory`` (…/backup/runs), newest first; a bad file goes to ``report``.  Never raises."""
    return sorted(_read(directory, run_from_json, report), key=lambda run: run.started_at, reverse=True)


def read_verifications(directory: Path, report: Callable[[Path, str], None] = _log_unreadable) -> list[Verification]:
    """Return the verifications in ``directory`` (…/backup/verifications), newest first.  Never raises."""
    return sorted(_read(directory, verification_from_json, report), key=lambda item: item.started_at, reverse=True)


def write_run(directory: Path, run: BackupRun) -> Path:
    """Write ``<run_id>.json`` atomically (0640, the directory's group), keep the newest 60; raises OSError."""
    return _write(directory, run.run_id, to_json(run))


def write_verification(directory: Path, verification: Verification) -> Path:
    """Write ``<verification_id>.json`` atomically (0640, the directory's group), keep the newest 60; raises OSError."""
    return _write(directory, verification.verification_id, to_json(verification))


def _write(directory: Path, name: str, data: dict[str, Any]) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    target = directory / f"{name}.json"
    temporary = directory / f".{name}.new"
    try:
        with temporary.open("w", encoding="utf-8") as stream:
            os.fchmod(stream.fileno(), 0o640)
            with contextlib.suppress(PermissionError):
                os.fchown(stream.fileno(), -1, directory.stat().st_gid)
            json.dump(data, stream, ensure_ascii=False, indent=1)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(target)
        _flush_directory(directory)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    with contextlib.suppress(OSError):
        for old in sorted(directory.glob("*.json"), reverse=True)[KEPT:]:
            old.unlink()
    return target


def _flush_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
