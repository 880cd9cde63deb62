"""What the console knows of each host: its state, its newest measurements, its facts and their judgement."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from console.store.base import Base, JsonObject, PackedJson


class State(StrEnum):
    """The one status vocabulary of code, styles, API and exports."""

    OK = "ok"
    LATE = "late"
    WARN = "warn"
    CRIT = "crit"
    MAINT = "maint"
    UNKNOWN = "unknown"


class HostState(Base):
    """One row a host of the facility, written by the worker after each scrape.

    ``state`` is what the worker last decided.  A page must not show it directly: ``console.hosts.shown_state``
    turns a row that nobody has refreshed into *unknown*.
    """

    __tablename__ = "host_state"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    address: Mapped[str] = mapped_column(Text)
    groups: Mapped[list[str]]
    zone: Mapped[str] = mapped_column(Text)
    first_seen: Mapped[datetime]  # when the host entered the facility's description
    state: Mapped[str] = mapped_column(Text, default=State.UNKNOWN)
    since: Mapped[datetime]
    # The state that the newest scrapes ask for and how many in a row did: the hysteresis.
    candidate: Mapped[str | None] = mapped_column(Text)
    candidate_count: Mapped[int] = mapped_column(default=0)
    reasons: Mapped[list[JsonObject]]  # what the newest scrape shows: {"kind", "object", "since"} of each problem
    last_attempt: Mapped[datetime | None]
    last_seen: Mapped[datetime | None]
    error_code: Mapped[str | None] = mapped_column(Text)  # console.worker.scrape.ErrorCode
    last_error: Mapped[str | None] = mapped_column(Text)
    failing_since: Mapped[datetime | None]
    facts_error: Mapped[str | None] = mapped_column(Text)
    facts_failing_since: Mapped[datetime | None]
    agent_version: Mapped[str | None] = mapped_column(Text)
    scrape_seconds: Mapped[float | None]
    maintenance_until: Mapped[datetime | None]
    maintenance_reason: Mapped[str | None] = mapped_column(Text)


class HostLatest(Base):
    """The newest measurements of a host, one row: ``console.snapshot.Snapshot`` as JSON."""

    __tablename__ = "host_latest"

    host: Mapped[str] = mapped_column(Text, primary_key=True)
    at: Mapped[datetime]
    snapshot: Mapped[JsonObject]


class FactDocument(Base):
    """A host's raw facts: the newest of each day (UTC), so that an assessor can judge any day again."""

    __tablename__ = "fact_document"

    host: Mapped[str] = mapped_column(Text, primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    gathered_at: Mapped[datetime]
    received_at: Mapped[datetime]
    boot_id: Mapped[str] = mapped_column(Text)
    document: Mapped[JsonObject] = mapped_column(PackedJson)


class AssessmentResult(Base):
    """The current verdict of one requirement on one host, with the probes that prove it."""

    __tablename__ = "assessment_result"
    __table_args__ = (Index(None, "verdict"),)

    host: Mapped[str] = mapped_column(Text, primary_key=True)
    requirement: Mapped[str] = mapped_column(Text, primary_key=True)
    check_id: Mapped[str] = mapped_column(Text, primary_key=True)
    verdict: Mapped[str] = mapped_column(Text)  # value of compliance's verdict enum
    risk: Mapped[str | None] = mapped_column(Text)
    since: Mapped[datetime]  # when this verdict was first seen
    judged_at: Mapped[datetime]
    gathered_at: Mapped[datetime | None]  # of the facts it was judged from
    detail: Mapped[JsonObject]  # the whole ItemResult: numbers, texts in both languages
    evidence: Mapped[list[str]]  # names of the probes
