"""Take in the backup part of ``/facts``: runs, restore tests, restores, repositories and their space."""

import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from typing import Any, TypeVar

from sqlalchemy import delete, tuple_
from sqlalchemy.orm import Session

from backup.status import (
    SCHEMA,
    BackupRun,
    Cause,
    CopyState,
    Outcome,
    RepositoryState,
    RestoreRecord,
    SpaceState,
    Verification,
    copy_from_json,
    format_time,
    parse_time,
    repository_from_json,
    restore_from_json,
    run_from_json,
    space_from_json,
    to_json,
    verification_from_json,
)
from console.store.backups import BackupRunRow, RestoreRow, VerificationRow, WalRow
from console.store.repositories import CopyRow, RefusedDeletion, RepositoryRow, RepositorySize, SpaceRow
from console.store.upsert import upsert

logger = logging.getLogger(__name__)
T = TypeVar("T")
Row = dict[str, Any]


def ingest_backups(session: Session, host: str, backup: Mapping[str, Any], now: datetime) -> None:
    """Write everything that ``host`` reports of backups; what was there under the same key is replaced.

    A host speaks for its own runs, tests and restores, and as a server for the repositories that it holds.  The caller
    commits.  A record that cannot be read, or is another host's, is skipped and logged.
    """
    runs = _readable(backup.get("runs"), run_from_json, host)
    upsert(session, BackupRunRow, [_run(run, now) for run in runs if run.host == host])
    tests = _readable(backup.get("verifications"), verification_from_json, host)
    upsert(session, VerificationRow, [_verification(test, now) for test in tests if test.host == host])
    restores = _readable(backup.get("restores"), restore_from_json, host)
    upsert(session, RestoreRow, [_restore(restore, now) for restore in restores if restore.host == host])
    states = _readable(backup.get("repositories"), repository_from_json, host)
    own = [state for state in states if state.server == host]
    upsert(session, RepositoryRow, [_repository(state, now) for state in own])
    upsert(session, RepositorySize, [row for state in own for row in _sizes(state)])
    _take_copies(session, host, _readable(backup.get("copies"), copy_from_json, host), now)
    spaces = _readable([backup["space"]] if backup.get("space") else (), space_from_json, host)
    for space in spaces:
        if space.server == host:
            upsert(session, SpaceRow, [_space(space, now)])
            upsert(session, RefusedDeletion, _refusals(space, now))
    for wal in _readable([backup["wal"]] if backup.get("wal") else (), wal_from_json, host):
        if wal["host"] == host:
            upsert(session, WalRow, [{**wal, "received_at": now}])


def _readable(items: Iterable[object] | None, read: Callable[[object], T], host: str) -> list[T]:
    found = []
    for item in items or ():
        try:
            found.append(read(item))
        except ValueError as error:
            logger.warning("host %s: a backup record was skipped: %s", host, error)
    return found


def _cause(cause: Cause | None) -> Row:
    return {
        "cause_code": cause.code if cause else None,
        "cause_place": cause.place if cause else None,
        "cause_detail": cause.detail if cause else None,
    }


def _fields(record: object, names: Iterable[str]) -> Row:
    return {name: getattr(record, name) for name in names}


def _run(run: BackupRun, now: datetime) -> Row:
    plain = ("run_id", "host", "policy", "started_at", "finished_at", "snapshot_id", "offsite_snapshot_id")
    numbers = ("bytes_processed", "bytes_added", "files")
    return {
        **_fields(run, (*plain, *numbers)),
        "trigger": run.trigger.value,
        "outcome": run.outcome.value,
        "steps": [to_json(step) for step in run.steps],
        **_cause(run.cause),
        "received_at": now,
    }


def _verification(test: Verification, now: datetime) -> Row:
    plain = ("verification_id", "host", "policy", "snapshot_id", "repository", "started_at", "finished_at", "as_of")
    numbers = ("rpo_seconds", "rto_seconds", "rpo_target_seconds", "rto_target_seconds", "rto_forecast_seconds")
    return {
        **_fields(test, (*plain, *numbers, "bytes_restored", "phases")),
        "verdict": test.verdict.value,
        "assertions": [to_json(one) for one in test.assertions],
        **_cause(test.cause),
        "received_at": now,
    }


