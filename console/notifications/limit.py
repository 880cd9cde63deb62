"""How many messages a route may carry: robots of chat groups are shut off when they talk too much."""

import threading
from collections import deque
from collections.abc import Callable

# WeCom and DingTalk both allow 20 messages a minute and robot.
MOST, PER_SECONDS = 20, 60.0


class RateLimit:
    """A sliding window.  ``clock`` gives seconds that never go back."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._sent: deque[float] = deque()
        self._lock = threading.Lock()

    def room(self) -> int:
        """Return how many sends the window leaves now."""
        with self._lock:
            self._forget()
            return MOST - len(self._sent)

    def take(self) -> float:
        """Use one send and return 0, or return the seconds until the next one is free."""
        with self._lock:
            self._forget()
            if len(self._sent) >= MOST:
                return self._sent[0] + PER_SECONDS - self._clock()
            self._sent.append(self._clock())
            return 0.0

    def _forget(self) -> None:
        while self._sent and self._sent[0] <= self._clock() - PER_SECONDS:
            self._sent.popleft()
