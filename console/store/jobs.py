"""The worker's own records: claimed job slots, its pulse, the sealed days of the audit log."""

from datetime import date, datetime

from sqlalchemy import Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from console.store.base import Base


class JobSlot(Base):
    """One planned execution of one job.  Its primary key is the claim: a second worker's insert fails."""

    __tablename__ = "job_slot"
    __table_args__ = (Index(None, "claimed_at"),)

    job: Mapped[str] = mapped_column(Text, primary_key=True)
    scheduled_for: Mapped[datetime] = mapped_column(primary_key=True)
    claimed_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    outcome: Mapped[str | None] = mapped_column(Text)  # success | failed; None while it runs or when it was killed
    detail: Mapped[str | None] = mapped_column(Text)


class WorkerPulse(Base):
    """The single row (``id`` 1) with which the worker shows that it lives."""

    __tablename__ = "worker_pulse"

    id: Mapped[int] = mapped_column(primary_key=True)
    pid: Mapped[int]
    started_at: Mapped[datetime]
    beat_at: Mapped[datetime]


class AuditSeal(Base):
    """A sealed day of the audit log; a view of the seal files, which are the source."""

    __tablename__ = "audit_seal"

    day: Mapped[date] = mapped_column(primary_key=True)
    records: Mapped[int]
    first_seq: Mapped[int | None]
    last_seq: Mapped[int | None]
    file_sha256: Mapped[str] = mapped_column(Text)
    seal_sha256: Mapped[str] = mapped_column(Text)
    sealed_at: Mapped[datetime]


class AuditHead(Base):
    """The newest record of the audit log that the worker saw (``id`` 1): cutting the unsealed tail shows."""

    __tablename__ = "audit_head"

    id: Mapped[int] = mapped_column(primary_key=True)
    seq: Mapped[int]
    line_sha256: Mapped[str] = mapped_column(Text)
    seen_at: Mapped[datetime]