def _restore(restore: RestoreRecord, now: datetime) -> Row:
    plain = ("restore_id", "host", "policy", "repository", "what", "target", "in_place", "operator", "snapshot_id")
    times = ("started_at", "finished_at", "as_of", "until", "bytes_restored")
    return {
        **_fields(restore, (*plain, *times)),
        "purpose": restore.purpose.value,
        "outcome": restore.outcome.value,
        "steps": [to_json(step) for step in restore.steps],
        **_cause(restore.cause),
        "received_at": now,
    }


def _repository(state: RepositoryState, now: datetime) -> Row:
    plain = ("server", "host", "kind", "started_at", "finished_at", "sets", "snapshots", "oldest_set_at")
    numbers = ("newest_set_at", "size_bytes", "parts", "parts_read", "read_through_at", "paused_since", "removed")
    return {
        **_fields(state, (*plain, *numbers)),
        "outcome": state.outcome.value,
        "steps": [to_json(step) for step in state.steps],
        "broken_packs": list(state.broken_packs),
        "set_aside": list(state.set_aside),
        "anomalies": [to_json(one) for one in state.anomalies],
        **_cause(state.cause),
        "received_at": now,
    }


def _take_copies(session: Session, server: str, states: Iterable[CopyState], now: datetime) -> None:
    """Take in the further copies that ``server`` makes, and forget those that it makes no longer."""
    plain = ("server", "host", "name", "kind", "place", "started_at", "finished_at", "sets", "snapshots", "removed")
    times = ("oldest_set_at", "newest_set_at", "complete_at")
    rows = [
        {
            **_fields(state, (*plain, *times)),
            "outcome": state.outcome.value,
            "steps": [to_json(step) for step in state.steps],
            "disks": [to_json(disk) for disk in state.disks],
            **_cause(state.cause),
            "received_at": now,
        }
        for state in states
        if state.server == server
    ]
    kept = [(row["host"], row["name"]) for row in rows]
    session.execute(delete(CopyRow).where(CopyRow.server == server, tuple_(CopyRow.host, CopyRow.name).not_in(kept)))
    upsert(session, CopyRow, rows)


def _sizes(state: RepositoryState) -> Iterable[Row]:
    for text, size in dict(state.sizes).items():  # a day twice would stop the whole statement
        try:
            day = date.fromisoformat(text)
        except ValueError:
            logger.warning("host %s: a size was skipped: %r is no day", state.server, text)
            continue
        yield {"server": state.server, "host": state.host, "day": day, "size_bytes": size}


def _space(space: SpaceState, now: datetime) -> Row:
    plain = ("server", "at", "path", "total_bytes", "free_bytes", "ballast_bytes", "released_at")
    return {**_fields(space, (*plain, "growth_bytes_per_day", "days_until_full")), "received_at": now}


def wal_from_json(data: object) -> Row:
    """Return the columns of what ``backup.point_in_time`` writes; raises ValueError for anything else."""
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        raise ValueError(f"not the WAL of schema {SCHEMA}")
    try:
        cause = Cause(**data["cause"]) if data["cause"] else None
        return {
            "host": str(data["host"]),
            "at": parse_time(data["at"]),
            "outcome": Outcome(data["outcome"]).value,
            "segments": int(data["segments"]),
            "bytes": int(data["bytes"]),
            "stored_until": {str(port): format_time(parse_time(at)) for port, at in data["stored_until"].items()},
            "dropped": [str(name) for name in data["dropped"]],
            **_cause(cause),
        }
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not the WAL of a host: {error!r}") from error


def _refusals(space: SpaceState, now: datetime) -> list[Row]:
    rows = {
        (one.host, one.at, one.path): {
            "server": space.server,
            **_fields(one, ("host", "at", "path", "address")),
            "received_at": now,
        }
        for one in space.refused_deletes
    }
    return list(rows.values())
