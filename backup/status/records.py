"""What a host records: backup runs, restore tests, restores, and how far a run has come.

Sizes are bytes, durations seconds.
"""

import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

SCHEMA = 1


class Outcome(StrEnum):
    """How a run or a step stands.

    WARNING: the local backup is good, something else is not.  SKIPPED: the policy's own program put it off.
    """

    RUNNING = "running"
    SUCCESS = "success"
    WARNING = "warning"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    SKIPPED = "skipped"


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


class Purpose(StrEnum):
    """Why something was restored."""

    RESTORE = "restore"
    DRILL = "drill"
    REBUILD = "rebuild"


@dataclass(frozen=True)
class Cause:
    """Why something went wrong: ``code`` from ``backup.causes``, ``place`` (host, path, URL, table), ``detail``."""

    code: str
    place: str
    detail: str


@dataclass(frozen=True)
class Step:
    """One step of a run, such as preflight, dump, backup, check, copy, check_offsite."""

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
class Progress:
    """How far a run has come; ``fraction`` (0 to 1) is None when the size is not known before the end."""

    run_id: str
    policy: str
    step: str
    fraction: float | None
    bytes_done: int
    updated_at: datetime
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
    """One restore test.  ``as_of`` is the time of the data, ``rpo_seconds`` = started_at − as_of.

    ``rto_seconds`` is measured with a sample of the files, ``rto_forecast_seconds`` what all of today's would take.
    """

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
    rpo_target_seconds: float | None = None
    rto_target_seconds: float | None = None
    rto_forecast_seconds: float | None = None
    bytes_restored: int = 0
    phases: dict[str, float] = field(default_factory=dict)
    assertions: tuple[Assertion, ...] = ()
    cause: Cause | None = None
    schema: int = SCHEMA


@dataclass(frozen=True)
class RestoreRecord:
    """One restore that a person or a drill asked for: ``what`` came back, to which ``target``.

    ``until`` is the point in time that was asked for, ``as_of`` the time of the data that came back.
    """

    restore_id: str
    host: str
    policy: str
    repository: str
    what: str
    target: str
    in_place: bool
    purpose: Purpose
    operator: str
    started_at: datetime
    outcome: Outcome = Outcome.RUNNING
    finished_at: datetime | None = None
    steps: tuple[Step, ...] = ()
    snapshot_id: str | None = None
    as_of: datetime | None = None
    until: datetime | None = None
    bytes_restored: int = 0
    cause: Cause | None = None
    schema: int = SCHEMA


def new_id(policy: str, moment: datetime) -> str:
    """Return an id that sorts by time, fits a file name and is unique, such as ``20260101T020000Z-his-1a2b3c``."""
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}-{policy}-{secrets.token_hex(3)}"
