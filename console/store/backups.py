"""Backup runs, restore tests and restores, as the hosts reported them (``backup.status``)."""

from datetime import datetime

from sqlalchemy import BigInteger, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from console.store.base import Base, JsonObject


class BackupRunRow(Base):
    """One backup run; updated while it runs, by ``run_id``."""

    __tablename__ = "backup_run"
    __table_args__ = (Index(None, "host", "policy", "started_at"), Index(None, "started_at"))

    run_id: Mapped[str] = mapped_column(Text, primary_key=True)
    host: Mapped[str] = mapped_column(Text)
    policy: Mapped[str] = mapped_column(Text)
    trigger: Mapped[str] = mapped_column(Text)
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    outcome: Mapped[str] = mapped_column(Text)  # backup.status.Outcome
    snapshot_id: Mapped[str | None] = mapped_column(Text)
    offsite_snapshot_id: Mapped[str | None] = mapped_column(Text)
    bytes_processed: Mapped[int | None] = mapped_column(BigInteger)
    bytes_added: Mapped[int | None] = mapped_column(BigInteger)
    files: Mapped[int | None] = mapped_column(BigInteger)
    cause_code: Mapped[str | None] = mapped_column(Text)
    cause_place: Mapped[str | None] = mapped_column(Text)
    cause_detail: Mapped[str | None] = mapped_column(Text)
    steps: Mapped[list[JsonObject]]
    received_at: Mapped[datetime]


class VerificationRow(Base):
    """One restore test: what was restored, compared with what, and how long it took."""

    __tablename__ = "verification"
    __table_args__ = (Index(None, "host", "policy", "started_at"), Index(None, "started_at"))

    verification_id: Mapped[str] = mapped_column(Text, primary_key=True)
    host: Mapped[str] = mapped_column(Text)
    policy: Mapped[str] = mapped_column(Text)
    snapshot_id: Mapped[str | None] = mapped_column(Text)
    repository: Mapped[str | None] = mapped_column(Text)  # local | offsite
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    verdict: Mapped[str] = mapped_column(Text)  # backup.status.Verdict
    as_of: Mapped[datetime | None]
    rpo_seconds: Mapped[float | None]
    rto_seconds: Mapped[float | None]
    rpo_target_seconds: Mapped[float | None]
    rto_target_seconds: Mapped[float | None]
    rto_forecast_seconds: Mapped[float | None]  # what all of the data would take, not a sample of the files
    bytes_restored: Mapped[int | None] = mapped_column(BigInteger)
    phases: Mapped[JsonObject]  # phase → seconds
    assertions: Mapped[list[JsonObject]]  # id, status, expected, got, detail
    cause_code: Mapped[str | None] = mapped_column(Text)
    cause_place: Mapped[str | None] = mapped_column(Text)
    cause_detail: Mapped[str | None] = mapped_column(Text)
    received_at: Mapped[datetime]


class WalRow(Base):
    """How the WAL of a host's databases stands after the last time it was stored."""

    __tablename__ = "wal"

    host: Mapped[str] = mapped_column(Text, primary_key=True)
    at: Mapped[datetime]
    outcome: Mapped[str] = mapped_column(Text)  # backup.status.Outcome
    segments: Mapped[int]
    bytes: Mapped[int] = mapped_column(BigInteger)
    stored_until: Mapped[JsonObject]  # port → time of the newest file that is in a repository
    dropped: Mapped[list[str]]
    cause_code: Mapped[str | None] = mapped_column(Text)
    cause_place: Mapped[str | None] = mapped_column(Text)
    cause_detail: Mapped[str | None] = mapped_column(Text)
    received_at: Mapped[datetime]


class RestoreRow(Base):
    """One restore that a person or a drill asked for."""

    __tablename__ = "restore"
    __table_args__ = (Index(None, "host", "policy", "started_at"), Index(None, "started_at"))

    restore_id: Mapped[str] = mapped_column(Text, primary_key=True)
    host: Mapped[str] = mapped_column(Text)
    policy: Mapped[str] = mapped_column(Text)
    repository: Mapped[str] = mapped_column(Text)  # local | offsite
    what: Mapped[str] = mapped_column(Text)
    target: Mapped[str] = mapped_column(Text)
    in_place: Mapped[bool]
    purpose: Mapped[str] = mapped_column(Text)  # backup.status.Purpose
    operator: Mapped[str] = mapped_column(Text)
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    outcome: Mapped[str] = mapped_column(Text)  # backup.status.Outcome
    steps: Mapped[list[JsonObject]]
    snapshot_id: Mapped[str | None] = mapped_column(Text)
    as_of: Mapped[datetime | None]
    until: Mapped[datetime | None]
    bytes_restored: Mapped[int] = mapped_column(BigInteger)
    cause_code: Mapped[str | None] = mapped_column(Text)
    cause_place: Mapped[str | None] = mapped_column(Text)
    cause_detail: Mapped[str | None] = mapped_column(Text)
    received_at: Mapped[datetime]
