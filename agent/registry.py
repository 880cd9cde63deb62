"""Collectors, each on its own schedule, with its own time-out and its last good values.

Every collector has one thread of its own, so a hung one (a dead NFS server, a stuck driver) costs that thread
and nothing else: no second run starts beside it and no scrape waits for it.
"""

import logging
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from prometheus_client import generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector as FamilySource

logger = logging.getLogger(__name__)

PATIENCE_SECONDS = 2.0
"""How long a scrape waits for the runs that it started itself, all together: a busy host's values are wanted most."""

KEPT_INTERVALS = 3
"""After this many intervals without a good run, a collector's values are no longer shown."""


class Collector(Protocol):
    """One source of metric families.

    ``interval_seconds`` 0 means "at each scrape": for sources that answer from the kernel's memory.  Any other
    is run in the background, so that a scrape never waits for it.  ``collect`` raises when it has no values;
    a run longer than ``timeout_seconds`` counts as failed.  No two collectors give the same family.
    """

    @property
    def name(self) -> str: ...
    @property
    def interval_seconds(self) -> float: ...
    @property
    def timeout_seconds(self) -> float: ...
    def collect(self) -> Iterable[Metric]: ...


class _Families(FamilySource):
    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def render(families: Iterable[Metric]) -> bytes:
    """Return the families in Prometheus text format 0.0.4."""
    return generate_latest(_Families(families))


@dataclass(frozen=True)
class State:
    """How a collector stands: ``text`` is its last good values, empty when it has none or they are too old."""

    name: str
    success: bool
    duration_seconds: float | None
    last_run: float | None
    text: bytes


@dataclass(frozen=True)
class _Good:
    text: bytes
    finished_monotonic: float
    finished_unix: float


class Runner:
    """Runs one collector in one thread: every interval, or when a scrape asks."""

    def __init__(self, collector: Collector) -> None:
        self.collector = collector
        self._condition = threading.Condition()
        self._asked_at: float | None = None
        self._runs = 0
        self._success = False
        self._duration_seconds: float | None = None
        self._good: _Good | None = None
        self._problem: str | None = None
        self._stopping = False
        self._thread = threading.Thread(target=self._loop, name=f"collect-{collector.name}", daemon=True)

    @property
    def at_scrape(self) -> bool:
        return self.collector.interval_seconds == 0

    def start(self) -> None:
        self.ask()
        self._thread.start()

    def stop(self) -> None:
        with self._condition:
            self._stopping = True
            self._condition.notify_all()

    def ask(self) -> int:
        """Ask for a run, unless one is under way; returns the number that ``wait`` wants."""
        with self._condition:
            if self._asked_at is None:
                self._asked_at = time.monotonic()
                self._condition.notify_all()
            return self._runs + 1

    def wait(self, run: int, patience_seconds: float, deadline: float) -> None:
        """Wait until ``run`` is finished, at most ``patience_seconds`` after it was asked for, and until ``deadline``.

        So a run that hangs costs one wait, and none of the later ones.
        """
        with self._condition:
            if self._runs < run and self._asked_at is not None:
                remaining = min(self._asked_at + patience_seconds, deadline) - time.monotonic()
                if remaining > 0:
                    self._condition.wait_for(lambda: self._runs >= run, remaining)

    def state(self) -> State:
        """Return how the collector stands now."""
        now, collector = time.monotonic(), self.collector
        with self._condition:
            hung = self._asked_at is not None and now - self._asked_at > collector.timeout_seconds
            good = self._good
            limit = KEPT_INTERVALS * collector.interval_seconds + collector.timeout_seconds
            shown = good is not None and now - good.finished_monotonic <= limit
            return State(
                name=collector.name,
                success=self._success and not hung,
                duration_seconds=self._duration_seconds,
                last_run=good.finished_unix if good else None,
                text=good.text if good and shown else b"",
            )

    def _loop(self) -> None:
        while True:
            with self._condition:
                pause = self.collector.interval_seconds or None
                self._condition.wait_for(lambda: self._stopping or self._asked_at is not None, pause)
                if self._stopping:
                    return
                if self._asked_at is None:
                    self._asked_at = time.monotonic()
            self._run()

    def _run(self) -> None:
        started = time.monotonic()
        try:
            text = render(self.collector.collect())
            problem = None
        except Exception as error:
            text, problem = b"", f"{type(error).__name__}: {error}"
        finished = time.monotonic()
        if problem is None and finished - started > self.collector.timeout_seconds:
            problem = f"took {finished - started:.1f} s, more than {self.collector.timeout_seconds:g} s"
        if problem != self._problem:
            logger.warning("collector %s: %s", self.collector.name, problem or "works again")
        with self._condition:
            self._problem = problem
            self._success = problem is None
            self._duration_seconds = finished - started
            if text:
                self._good = _Good(text, finished, time.time())
            self._asked_at = None
            self._runs += 1
            self._condition.notify_all()


class Registry:
    """All collectors of one agent; ``scrape`` gives the page."""

    def __init__(self, collectors: Sequence[Collector], patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._runners = [Runner(collector) for collector in collectors]
        self._patience_seconds = patience_seconds

    def start(self) -> None:
        """Start every collector's thread and its first run."""
        for runner in self._runners:
            runner.start()

    def stop(self) -> None:
        """Ask every thread to end after the run at hand; hung ones die with the process."""
        for runner in self._runners:
            runner.stop()

    def settle(self, patience_seconds: float) -> None:
        """Wait until every collector has finished a run, at most ``patience_seconds``."""
        deadline = time.monotonic() + patience_seconds
        for runner in self._runners:
            runner.wait(1, patience_seconds, deadline)

    def scrape(self) -> bytes:
        """Return the page: every collector's last good values, then how the collectors stand."""
        deadline = time.monotonic() + self._patience_seconds
        for runner in self._runners:
            if runner.at_scrape:  # one after the other: together they would only fight for the interpreter's lock
                runner.wait(runner.ask(), self._patience_seconds, deadline)
        states = [runner.state() for runner in self._runners]
        return b"".join(state.text for state in states) + render(_report(states))


def _report(states: Sequence[State]) -> Iterable[Metric]:
    success = GaugeMetricFamily(
        "xinglin_collector_success", "1 if the collector's last run was good and none hangs.", labels=["collector"]
    )
    duration = GaugeMetricFamily(
        "xinglin_collector_duration_seconds", "Duration of the collector's last finished run.", labels=["collector"]
    )
    last_run = GaugeMetricFamily(
        "xinglin_collector_last_run_timestamp_seconds",
        "Unix time of the collector's last good run: the age of its values.",
        labels=["collector"],
    )
    for state in states:
        success.add_metric([state.name], state.success)
        if state.duration_seconds is not None:
            duration.add_metric([state.name], state.duration_seconds)
        if state.last_run is not None:
            last_run.add_metric([state.name], state.last_run)
    return success, duration, last_run
