"""Polls every device in one event loop in one thread, each on its own clock."""

import asyncio
import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any, Protocol

from agent.events import Journal
from agent.polling import Standing
from agent.snmp.changes import Changes
from agent.snmp.schedule import Schedule, Watch

logger = logging.getLogger(__name__)

FIRST_GAP_SECONDS = 0.05
"""Between the first polls: all soon after the start, and yet not all at once."""

STOP_SECONDS = 10.0


class Source(Protocol):
    """Something that gives devices to poll, such as all SNMP devices with their engine."""

    async def open(self, hurry: Callable[[str], None]) -> Sequence[Watch]:
        """Begin inside the loop; ``hurry`` polls a device by its name at once."""
        ...

    def close(self) -> None:
        """End, inside the loop."""
        ...


class Poller:
    """Runs from ``start`` to ``stop``; everything else may be called from any thread, and never waits."""

    def __init__(self, sources: Iterable[Source], journal: Journal) -> None:
        self._sources = tuple(sources)
        self._journal = journal
        self._schedules: dict[str, Schedule] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = asyncio.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="poller", daemon=True)

    def start(self) -> None:
        """Begin to poll."""
        self._thread.start()

    def stop(self) -> None:
        """End; polls under way are given up."""
        self._stopping = True  # seen by a thread that has no loop yet
        if self._loop is not None:
            with suppress(RuntimeError):  # its loop is closed: it has ended by itself
                self._loop.call_soon_threadsafe(self._stop.set)
        if self._thread.is_alive():
            self._thread.join(STOP_SECONDS)

    def standings(self) -> tuple[Standing[Any], ...]:
        """Return how every device stands now."""
        return tuple(schedule.standing() for schedule in self._schedules.values())

    def durations(self) -> dict[str, float]:
        """Return how many seconds each SNMP device's last poll took."""
        return {
            name: schedule.duration_seconds
            for name, schedule in self._schedules.items()
            if schedule.watch.source == "snmp" and schedule.duration_seconds is not None
        }

    def _run(self) -> None:
        try:
            asyncio.run(self._main())
        except Exception:
            logger.exception("the poller ended; what it read is no longer shown")

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        if self._stopping:
            self._stop.set()
        watches = [watch for source in self._sources for watch in await source.open(self._hurry)]
        try:
            self._schedules = {
                watch.name: Schedule(watch, watch.interval_seconds * number / len(watches), self._told(Changes()))
                for number, watch in enumerate(watches)
            }
            async with asyncio.TaskGroup() as group:
                schedules = self._schedules.values()
                tasks = [
                    group.create_task(each.run(number * FIRST_GAP_SECONDS)) for number, each in enumerate(schedules)
                ]
                await self._stop.wait()
                for task in tasks:
                    task.cancel()
        finally:
            for source in self._sources:
                source.close()

    def _hurry(self, name: str) -> None:
        schedule = self._schedules.get(name)
        if schedule is not None:
            schedule.hurry()

    def _told(self, changes: Changes) -> Callable[[Standing[Any]], None]:
        def polled(standing: Standing[Any]) -> None:
            try:
                for code, detail in changes.events(standing):
                    self._journal.add(standing.name, standing.source, code, detail)
            except Exception:  # a mistake of ours about one device must not end the polls of all
                logger.exception("what changed on %s is not told", standing.name)

        return polled
