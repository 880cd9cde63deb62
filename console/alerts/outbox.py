"""The outbox: messages are queued with the transition that they tell, claimed, and closed with what became of them.

Every change is a compare and set, so that a process may die between any two statements.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from console.alerts.wording import message_from_json, message_to_json
from console.notifications.message import Delivery, Kind, Message, Outcome
from console.store.incidents import Notification, NotificationAttempt

LEASE = timedelta(seconds=90)  # a send takes 30 s at most
FIRST_WAIT_SECONDS = 5.0
LONGEST_WAIT_SECONDS = 600.0
GIVEN_UP_AFTER = timedelta(days=3)


class Stage(StrEnum):
    """Where a notification stands."""

    QUEUED = "queued"
    SENDING = "sending"
    DELIVERED = "delivered"
    REFUSED = "refused"
    DROPPED = "dropped"  # the recovery of a problem that this route refused: nobody there knows of it


UNFINISHED = (Stage.QUEUED, Stage.SENDING)


def queue(session: Session, message: Message, routes: Iterable[str], now: datetime) -> None:
    """Put the message into the outbox once for each route; the caller commits, together with what it tells."""
    for route in dict.fromkeys(routes):
        session.add(
            Notification(
                incident_id=message.incident_id,
                key=message.key,
                kind=message.kind.value,
                route=route,
                message=message_to_json(message),
                state=Stage.QUEUED.value,
                attempts=0,
                created_at=now,
                due_at=now,
            )
        )


def told_routes(session: Session, incident_id: int) -> list[str]:
    """Return the routes that were told of the incident's problem, or will be."""
    query = select(Notification.route).where(
        Notification.incident_id == incident_id,
        Notification.kind != Kind.RESOLVED.value,
        Notification.state != Stage.REFUSED.value,
    )
    return list(dict.fromkeys(session.scalars(query.order_by(Notification.id))))


def due(session: Session, route: str, now: datetime) -> list[Notification]:
    """Return what may be sent on a route now, oldest first; a message waits for the earlier ones of its incident."""
    query = select(Notification).where(Notification.route == route, Notification.state.in_(UNFINISHED))
    found: list[Notification] = []
    waiting: set[int] = set()
    for row in session.scalars(query.order_by(Notification.id)):
        free = row.state == Stage.QUEUED or (row.lease_until is not None and row.lease_until <= now)
        if free and row.due_at <= now and row.incident_id not in waiting:
            found.append(row)
        elif row.incident_id is not None:
            waiting.add(row.incident_id)
    return found


def claim(session: Session, rows: Iterable[Notification], lease: str, now: datetime) -> list[Message]:
    """Take the rows for one send and note the attempt; the caller commits before it sends.

    A row that somebody else took, or whose problem the route has refused, is left out.
    """
    messages = []
    for row in rows:
        taken = session.scalar(
            update(Notification)
            .where(
                Notification.id == row.id,
                Notification.attempts == row.attempts,
                Notification.state == row.state,
            )
            .values(state=_next(session, row), attempts=row.attempts + 1, lease=lease, lease_until=now + LEASE)
            .returning(Notification.state)
        )
        if taken == Stage.SENDING:
            session.add(NotificationAttempt(notification_id=row.id, started_at=now))
            messages.append(message_from_json(row.message))
        elif taken == Stage.DROPPED:
            session.execute(update(Notification).where(Notification.id == row.id).values(finished_at=now, lease=None))
    session.flush()
    return messages


def _next(session: Session, row: Notification) -> str:
    told = row.kind != Kind.RESOLVED or row.incident_id is None or row.route in told_routes(session, row.incident_id)
    return (Stage.SENDING if told else Stage.DROPPED).value


def close(session: Session, lease: str, delivery: Delivery, now: datetime) -> None:
    """Write what became of everything that was sent under ``lease``; the caller commits."""
    for row in session.scalars(select(Notification).where(Notification.lease == lease)).all():
        outcome = delivery.outcome
        if outcome is Outcome.RETRY and now - row.created_at > GIVEN_UP_AFTER:
            outcome = Outcome.REFUSED
        values: dict[str, object] = {"answer": delivery.answer, "lease": None, "lease_until": None}
        if outcome is Outcome.RETRY:
            values |= {"state": Stage.QUEUED.value, "due_at": now + _wait(row.attempts, delivery)}
        else:
            stage = Stage.DELIVERED if outcome is Outcome.DELIVERED else Stage.REFUSED
            values |= {"state": stage.value, "finished_at": now}
        session.execute(
            update(Notification).where(Notification.id == row.id, Notification.lease == lease).values(**values)
        )
        newest = select(func.max(NotificationAttempt.id)).where(NotificationAttempt.notification_id == row.id)
        session.execute(
            update(NotificationAttempt)
            .where(NotificationAttempt.id == newest.scalar_subquery())
            .values(finished_at=now, outcome=delivery.outcome.value, answer=delivery.answer)
        )


def free_orphans(session: Session) -> None:
    """Queue again what a process that no longer lives was sending.  Only the one worker may call it, at its start."""
    session.execute(
        update(Notification)
        .where(Notification.state == Stage.SENDING.value)
        .values(state=Stage.QUEUED.value, lease=None, lease_until=None)
    )


def close_unknown_routes(session: Session, routes: Sequence[str], now: datetime) -> None:
    """Refuse what waits on a route that the configuration no longer has."""
    session.execute(
        update(Notification)
        .where(Notification.state == Stage.QUEUED.value, Notification.route.not_in(routes))
        .values(state=Stage.REFUSED.value, finished_at=now, answer="the route no longer exists")
    )


def _wait(attempts: int, delivery: Delivery) -> timedelta:
    doubled = FIRST_WAIT_SECONDS * 2 ** min(attempts - 1, 10)
    return timedelta(seconds=max(delivery.retry_after_seconds or 0, min(doubled, LONGEST_WAIT_SECONDS)))
