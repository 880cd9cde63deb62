"""Jobs claim their slot in the store, so that a slot is worked on once, whoever fires it."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, sessionmaker

from console.store.jobs import JobSlot

logger = logging.getLogger(__name__)

SUCCESS, FAILED = "success", "failed"
DETAIL_CHARACTERS = 1000


def slot_time(now: datetime, period_seconds: int) -> datetime:
    """Return the start of the period that ``now`` is in."""
    return datetime.fromtimestamp(int(now.timestamp()) // period_seconds * period_seconds, UTC)


@dataclass(frozen=True)
class Slots:
    """The slots of one store.  ``alive_since``: when this worker, the only one, started."""

    sessions: sessionmaker[Session]
    clock: Callable[[], datetime]
    alive_since: datetime

    def run(self, job: str, period_seconds: int, body: Callable[[], None]) -> bool:
        """Run ``body`` if this period's slot can be claimed; keep the outcome.  Never raises what ``body`` raises."""
        slot = slot_time(self.clock(), period_seconds)
        if not self.claim(job, slot):
            return False
        detail = None
        try:
            body()
        except Exception as error:
            logger.exception("job %s failed", job)
            detail = f"{type(error).__name__}: {error}"[:DETAIL_CHARACTERS]
        outcome = SUCCESS if detail is None else FAILED
        with self.sessions.begin() as session:
            session.execute(
                update(JobSlot)
                .where(JobSlot.job == job, JobSlot.scheduled_for == slot)
                .values(finished_at=self.clock(), outcome=outcome, detail=detail)
            )
        return True

    def claim(self, job: str, slot: datetime) -> bool:
        """Take a slot; return False when it is done or being worked on.

        A slot that failed, or that a process which no longer lives left unfinished, may be taken again.
        """
        try:
            with self.sessions.begin() as session:
                session.add(JobSlot(job=job, scheduled_for=slot, claimed_at=self.clock()))
        except IntegrityError:
            with self.sessions.begin() as session:
                abandoned = JobSlot.finished_at.is_(None) & (JobSlot.claimed_at < self.alive_since)
                taken = session.scalar(
                    update(JobSlot)
                    .where(JobSlot.job == job, JobSlot.scheduled_for == slot, (JobSlot.outcome == FAILED) | abandoned)
                    .values(claimed_at=self.clock(), finished_at=None, outcome=None, detail=None)
                    .returning(JobSlot.job)
                )
            return taken is not None
        return True
