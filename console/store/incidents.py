"""Incidents, how each alert's condition stands, and the outbox of notifications."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from console.store.base import Base, JsonObject


class Incident(Base):
    """Something that was wrong from ``opened_at`` to ``resolved_at``; at most one open incident a fingerprint.

    ``texts`` holds title, meaning and next step as message ids with their values (``console.alerts.wording``).
    """

    __tablename__ = "incident"
    __table_args__ = (
        Index(
            "uq_incident_open_fingerprint",
            "fingerprint",
            unique=True,
            sqlite_where=text("resolved_at IS NULL"),
            postgresql_where=text("resolved_at IS NULL"),
        ),
        Index(None, "opened_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[str] = mapped_column(Text, unique=True)  # random: a store that lost its end reuses ids
    fingerprint: Mapped[str] = mapped_column(Text)
    rule: Mapped[str] = mapped_column(Text)  # a rule's id, or the name of a condition
    object: Mapped[str] = mapped_column(Text)
    host: Mapped[str | None] = mapped_column(Text)
    labels: Mapped[JsonObject]
    severity: Mapped[str] = mapped_column(Text)  # the worst it has been
    value: Mapped[float | None]  # measured when it was opened or worsened
    texts: Mapped[JsonObject]
    opened_at: Mapped[datetime]
    worsened_at: Mapped[datetime | None]
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by: Mapped[str | None] = mapped_column(Text)
    acknowledgement: Mapped[str | None] = mapped_column(Text)  # the comment
    resolved_at: Mapped[datetime | None]
    resolution: Mapped[str | None] = mapped_column(Text)  # recovered | person | retired
    resolved_by: Mapped[str | None] = mapped_column(Text)  # the person
    resolution_reason: Mapped[str | None] = mapped_column(Text)
    held_by: Mapped[int | None] = mapped_column(ForeignKey("incident.id", ondelete="SET NULL"))  # it explains this one
    held: Mapped[bool] = mapped_column(default=False)  # nobody was told, because of ``held_by``
    drill: Mapped[str | None] = mapped_column(Text)  # it belongs to this power drill: the id of its record


class IncidentEvent(Base):
    """One line of an incident's history."""

    __tablename__ = "incident_event"
    __table_args__ = (Index(None, "incident_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    incident_id: Mapped[int] = mapped_column(ForeignKey("incident.id", ondelete="CASCADE"))
    at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(Text)  # console.web.incident_views.EVENTS
    actor: Mapped[str | None] = mapped_column(Text)  # a person; None: the console itself
    detail: Mapped[str] = mapped_column(Text, default="")


class AlertState(Base):
    """How the condition with this fingerprint stands (``console.alerts.machine``); changed by compare and set."""

    __tablename__ = "alert_state"
    __table_args__ = (Index(None, "rule"),)

    fingerprint: Mapped[str] = mapped_column(Text, primary_key=True)
    rule: Mapped[str] = mapped_column(Text)
    object: Mapped[str] = mapped_column(Text)
    host: Mapped[str | None] = mapped_column(Text)
    labels: Mapped[JsonObject]
    phase: Mapped[str] = mapped_column(Text)
    severity: Mapped[str] = mapped_column(Text)
    since: Mapped[datetime]
    changed_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    flaps: Mapped[int] = mapped_column(default=0)
    incident_id: Mapped[int | None] = mapped_column(ForeignKey("incident.id", ondelete="SET NULL"))
    quiet_until: Mapped[datetime | None]  # a person resolved the incident though the condition holds
    version: Mapped[int] = mapped_column(default=0)


class Notification(Base):
    """One message on one route: the outbox.  Written with the transition that it tells, before anything is sent."""

    __tablename__ = "notification"
    __table_args__ = (
        UniqueConstraint("key", "route"),
        Index(None, "state", "due_at"),
        Index(None, "incident_id"),
        Index(None, "route", "finished_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    incident_id: Mapped[int | None] = mapped_column(ForeignKey("incident.id", ondelete="CASCADE"))  # None: a test
    key: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)  # console.notifications.message.Kind
    route: Mapped[str] = mapped_column(Text)
    message: Mapped[JsonObject]
    state: Mapped[str] = mapped_column(Text)  # queued | sending | delivered | refused | dropped
    attempts: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]  # not before
    lease: Mapped[str | None] = mapped_column(Text)  # who is sending it
    lease_until: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    answer: Mapped[str | None] = mapped_column(Text)  # the provider's newest


class NotificationAttempt(Base):
    """One attempt to send.  Written before it; without an outcome the process died on the way."""

    __tablename__ = "notification_attempt"
    __table_args__ = (Index(None, "notification_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    notification_id: Mapped[int] = mapped_column(ForeignKey("notification.id", ondelete="CASCADE"))
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    outcome: Mapped[str | None] = mapped_column(Text)  # console.notifications.message.Outcome
    answer: Mapped[str | None] = mapped_column(Text)
