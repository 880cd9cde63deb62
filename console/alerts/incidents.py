"""Incidents: open, worsen, acknowledge, resolve; each with its history and its messages in one transaction."""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from console.alerts import outbox
from console.alerts.signal import Signal
from console.alerts.wording import message, to_json
from console.audit.log import AuditLog
from console.config import ConsoleConfig
from console.notifications.message import Kind, Routes
from console.rules.problem import Severity
from console.store.incidents import AlertState, Incident, IncidentEvent

RECOVERED, PERSON, RETIRED = "recovered", "person", "retired"
QUIET = timedelta(hours=24)
"""Closed by a person while the condition holds: it opens again when it comes back, worsens, or after this time."""


class NotOpenError(Exception):
    """The incident does not exist, or somebody was faster."""


def open_incident(
    session: Session,
    config: ConsoleConfig,
    routes: Routes,
    signal: Signal,
    now: datetime,
    held_by: Incident | None = None,
) -> Incident:
    """Write a new incident, and queue its message where another incident does not explain it; the caller commits."""
    incident = Incident(
        uid=secrets.token_hex(8),
        fingerprint=signal.fingerprint,
        rule=signal.rule,
        object=signal.target,
        host=signal.host,
        labels=dict(signal.labels),
        severity=signal.severity.value,
        value=signal.value,
        texts=stored_texts(signal),
        opened_at=now,
        held_by=held_by.id if held_by else None,
        held=held_by is not None,
    )
    session.add(incident)
    session.flush()
    _note(session, incident.id, now, "opened")
    if held_by is None:
        tell(session, config, routes, incident, Kind.OPENED, now)
    else:
        _note(session, incident.id, now, "held", detail=str(held_by.id))
    return incident


def stored_texts(signal: Signal) -> dict[str, object]:
    """Return a signal's texts as an incident keeps them."""
    texts = signal.texts
    parts = {"title": texts.title, "meaning": texts.meaning, "next_step": texts.next_step}
    return {part: to_json(signal.text(msgid)) for part, msgid in parts.items()}


def worsen(
    session: Session, config: ConsoleConfig, routes: Routes, incident: Incident, signal: Signal, now: datetime
) -> None:
    """Raise an open incident's severity; the caller commits."""
    changes = {"severity": signal.severity.value, "value": signal.value, "texts": stored_texts(signal)}
    if not _set_open(session, incident.id, worsened_at=now, **changes):
        return
    session.refresh(incident)
    _note(session, incident.id, now, "worsened")
    if not incident.held:
        tell(session, config, routes, incident, Kind.WORSENED, now)


def resolve(
    session: Session,
    config: ConsoleConfig,
    incident: Incident,
    now: datetime,
    resolution: str,
    *,
    person: str | None = None,
    reason: str | None = None,
) -> bool:
    """Close an open incident and queue its recovery where its problem was told; the caller commits.

    Returns False when it was closed already.
    """
    ended = {"resolved_at": now, "resolution": resolution, "resolved_by": person, "resolution_reason": reason}
    if not _set_open(session, incident.id, **ended):
        return False
    session.refresh(incident)
    _note(session, incident.id, now, "resolved", actor=person, detail=reason or "")
    outbox.queue(session, message(config, incident, Kind.RESOLVED, now), outbox.told_routes(session, incident.id), now)
    return True


def release(session: Session, config: ConsoleConfig, routes: Routes, incident: Incident, now: datetime) -> None:
    """Tell of an incident that was held back and is no longer explained; the caller commits."""
    if _set_open(session, incident.id, held=False):
        session.refresh(incident)
        _note(session, incident.id, now, "released")
        tell(session, config, routes, incident, Kind.OPENED, now)


def tell(
    session: Session, config: ConsoleConfig, routes: Routes, incident: Incident, kind: Kind, now: datetime
) -> None:
    """Queue a message for the routes that want this severity."""
    names = [route.name for route in routes.for_severity(Severity(incident.severity))]
    outbox.queue(session, message(config, incident, kind, now), names, now)


def acknowledge(session: Session, audit: AuditLog, incident_id: int, person: str, comment: str, now: datetime) -> None:
    """Note that a person takes care of an open incident; the caller commits.

    Raises ``NotOpenError``, and ``AuditError`` (then roll back).
    """
    noted = {"acknowledged_at": now, "acknowledged_by": person, "acknowledgement": comment}
    if not _set_open(session, incident_id, **noted):
        raise NotOpenError(f"incident {incident_id} is not open. Next: xinglin console incidents list")
    _note(session, incident_id, now, "acknowledged", actor=person, detail=comment)
    detail = {"comment": comment}
    audit.append(actor=person, action="incident.acknowledged", target=f"incident {incident_id}", detail=detail)


def resolve_by_person(
    session: Session, config: ConsoleConfig, audit: AuditLog, incident_id: int, person: str, reason: str, now: datetime
) -> None:
    """Close an open incident for a person; the caller commits.

    While its condition still holds it stays quiet, see ``QUIET``.  Raises ``NotOpenError``, and ``AuditError`` (then
    roll back).
    """
    incident = session.get(Incident, incident_id)
    if incident is None or not resolve(session, config, incident, now, PERSON, person=person, reason=reason):
        raise NotOpenError(f"incident {incident_id} is not open. Next: xinglin console incidents list")
    session.execute(
        update(AlertState)
        .where(AlertState.incident_id == incident_id)
        .values(incident_id=None, quiet_until=now + QUIET, version=AlertState.version + 1)
    )
    detail = {"reason": reason}
    audit.append(actor=person, action="incident.resolved", target=f"incident {incident_id}", detail=detail)


def open_incidents(session: Session) -> Sequence[Incident]:
    """Return the open incidents, the newest first."""
    query = select(Incident).where(Incident.resolved_at.is_(None)).order_by(Incident.opened_at.desc(), Incident.id)
    return session.scalars(query).all()


def _set_open(session: Session, incident_id: int, **values: object) -> bool:
    changed = session.scalar(
        update(Incident)
        .where(Incident.id == incident_id, Incident.resolved_at.is_(None))
        .values(**values)
        .returning(Incident.id)
    )
    return changed is not None


def _note(
    session: Session, incident_id: int, at: datetime, kind: str, *, actor: str | None = None, detail: str = ""
) -> None:
    session.add(IncidentEvent(incident_id=incident_id, at=at, kind=kind, actor=actor, detail=detail))
