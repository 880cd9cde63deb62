"""One device's own clock: when it is polled, how long that may take, and how it stands."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from agent.polling import PollError, Standing, Trouble
from agent.ups.reading import Flag, UpsReading

logger = logging.getLogger(__name__)

ALERT_SECONDS = 5.0
"""How often a UPS on battery is polled: what is left of the battery counts now."""

ALERT_FLAGS = frozenset({Flag.ON_BATTERY, Flag.ON_BATTERY_UNCONFIRMED})
SHORTEST_LIMIT_SECONDS = 10.0
"""A silent device takes eight seconds to be called so, also where the interval is shorter."""

PAUSE_SECONDS = 0.5
"""Between two polls of a device at least: traps force polls, but not a storm of them."""

SLACK_SECONDS = 5.0


@dataclass(frozen=True)
class Watch:
    """What is polled: ``poll`` gives a reading or raises PollError."""

    name: str
    kind: str
    source: str  # snmp | probe
    interval_seconds: float
    poll: Callable[[], Awaitable[Any]]

    @property
    def limit_seconds(self) -> float:
        """How long one poll may take."""
        return max(self.interval_seconds, SHORTEST_LIMIT_SECONDS)


class Schedule:
    """Polls one device, never twice at a time.  ``polled`` is called in the loop after each poll.

    All durations are the loop's monotonic time; only what is shown to people is the wall clock's.
    """

    def __init__(self, watch: Watch, phase_seconds: float, polled: Callable[[Standing[Any]], None]) -> None:
        self.watch = watch
        self.duration_seconds: float | None = None
        self._phase_seconds = phase_seconds
        self._polled = polled
        self._standing: Standing[Any] = Standing(watch.name, watch.kind, watch.source)
        self._polled_at = time.monotonic()
        self._alert = False
        self._due = asyncio.Event()

    def hurry(self) -> None:
        """Poll now; when a poll is under way, once more after it: it may have asked before what changed."""
        self._due.set()

    def standing(self) -> Standing[Any]:
        """Return how the device stands; from any thread.  A reading that no poll has replaced in time is not shown."""
        standing, watch = self._standing, self.watch
        age_seconds = time.monotonic() - self._polled_at
        if standing.reading is None or age_seconds <= watch.interval_seconds + watch.limit_seconds + SLACK_SECONDS:
            return standing
        detail = f"no poll came to its end for {age_seconds:.0f} s"
        since = (standing.read_at or 0.0) + watch.interval_seconds
        return replace(
            standing, reading=None, read_at=None, trouble=Trouble.TOO_SLOW, detail=detail, failing_since=since
        )

    async def run(self, first_seconds: float) -> None:
        """Poll for ever, first after ``first_seconds``, then in the device's own phase of the interval."""
        start = asyncio.get_running_loop().time()
        await asyncio.sleep(first_seconds)
        while True:
            self._due.clear()
            await self._poll()
            with suppress(TimeoutError):  # not wait_for: until Python 3.12 it loses a cancellation that meets a hurry
                async with asyncio.timeout(self._pause(start)):
                    await self._due.wait()
            await asyncio.sleep(self._polled_at + PAUSE_SECONDS - time.monotonic())

    def _pause(self, start: float) -> float:
        interval = self.watch.interval_seconds
        since_due = (asyncio.get_running_loop().time() - start - self._phase_seconds) % interval
        return min(interval - since_due, ALERT_SECONDS) if self._alert else interval - since_due

    async def _poll(self) -> None:
        began = time.monotonic()
        try:
            async with asyncio.timeout(self.watch.limit_seconds) as limit:
                reading = await self.watch.poll()
        except PollError as error:
            self._failed(error.trouble, error.detail)
        except Exception as error:
            if limit.expired():
                self._failed(Trouble.TOO_SLOW, f"polling it takes longer than {self.watch.limit_seconds:g} s")
            else:  # a mistake of ours, or an answer that no reader was made for: this device's trouble only
                logger.exception("polling %s failed", self.watch.name)
                self._failed(Trouble.BAD_ANSWER, f"{type(error).__name__}: {error}")
        else:
            self._read(reading)
        self._polled_at = time.monotonic()
        self.duration_seconds = self._polled_at - began
        self._polled(self._standing)

    def _read(self, reading: object) -> None:
        watch = self.watch
        if self._standing.trouble not in {None, Trouble.NOT_STARTED}:
            logger.warning("%s %s: answers again", watch.source, watch.name)
        self._alert = isinstance(reading, UpsReading) and bool(reading.flags & ALERT_FLAGS)
        self._standing = Standing(watch.name, watch.kind, watch.source, reading, time.time(), None)

    def _failed(self, trouble: Trouble, detail: str) -> None:
        """A UPS that was on battery stays on the short interval: it is watched for its return."""
        watch, before = self.watch, self._standing
        if before.trouble is not trouble:
            logger.warning("%s %s: %s: %s", watch.source, watch.name, trouble, detail)
        since = before.failing_since if before.failing_since is not None else time.time()
        self._standing = Standing(watch.name, watch.kind, watch.source, None, None, trouble, detail, since)
