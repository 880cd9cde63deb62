"""Incidents as documents: what the command line prints and other programs read.  Times are RFC 3339 in UTC."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from console.alerts.wording import CHINESE, incident_text, titled
from console.store.incidents import Incident, IncidentEvent, Notification, NotificationAttempt

MOST = 100


def open_documents(session: Session, *, closed: bool = False) -> list[dict[str, Any]]:
    """Return the open incidents, the newest first; with ``closed`` the newest 100 of all."""
    query = select(Incident).order_by(Incident.opened_at.desc(), Incident.id.desc())
    query = query.limit(MOST) if closed else query.where(Incident.resolved_at.is_(None))
    return [_incident(one) for one in session.scalars(query)]


def incident_document(session: Session, number: int) -> dict[str, Any] | None:
    """Return one incident with its history and its notifications."""
    incident = session.get(Incident, number)
    if incident is None:
        return None
    events = select(IncidentEvent).where(IncidentEvent.incident_id == number).order_by(IncidentEvent.id)
    sent = select(Notification).where(Notification.incident_id == number).order_by(Notification.id)
    return {
        **_incident(incident),
        "events": [
            {"at": _time(one.at), "kind": one.kind, "actor": one.actor, "detail": one.detail}
            for one in session.scalars(events)
        ],
        "notifications": [_notification(session, one) for one in session.scalars(sent).all()],
    }


def _incident(one: Incident) -> dict[str, Any]:
    texts = {"title": titled(one), **{part: incident_text(one, part) for part in ("meaning", "next_step")}}
    plain = ("id", "rule", "object", "host", "severity", "value", "drill", "acknowledged_by", "acknowledgement")
    ended = ("resolution", "resolved_by", "resolution_reason", "held_by", "held")
    times = ("opened_at", "worsened_at", "acknowledged_at", "resolved_at")
    return {
        **{name: getattr(one, name) for name in (*plain, *ended)},
        **{name: _time(getattr(one, name)) for name in times},
        **{part: str(text) for part, text in texts.items()},
        **{f"{part}_zh": text.translate(CHINESE) for part, text in texts.items()},
    }


def _notification(session: Session, one: Notification) -> dict[str, Any]:
    tries = select(NotificationAttempt).where(NotificationAttempt.notification_id == one.id)
    return {
        **{name: getattr(one, name) for name in ("key", "kind", "route", "state", "attempts", "answer")},
        "finished_at": _time(one.finished_at),
        "tries": [
            {"started_at": _time(each.started_at), "outcome": each.outcome, "answer": each.answer}
            for each in session.scalars(tries.order_by(NotificationAttempt.id))
        ],
    }


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
