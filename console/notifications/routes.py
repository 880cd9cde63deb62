"""The facility's routes: which want what, one attempt at a time and route, none waits for another."""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from console.notifications.limit import MOST, RateLimit
from console.notifications.message import Delivery, Message, Outcome, Route
from console.notifications.redaction import Redactor
from console.notifications.transport import Parcel, Transport
from console.rules.problem import Severity

logger = logging.getLogger(__name__)

DEADLINE_SECONDS = 30.0


@dataclass
class Attempt:
    """One attempt in a thread of its own; ``delivery`` is there when it has ended."""

    key: str
    ended: threading.Event = field(default_factory=threading.Event)
    delivery: Delivery | None = None


class Line:
    """One route in use: its transport, its rate limit and the attempt that may still be under way."""

    def __init__(self, route: Route, transport: Transport, redact: Redactor, clock: Callable[[], float]) -> None:
        self.route = route
        self.limit = RateLimit(clock)
        self._transport = transport
        self._redact = redact
        self._busy = threading.Lock()
        self._late: Attempt | None = None
        self._ended: dict[str, Delivery] = {}  # what became of late attempts that nobody has asked about yet

    def send(self, parcel: Parcel, deadline_seconds: float) -> Delivery:
        """Try once.  An attempt that hangs is left alone; until it has ended nothing else goes by this route."""
        with self._busy:
            if self._late is not None:
                if not self._late.ended.is_set():
                    return Delivery(Outcome.RETRY, "the attempt before this one still hangs", deadline_seconds)
                late, self._late = self._late, None
                if late.delivery is not None:
                    self._ended[late.key] = late.delivery
            if (delivery := self._ended.pop(parcel.key, None)) is not None:
                return delivery  # what had hung has ended after all: it must not be sent twice
            wait = self.limit.take()
            if wait > 0:
                return Delivery(Outcome.RETRY, f"held back: {MOST} messages a minute went this way", wait)
            attempt = Attempt(parcel.key)
            # A daemon: a provider that never answers must not keep the worker from ending.
            threading.Thread(target=self._try, args=(attempt, parcel), name=self.route.name, daemon=True).start()
            attempt.ended.wait(deadline_seconds)
            if attempt.delivery is None:
                self._late = attempt
                return Delivery(Outcome.RETRY, f"no end within {deadline_seconds:g} s")
            return attempt.delivery

    def _try(self, attempt: Attempt, parcel: Parcel) -> None:
        try:
            delivery = self._transport.send(parcel)
            attempt.delivery = Delivery(delivery.outcome, self._redact(delivery.answer), delivery.retry_after_seconds)
        except Exception as error:
            told = self._redact(f"{type(error).__name__}: {error}")
            logger.error("route %s: the attempt broke: %s", self.route.name, told)  # noqa: TRY400 — a trace has secrets
            attempt.delivery = Delivery(Outcome.RETRY, f"the attempt broke: {told}")
        finally:
            attempt.ended.set()


class FacilityRoutes:
    """``console.notifications.message.Routes`` over transports."""

    def __init__(
        self,
        transports: Mapping[Route, Transport],
        redact: Redactor,
        clock: Callable[[], float] = time.monotonic,
        deadline_seconds: float = DEADLINE_SECONDS,
    ) -> None:
        self._lines = {route.name: Line(route, transport, redact, clock) for route, transport in transports.items()}
        self._deadline_seconds = deadline_seconds

    def all(self) -> tuple[Route, ...]:
        """Return every route."""
        return tuple(line.route for line in self._lines.values())

    def for_severity(self, severity: Severity) -> tuple[Route, ...]:
        """Return the routes that want incidents of ``severity``."""
        return tuple(route for route in self.all() if severity in route.severities)

    def room(self, route_name: str) -> int:
        """Return how many sends the rate limit leaves; a route that no longer exists has room to refuse."""
        with suppress(KeyError):
            return self._lines[route_name].limit.room()
        return MOST

    def send(self, route_name: str, message: Message, *held: Message) -> Delivery:
        """Try once, for ``deadline_seconds`` at most."""
        line = self._lines.get(route_name)
        if line is None:
            return Delivery(Outcome.REFUSED, f"the facility no longer has a route {route_name}")
        messages = (message, *held)
        return line.send(Parcel("+".join(one.key for one in messages), messages), self._deadline_seconds)
