"""A message that does not arrive is an incident itself, told on the other routes."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from console.alerts.machine import Sight, Timing
from console.alerts.outbox import UNFINISHED, Stage
from console.alerts.rule import fingerprint
from console.alerts.signal import Look, Signal
from console.explanation import explanation
from console.rules.problem import Severity
from console.store.incidents import Notification

RULE = "notification_undelivered"
LATE = timedelta(minutes=5)
TIMING = Timing()
TEXTS = explanation(
    "Notifications on the route {object} do not arrive",
    "The newest message on the route {object} was not delivered: {answer}. Who relies on this route does not hear of "
    "problems.",
    "Tell the people on duty by telephone. Look at the incident's attempts, check the route's address and key in the "
    "facility and the way to the internet, then: xinglin provision --tags console",
)


def look_at_deliveries(session: Session, routes: Iterable[str], now: datetime) -> Iterator[Look]:
    """Yield a look at each route: did its newest finished message arrive, and does none wait for long?"""
    for route in routes:
        on_route = select(Notification).where(Notification.route == route)
        newest = session.scalar(
            on_route.where(Notification.state.in_((Stage.DELIVERED, Stage.REFUSED)))
            .order_by(Notification.finished_at.desc(), Notification.id.desc())
            .limit(1)
        )
        late = session.scalar(
            on_route.where(
                Notification.state.in_(UNFINISHED), Notification.attempts > 0, Notification.created_at < now - LATE
            ).limit(1)
        )
        refused = newest if newest is not None and newest.state == Stage.REFUSED else None
        labels = {"route": route}
        if (stuck := refused or late) is None:
            yield Look(fingerprint(RULE, labels), Sight.FALSE, TIMING)
            continue
        signal = Signal(
            fingerprint=fingerprint(RULE, labels),
            rule=RULE,
            target=route,
            host=None,
            labels=labels,
            severity=Severity.CRIT,
            texts=TEXTS,
            values={"object": route, "answer": stuck.answer or "-"},
        )
        yield Look(signal.fingerprint, Sight.TRUE, TIMING, signal)
