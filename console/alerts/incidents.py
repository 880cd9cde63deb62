"""Incidents: open, worsen, acknowledge, resolve; each with its history and its messages in one transaction."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
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
    """The incident does not exist, or is closed already."""

    def __init__(self, incident_id: int) -> None:
        super().__init__(f"incident {incident_id} is not open. Next: xinglin console incidents list")


@dataclass(frozen=True)
class Desk:
    """Everything that can be done with incidents at one moment, in one transaction.  The caller commits ``session``."""

    session: Session
    config: ConsoleConfig
    now: datetime

    def open(
        self, signal: Signal, routes: Routes, held_by: Incident | None = None, drill: str | None = None
    ) -> Incident:
        """Write a new incident, and queue its message where no other incident (``held_by``) explains it.

        ``drill``: the power drill that it belongs to.
        """
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
            opened_at=self.now,
            held_by=held_by.id if held_by else None,
            held=held_by is not None,
            drill=drill,
        )
        self.session.add(incident)
        self.session.flush()
        self._note(incident.id, "opened")
        if drill is not None:
            self._note(incident.id, "drill", detail=drill)
        if held_by is None:
            self._tell(incident, routes, Kind.OPENED)
        else:
            self._note(incident.id, "held", detail=str(held_by.id))
        return incident

    def worsen(self, incident: Incident, signal: Signal, routes: Routes) -> None:
        """Raise an open incident's severity and tell of it; one that was closed meanwhile stays as it is."""
        changes = {"severity": signal.severity.value, "value": signal.value, "texts": stored_texts(signal)}
        if self._set_open(incident.id, worsened_at=self.now, **changes):
            self.session.refresh(incident)
            self._note(incident.id, "worsened")
            if not incident.held:
                self._tell(incident, routes, Kind.WORSENED)

    def resolve(
        self, incident: Incident, resolution: str, *, person: str | None = None, reason: str | None = None
    ) -> bool:
        """Close an open incident and queue its recovery where its problem was told.

        Returns False when it was closed already.
        """
        ended = {"resolution": resolution, "resolved_by": person, "resolution_reason": reason}
        if not self._set_open(incident.id, resolved_at=self.now, **ended):
            return False
        self.session.refresh(incident)
        self._note(incident.id, "resolved", actor=person, detail=reason or "")
        told = outbox.told_routes(self.session, incident.id)
        outbox.queue(self.session, message(self.config, incident, Kind.RESOLVED, self.now), told, self.now)
        return True

    def release(self, incident: Incident, routes: Routes) -> None:
        """Tell of an open incident that was held back and is no longer explained."""
        if self._set_open(incident.id, held=False):
            self.session.refresh(incident)
            self._note(incident.id, "released")
            self._tell(incident, routes, Kind.OPENED)

    def join_drill(self, incident: Incident, drill: str) -> None:
        """Note that an open incident belongs to a drill, and tell whoever was told of it as an outage."""
        if self._set_open(incident.id, drill=drill):
            self.session.refresh(incident)
            self._note(incident.id, "drill", detail=drill)
            told = outbox.told_routes(self.session, incident.id)
            outbox.queue(self.session, message(self.config, incident, Kind.DRILL, self.now), told, self.now)

    def leave_drill(self, incident: Incident, routes: Routes) -> None:
        """Note that an open incident is not explained by its drill any more, and tell of it."""
        drill = incident.drill or ""
        if self._set_open(incident.id, drill=None):
            self.session.refresh(incident)
            self._note(incident.id, "real", detail=drill)
            if not incident.held:
                self._tell(incident, routes, Kind.REAL)

    def has_left_drill(self, incident: Incident) -> bool:
        """Return whether an incident once was said to be no drill any more: it is never one again."""
        noted = select(IncidentEvent.id).where(IncidentEvent.incident_id == incident.id, IncidentEvent.kind == "real")
        return self.session.scalar(noted.limit(1)) is not None

    def acknowledge(self, audit: AuditLog, incident_id: int, person: str, comment: str) -> None:
        """Note that a person takes care of an open incident.

        Raises ``NotOpenError``, and ``AuditError`` (then roll back).
        """
        noted = {"acknowledged_by": person, "acknowledgement": comment}
        if not self._set_open(incident_id, acknowledged_at=self.now, **noted):
            raise NotOpenError(incident_id)
        self._note(incident_id, "acknowledged", actor=person, detail=comment)
        detail = {"comment": comment}
        audit.append(actor=person, action="incident.acknowledged", target=f"incident {incident_id}", detail=detail)

    def resolve_by_person(self, audit: AuditLog, incident_id: int, person: str, reason: str) -> None:
        """Close an open incident for a person.  While its condition still holds it stays quiet, see ``QUIET``.

        Raises ``NotOpenError``, and ``AuditError`` (then roll back).
        """
        incident = self.session.get(Incident, incident_id)
        if incident is None or not self.resolve(incident, PERSON, person=person, reason=reason):
            raise NotOpenError(incident_id)
        self.session.execute(
            update(AlertState)
            .where(AlertState.incident_id == incident_id)
            .values(incident_id=None, quiet_until=self.now + QUIET, version=AlertState.version + 1)
        )
        detail = {"reason": reason}
        audit.append(actor=person, action="incident.resolved", target=f"incident {incident_id}", detail=detail)

    def _tell(self, incident: Incident, routes: Routes, kind: Kind) -> None:
        names = [route.name for route in routes.for_severity(Severity(incident.severity))]
        outbox.queue(self.session, message(self.config, incident, kind, self.now), names, self.now)

    def _set_open(self, incident_id: int, **values: object) -> bool:
        changed = self.session.scalar(
            update(Incident)
            .where(Incident.id == incident_id, Incident.resolved_at.is_(None))
            .values(**values)
            .returning(Incident.id)
        )
        return changed is not None

    def _note(self, incident_id: int, kind: str, *, actor: str | None = None, detail: str = "") -> None:
        self.session.add(IncidentEvent(incident_id=incident_id, at=self.now, kind=kind, actor=actor, detail=detail))


def stored_texts(signal: Signal) -> dict[str, object]:
    """Return a signal's texts as an incident keeps them."""
    texts = signal.texts
    parts = {"title": texts.title, "meaning": texts.meaning, "next_step": texts.next_step}
    return {part: to_json(signal.text(msgid)) for part, msgid in parts.items()}


def open_incidents(session: Session) -> Sequence[Incident]:
    """Return the open incidents, the newest first."""
    query = select(Incident).where(Incident.resolved_at.is_(None))
    return session.scalars(query.order_by(Incident.opened_at.desc(), Incident.id.desc())).all()
