"""Take in what an agent's ``/facts`` brings: raw facts, backup runs, restore tests; judge the facts."""

import json
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from backup.status import BackupRun, Verification, parse_time, run_from_json, to_json, verification_from_json
from compliance.judge import judge
from console.store.backups import BackupRunRow, VerificationRow
from console.store.hosts import AssessmentResult, FactDocument
from console.store.upsert import upsert

logger = logging.getLogger(__name__)
T = TypeVar("T")

SCHEMA = 1
HIGH = "high"


class FactsError(ValueError):
    """An answer that is not what ``/facts`` promises."""


def read_answer(body: bytes, host: str) -> dict[str, Any]:
    """Return the document of ``/facts``.  Raises ``FactsError`` for another schema or another host's document."""
    try:
        document = json.loads(body)
    except ValueError as error:
        raise FactsError(f"not JSON: {error}") from error
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise FactsError(f"not a document of schema {SCHEMA}")
    if document.get("host") != host:
        raise FactsError(f"the document is of host {document.get('host')!r}")
    return document


def ingest_facts(session: Session, host: str, facts: Mapping[str, Any] | None, now: datetime) -> FactDocument | None:
    """Keep the raw facts as the newest of their day and return them; None when there are none yet.

    The caller commits.  Raises ``FactsError`` for facts that cannot be dated.
    """
    if facts is None:
        return None
    gathered_at = gathered(facts)
    day = gathered_at.date()
    kept = session.get(FactDocument, (host, day))
    if kept is None:
        kept = FactDocument(host=host, day=day)
        session.add(kept)
    elif kept.gathered_at == gathered_at:
        return kept
    kept.gathered_at, kept.boot_id = gathered_at, str(facts.get("boot_id", ""))
    kept.received_at, kept.document = now, dict(facts)
    return kept


def gathered(facts: Mapping[str, Any]) -> datetime:
    """Return when the facts were gathered, in UTC.  Raises ``FactsError`` when they do not say."""
    try:
        return parse_time(facts["gathered_at"])
    except (KeyError, TypeError, ValueError) as error:
        raise FactsError(f"facts without a usable time: {error}") from error


def ingest_backups(session: Session, host: str, backup: Mapping[str, Any], now: datetime) -> None:
    """Write the runs and restore tests of ``/facts``; what was there under the same id is replaced.

    The caller commits.  A record that cannot be read, or is another host's, is skipped and logged.
    """
    runs = _readable(backup.get("runs", ()), run_from_json, host)
    upsert(session, BackupRunRow, [_run_row(run, now) for run in runs if run.host == host])
    tests = _readable(backup.get("verifications", ()), verification_from_json, host)
    upsert(session, VerificationRow, [_verification_row(test, now) for test in tests if test.host == host])


def assess(session: Session, host: str, facts: Mapping[str, Any], level: int, now: datetime) -> None:
    """Judge the facts and keep the verdicts, each with the time since when it has been so; the caller commits."""
    results = judge(facts, level, now)
    query = select(AssessmentResult).where(AssessmentResult.host == host)
    before = {(row.requirement, row.check_id): row for row in session.scalars(query)}
    gathered_at = gathered(facts)
    for result in results:
        key = (result.requirement, result.check)
        row = before.pop(key, None)
        if row is None:
            row = AssessmentResult(host=host, requirement=result.requirement, check_id=result.check, since=now)
            session.add(row)
        elif row.verdict != result.verdict:
            row.since = now
        row.verdict = result.verdict.value
        row.risk = HIGH if result.high_risk else None
        row.judged_at, row.gathered_at = now, gathered_at
        row.detail = json.loads(json.dumps(asdict(result), ensure_ascii=False))
        row.evidence = list(result.evidence)
    for row in before.values():  # a check that this level or this version no longer has
        session.delete(row)


def _readable(items: Iterable[object], read: Callable[[object], T], host: str) -> list[T]:
    found = []
    for item in items:
        try:
            found.append(read(item))
        except ValueError as error:
            logger.warning("host %s: a backup record was skipped: %s", host, error)
    return found


def _run_row(run: BackupRun, now: datetime) -> dict[str, Any]:
    return {
        "run_id": run.run_id,
        "host": run.host,
        "policy": run.policy,
        "trigger": run.trigger.value,
        "started_at": run.started_at,
        "finished_at": run.finished_at,
        "outcome": run.outcome.value,
        "snapshot_id": run.snapshot_id,
        "offsite_snapshot_id": run.offsite_snapshot_id,
        "bytes_processed": run.bytes_processed,
        "bytes_added": run.bytes_added,
        "files": run.files,
        "cause_code": run.cause.code if run.cause else None,
        "cause_place": run.cause.place if run.cause else None,
        "cause_detail": run.cause.detail if run.cause else None,
        "steps": [to_json(step) for step in run.steps],
        "received_at": now,
    }


def _verification_row(test: Verification, now: datetime) -> dict[str, Any]:
    return {
        "verification_id": test.verification_id,
        "host": test.host,
        "policy": test.policy,
        "snapshot_id": test.snapshot_id,
        "repository": test.repository,
        "started_at": test.started_at,
        "finished_at": test.finished_at,
        "verdict": test.verdict.value,
        "as_of": test.as_of,
        "rpo_seconds": test.rpo_seconds,
        "rto_seconds": test.rto_seconds,
        "phases": test.phases,
        "assertions": [to_json(one) for one in test.assertions],
        "cause_code": test.cause.code if test.cause else None,
        "cause_place": test.cause.place if test.cause else None,
        "cause_detail": test.cause.detail if test.cause else None,
        "received_at": now,
    }
