"""Take the run records that the runner left in the spool into the store."""

import json
import logging
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import delete
from sqlalchemy.orm import Session, sessionmaker

from console.store.runs import ProvisionRun, ProvisionTask

logger = logging.getLogger(__name__)

SCHEMA = 1
REFUSED_SUFFIX = ".refused"
DIFF_CHARACTERS = 20_000


class RecordError(ValueError):
    """A file that is no run record."""


def ingest_spool(sessions: sessionmaker[Session], spool: Path, now: datetime) -> int:
    """Store every record of the spool, delete its file, and return how many; safe to be killed anywhere.

    A record that cannot be read stays under another name, so that somebody can look at it.
    """
    stored = 0
    for path in sorted(spool.glob("*.json")):
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            with sessions.begin() as session:
                store_run(session, document, now)
        except ValueError as error:
            logger.error("%s is no run record and is put aside: %s", path, error)  # noqa: TRY400 — the text says it all
            path.rename(path.with_name(path.name + REFUSED_SUFFIX))
            continue
        path.unlink()
        stored += 1
    return stored


def store_run(session: Session, document: object, now: datetime) -> None:
    """Write one run with its tasks; one with the same id is replaced.  The caller commits; raises ``RecordError``."""
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise RecordError(f"not a run record of schema {SCHEMA}")
    try:
        run = _run(document, now)
        tasks = [_task(run.run_id, position, task) for position, task in enumerate(document["tasks"])]
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise RecordError(f"not a run record: {type(error).__name__}: {error}") from error
    session.execute(delete(ProvisionRun).where(ProvisionRun.run_id == run.run_id))
    session.add(run)
    session.flush()
    session.add_all(tasks)


def _run(document: dict[str, Any], now: datetime) -> ProvisionRun:
    return ProvisionRun(
        run_id=str(document["run_id"]),
        playbook=str(document["playbook"]),
        check=bool(document["check"]),
        limit=document.get("limit"),
        tags=[str(tag) for tag in document.get("tags") or ()],
        operator=document.get("operator"),
        started_at=_time(document["started_at"]),
        finished_at=_time(document["finished_at"]) if document.get("finished_at") else None,
        status=str(document["status"]),
        hosts=dict(document["hosts"]),
        received_at=now,
    )


def _task(run_id: str, position: int, task: dict[str, Any]) -> ProvisionTask:
    diff = task.get("diff")
    return ProvisionTask(
        run_id=run_id,
        position=position,
        host=str(task["host"]),
        role=task.get("role"),
        task=str(task["task"]),
        action=task.get("action"),
        status=str(task["status"]),
        duration_seconds=task.get("duration_seconds"),
        started_at=_time(task["started_at"]) if task.get("started_at") else None,
        diff=None if diff is None else str(diff)[:DIFF_CHARACTERS],
        message=task.get("message"),
    )


def _time(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise RecordError(f"{text!r} has no time zone")
    return moment
