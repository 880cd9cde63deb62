"""Send what is in the outbox: one thread a route, so that a slow provider holds up nobody else."""

import logging
import secrets
import threading
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session, sessionmaker

from console.alerts import outbox
from console.notifications.message import Delivery, Message, Outcome, Routes
from console.rules.problem import Severity
from console.store.database import durable
from console.store.incidents import Notification

logger = logging.getLogger(__name__)

LOOK_AGAIN_SECONDS = 2.0  # what another process queued (a person's act), and what is due again


@dataclass(frozen=True)
class Sender:
    """Claims, sends and closes.  ``refused`` is called after a provider has refused something for good."""

    sessions: sessionmaker[Session]
    routes: Routes
    clock: Callable[[], datetime]
    refused: Callable[[], None]

    def send_due(self, route: str) -> int:
        """Send what is due on a route now; return how many messages were tried.

        Beyond what the route's rate limit has room for, the rest goes together in one summary.
        """
        tried = 0
        room = self.routes.room(route)
        while room > 0:
            with self.sessions() as session:
                rows = outbox.due(session, route, self.clock())
            if not rows:
                break
            tried += self._send(route, rows if room == 1 else rows[:1])
            room -= 1
        return tried

    def _send(self, route: str, rows: Sequence[Notification]) -> int:
        lease = secrets.token_hex(8)
        with durable(self.sessions) as session:
            messages = outbox.claim(session, rows, lease, self.clock())
        if not messages:
            return 0
        delivery = self._deliver(route, messages)
        with durable(self.sessions) as session:
            outbox.close(session, lease, delivery, self.clock())
        keys = ", ".join(message.key for message in messages)
        logger.info("route %s: %s: %s (%s)", route, delivery.outcome, keys, delivery.answer)
        if delivery.outcome is Outcome.REFUSED:
            self.refused()
        return len(messages)

    def _deliver(self, route: str, messages: Sequence[Message]) -> Delivery:
        try:
            return self.routes.send(route, *messages)
        except Exception as error:  # a mistake in a transport must not lose the message
            broken = f"the transport failed: {type(error).__name__}"  # its own words may hold the route's secret
            place = traceback.extract_tb(error.__traceback__)[-1]
            logger.error("route %s: %s at %s:%s", route, broken, place.filename, place.lineno)  # noqa: TRY400
            return Delivery(Outcome.RETRY, broken)


class Senders:
    """The sender's threads: one for each route."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender
        self._stop = threading.Event()
        names = sorted({route.name for severity in Severity for route in sender.routes.for_severity(severity)})
        self._wakes = {name: threading.Event() for name in names}
        self._threads = [
            threading.Thread(target=self._run, args=(name,), name=f"send-{name}", daemon=True) for name in names
        ]

    def start(self) -> None:
        """Free what a dead process was sending, and begin."""
        with durable(self._sender.sessions) as session:
            outbox.free_orphans(session)
            outbox.close_unknown_routes(session, tuple(self._wakes), self._sender.clock())
        for thread in self._threads:
            thread.start()

    def wake(self) -> None:
        """Look into the outbox at once."""
        for event in self._wakes.values():
            event.set()

    def close(self) -> None:
        """End the threads; waits for the messages at hand."""
        self._stop.set()
        self.wake()
        for thread in self._threads:
            thread.join()

    def _run(self, route: str) -> None:
        wake = self._wakes[route]
        while not self._stop.is_set():
            wake.clear()
            try:
                self._sender.send_due(route)
            except Exception:
                logger.exception("route %s: sending failed; it is tried again", route)
            wake.wait(LOOK_AGAIN_SECONDS)
