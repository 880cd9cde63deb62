"""Incidents as the pages show them: in the page's language, with what was measured and everything that happened."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from console.alerts.outbox import Stage
from console.alerts.rule import Mode, Rule, Unit
from console.alerts.rulebook import load_rules
from console.alerts.wording import incident_text, measured, titled
from console.i18n import N_
from console.notifications.message import Outcome
from console.store.incidents import Incident, IncidentEvent, Notification, NotificationAttempt
from console.store.models import State
from console.web.context import _, said

LISTED = 100

# Where an incident stands → (state, word); an open one shows its severity instead of this state.
STANDINGS = {
    "open": (State.CRIT, N_("Not taken care of")),
    "acknowledged": (State.MAINT, N_("Taken care of")),
    "resolved": (State.OK, N_("Resolved")),
}
DELIVERIES = {
    Stage.QUEUED.value: (State.UNKNOWN, N_("Waiting")),
    Stage.SENDING.value: (State.MAINT, N_("On its way")),
    Stage.DELIVERED.value: (State.OK, N_("Delivered")),
    Stage.REFUSED.value: (State.CRIT, N_("Not delivered")),
    Stage.DROPPED.value: (State.UNKNOWN, N_("Not sent")),
    Outcome.RETRY.value: (State.WARN, N_("Not taken, tried again")),
}
BROKEN_OFF = (State.WARN, N_("Broken off"))
EVENTS = {
    "opened": (State.CRIT, N_("Opened")),
    "worsened": (State.CRIT, N_("Worsened")),
    "acknowledged": (State.MAINT, N_("Taken care of")),
    "resolved": (State.OK, N_("Resolved")),
    "held": (State.UNKNOWN, N_("Held back: another incident explains it")),
    "drill": (State.MAINT, N_("Belongs to a power drill")),
    "real": (State.CRIT, N_("Not explained by the drill any more")),
    "released": (State.WARN, N_("No longer explained by another incident")),
}
KINDS = {
    "opened": N_("opened"),
    "worsened": N_("worsened"),
    "resolved": N_("resolved"),
    "drill": N_("drill"),
    "real": N_("no drill"),
    "test": N_("test"),
}


@dataclass(frozen=True)
class Shown:
    """One incident in the page's language."""

    row: Incident
    title: str
    meaning: str
    next_step: str

    @property
    def standing(self) -> str:
        """Return ``open``, ``acknowledged`` or ``resolved``."""
        if self.row.resolved_at is not None:
            return "resolved"
        return "open" if self.row.acknowledged_at is None else "acknowledged"


@dataclass(frozen=True)
class Line:
    """One line of an incident's history."""

    at: datetime
    state: str
    word: str
    actor: str = ""
    detail: str = ""


@dataclass(frozen=True)
class Measure:
    """What was measured, and by which thresholds it opens and is over."""

    value: str
    opens: str
    over: str


def spoken(row: Incident) -> Shown:
    """Return an incident in the page's language."""
    meaning, step = (said(incident_text(row, part)) for part in ("meaning", "next_step"))
    return Shown(row, said(titled(row)), meaning, step)


STANDING: dict[str, ColumnElement[bool]] = {
    "current": Incident.resolved_at.is_(None),
    "open": Incident.resolved_at.is_(None) & Incident.acknowledged_at.is_(None),
    "acknowledged": Incident.resolved_at.is_(None) & Incident.acknowledged_at.is_not(None),
    "resolved": Incident.resolved_at.is_not(None),
}
WORST_FIRST = (
    Incident.acknowledged_at.is_not(None),
    Incident.drill.is_not(None),
    Incident.severity == "warn",
    Incident.opened_at,
)


def counted(session: Session) -> dict[str, int]:
    """Return how many incidents there are by standing."""
    columns = [func.count().filter(condition).label(name) for name, condition in STANDING.items()]
    return dict(session.execute(select(*columns).select_from(Incident)).mappings().one())


