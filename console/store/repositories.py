"""Repositories, their space and what was refused there, as the repository servers reported it (``backup.status``)."""

from datetime import date, datetime

from sqlalchemy import BigInteger, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from console.store.base import Base, JsonObject


class RepositoryRow(Base):
    """How the repository of ``host`` on ``server`` stands after the keeper's last round."""

    __tablename__ = "repository"

    server: Mapped[str] = mapped_column(Text, primary_key=True)
    host: Mapped[str] = mapped_column(Text, primary_key=True)
    kind: Mapped[str] = mapped_column(Text)  # local | offsite
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    outcome: Mapped[str] = mapped_column(Text)  # backup.status.Outcome
    steps: Mapped[list[JsonObject]]
    sets: Mapped[int]
    snapshots: Mapped[int]
    oldest_set_at: Mapped[datetime | None]
    newest_set_at: Mapped[datetime | None]
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    parts: Mapped[int]
    parts_read: Mapped[int]
    read_through_at: Mapped[datetime | None]
    broken_packs: Mapped[list[str]]
    set_aside: Mapped[list[str]]
    paused_since: Mapped[datetime | None]
    anomalies: Mapped[list[JsonObject]]  # code, policy, snapshot_id, at, detail
    removed: Mapped[int]
    cause_code: Mapped[str | None] = mapped_column(Text)
    cause_place: Mapped[str | None] = mapped_column(Text)
    cause_detail: Mapped[str | None] = mapped_column(Text)
    received_at: Mapped[datetime]


class RepositorySize(Base):
    """The size of a repository on a day: more of them than the server itself keeps."""

    __tablename__ = "repository_size"

    server: Mapped[str] = mapped_column(Text, primary_key=True)
    host: Mapped[str] = mapped_column(Text, primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    size_bytes: Mapped[int] = mapped_column(BigInteger)


class CopyRow(Base):
    """How the further copy ``name`` of the backups of ``host`` stands after the last round that ``server`` made."""

    __tablename__ = "repository_copy"

    server: Mapped[str] = mapped_column(Text, primary_key=True)
    host: Mapped[str] = mapped_column(Text, primary_key=True)
    name: Mapped[str] = mapped_column(Text, primary_key=True)
    kind: Mapped[str] = mapped_column(Text)  # disk | sftp | s3
    place: Mapped[str] = mapped_column(Text)
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    outcome: Mapped[str] = mapped_column(Text)  # backup.status.Outcome
    steps: Mapped[list[JsonObject]]
    sets: Mapped[int]
    snapshots: Mapped[int]
    oldest_set_at: Mapped[datetime | None]
    newest_set_at: Mapped[datetime | None]
    complete_at: Mapped[datetime | None]
    removed: Mapped[int]
    disks: Mapped[list[JsonObject]]  # label, seen_at, complete_at
    cause_code: Mapped[str | None] = mapped_column(Text)
    cause_place: Mapped[str | None] = mapped_column(Text)
    cause_detail: Mapped[str | None] = mapped_column(Text)
    received_at: Mapped[datetime]


class SpaceRow(Base):
    """The space of the repositories' file system on ``server``, as the watch last measured it."""

    __tablename__ = "repository_space"

    server: Mapped[str] = mapped_column(Text, primary_key=True)
    at: Mapped[datetime]
    path: Mapped[str] = mapped_column(Text)
    total_bytes: Mapped[int] = mapped_column(BigInteger)
    free_bytes: Mapped[int] = mapped_column(BigInteger)
    ballast_bytes: Mapped[int] = mapped_column(BigInteger)  # 0: given up
    released_at: Mapped[datetime | None]
    growth_bytes_per_day: Mapped[float | None]
    days_until_full: Mapped[float | None]
    received_at: Mapped[datetime]


class RefusedDeletion(Base):
    """Somebody with the key of ``host`` asked ``server`` to delete ``path`` and was refused.  Kept as evidence."""

    __tablename__ = "refused_deletion"
    __table_args__ = (Index(None, "at"),)

    server: Mapped[str] = mapped_column(Text, primary_key=True)
    host: Mapped[str] = mapped_column(Text, primary_key=True)
    at: Mapped[datetime] = mapped_column(primary_key=True)
    path: Mapped[str] = mapped_column(Text, primary_key=True)
    address: Mapped[str] = mapped_column(Text)
    received_at: Mapped[datetime]
