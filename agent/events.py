"""The journal: what happened to power and devices, for whoever waits for it.

A ring in memory.  Its stream's id changes with the process, so that a reader sees when its numbers no longer count.
"""

import secrets
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

SCHEMA = 1
RING = 512
LOOK_SECONDS = 0.5
"""How often a waiting reader is looked after: whether it is still there."""


@dataclass(frozen=True)
class Event:
    """One change.  ``at`` is UTC with Z; ``source`` is trap, nut, snmp, probe or power."""

    seq: int
    at: str
    device: str
    source: str
    code: str
    detail: str


@dataclass(frozen=True)
class Answer:
    """What a reader gets: the events after its number, oldest first; ``last`` is the number to ask with next."""

    stream: str
    last: int
    events: tuple[Event, ...]

    def document(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        events = [asdict(event) for event in self.events]
        return {"schema": SCHEMA, "stream": self.stream, "last": self.last, "events": events}


class Journal:
    """Collects events from any thread; any number of readers wait for them."""

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._stream = secrets.token_hex(8)
        self._now = now
        self._condition = threading.Condition()
        self._ring: deque[Event] = deque(maxlen=RING)
        self._last = 0
        self._closed = False

    def add(self, device: str, source: str, code: str, detail: str = "") -> None:
        """Append an event and wake every reader."""
        at = self._now().astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        with self._condition:
            self._last += 1
            self._ring.append(Event(self._last, at, device, source, code, detail))
            self._condition.notify_all()

    def close(self) -> None:
        """Let every reader go with what it has; later ones do not wait."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()

    def wait(
        self, after: int, stream: str = "", seconds: float = 0, gone: Callable[[], bool] = lambda: False
    ) -> Answer:
        """Return the events after number ``after``; wait for one at most ``seconds``, or until the reader is ``gone``.

        At once, and with all that the ring still holds, when ``stream`` is another one or ``after`` is a number yet
        to come: the reader's numbers are of a process that has ended.
        """
        deadline = time.monotonic() + seconds
        with self._condition:
            if (stream and stream != self._stream) or after > self._last:
                return self._answer(0)
            while self._last <= after and not self._closed:
                remaining = deadline - time.monotonic()
                if remaining <= 0 or gone():
                    break
                self._condition.wait(min(remaining, LOOK_SECONDS))
            return self._answer(after)

    def _answer(self, after: int) -> Answer:
        return Answer(self._stream, self._last, tuple(event for event in self._ring if event.seq > after))