def open_counts(session: Session) -> dict[str, int]:
    """Return how many incidents are not resolved, by severity."""
    query = select(Incident.severity, func.count().label("number")).where(STANDING["current"])
    query = query.group_by(Incident.severity)
    return {row.severity: row.number for row in session.execute(query)}


def listed(
    session: Session, standing: str, severity: str | None, wanted: str, before: int | None
) -> Sequence[Incident]:
    """Return incidents, the unresolved worst first, the resolved newest first; one more than ``LISTED``, if there are.

    ``wanted`` is a part of the object's or the host's name; ``before`` is the id after which the list goes on.
    """
    query = select(Incident).where(STANDING[standing])
    if severity:
        query = query.where(Incident.severity == severity)
    if wanted:
        part = wanted.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        named = (column.ilike(f"%{part}%", escape="\\") for column in (Incident.object, Incident.host))
        query = query.where(or_(*named))
    if standing == "resolved":
        query = query.where(Incident.id < before) if before else query
        return session.scalars(query.order_by(Incident.id.desc()).limit(LISTED + 1)).all()
    return session.scalars(query.order_by(*WORST_FIRST)).all()


def told(session: Session, incidents: Iterable[Incident]) -> dict[int, dict[str, int]]:
    """Return for each incident how many of its messages stand where."""
    ids = [incident.id for incident in incidents]
    query = (
        select(Notification.incident_id, Notification.state, func.count())
        .where(Notification.incident_id.in_(ids))
        .group_by(Notification.incident_id, Notification.state)
    )
    found: dict[int, dict[str, int]] = {}
    for incident_id, state, count in session.execute(query):
        if incident_id is not None:
            found.setdefault(incident_id, {})[state] = count
    return found


def history(session: Session, incident: Incident) -> list[Line]:
    """Return everything that happened, oldest first: transitions, and every attempt with the provider's own answer."""
    events = select(IncidentEvent).where(IncidentEvent.incident_id == incident.id).order_by(IncidentEvent.id)
    lines = [_event(one) for one in session.scalars(events)]
    sent = select(Notification).where(Notification.incident_id == incident.id).order_by(Notification.id)
    messages = {one.id: one for one in session.scalars(sent)}
    attempts = session.scalars(
        select(NotificationAttempt)
        .where(NotificationAttempt.notification_id.in_(messages))
        .order_by(NotificationAttempt.id)
    )
    lines += [_attempt(one, messages[one.notification_id]) for one in attempts]
    lines += [_waiting(one) for one in messages.values() if one.state == Stage.QUEUED]
    return sorted(lines, key=lambda line: line.at)


def _event(event: IncidentEvent) -> Line:
    state, word = EVENTS.get(event.kind, (State.UNKNOWN, event.kind))
    detail = "" if event.kind == "held" else event.detail
    return Line(event.at, state, _(word), event.actor or "", detail)


def _attempt(attempt: NotificationAttempt, message: Notification) -> Line:
    state, word = DELIVERIES.get(attempt.outcome or "", BROKEN_OFF)
    what = _("{route}: message “{kind}”", route=message.route, kind=_(KINDS.get(message.kind, message.kind)))
    return Line(attempt.started_at, state, _(word), what, attempt.answer or "")


def _waiting(message: Notification) -> Line:
    state, word = DELIVERIES[Stage.QUEUED.value]
    what = _("{route}: message “{kind}”", route=message.route, kind=_(KINDS.get(message.kind, message.kind)))
    return Line(message.due_at, state, _(word), what)


@cache
def _rules() -> dict[str, Rule]:
    return {rule.id: rule for rule in load_rules().rules}


def measure(incident: Incident) -> Measure | None:
    """Return what was measured; None where a yes or no was, or where no rule measured it."""
    rule = _rules().get(incident.rule)
    if rule is None or incident.value is None or rule.mode is Mode.ABSENT or rule.when.operator == "==":
        return None
    unit = Unit.SECONDS if rule.mode is Mode.AGE else rule.unit
    opens, over = (f"{one.operator} {measured(one.threshold, unit)}" for one in (rule.when, rule.recover))
    return Measure(measured(incident.value, unit), opens, over)
