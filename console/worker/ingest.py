"""Take in the raw facts that an agent's ``/facts`` brings, and judge them."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from backup.status import parse_time
from compliance.judge import judge
from console.store.hosts import AssessmentResult, FactDocument

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
