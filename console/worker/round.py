"""One round over all hosts: fetch side by side, write each host as soon as it has answered."""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session, sessionmaker

from console.audit.log import utc_now
from console.config import ConsoleConfig, ManagedHost
from console.history import Writer
from console.power.ingest import PowerIngest
from console.problems import Problem, Severity
from console.rules.hosts import host_problems
from console.store.hosts import HostLatest, HostState, State
from console.worker.digest import Counters, Digest, digest
from console.worker.exposition import PageError, PageParser, Samples
from console.worker.fetch import ErrorCode, Fetcher, FetchError
from console.worker.series import points
from console.worker.state import Standing, step, wanted_state

logger = logging.getLogger(__name__)

MOST_AT_ONCE = 32


@dataclass(frozen=True)
class Scrape:
    """One attempt on one host: a page or an error.  ``started`` on the monotonic clock."""

    host: ManagedHost
    at: datetime
    started: float
    seconds: float
    page: bytes = b""
    error: FetchError | None = None


Judge = Callable[[str, Samples | None, datetime], None]
"""Takes the samples of a host that has answered, or None of one that has not."""


def no_judge(_host: str, _samples: Samples | None, _at: datetime) -> None:
    """Judge nothing."""


class Round:
    """Scrapes all hosts, or one at once.  Keeps the parsers' memory and the counters for rates between scrapes."""

    def __init__(
        self, config: ConsoleConfig, fetcher: Fetcher, sessions: sessionmaker[Session], judge: Judge = no_judge
    ) -> None:
        self._config = config
        self._fetcher = fetcher
        self._sessions = sessions
        self._judge = judge
        self._writer = Writer()
        self._power = PowerIngest(self._writer)
        self._parsers: dict[str, PageParser] = {}
        self._counters: dict[str, Counters] = {}
        self._newest: dict[str, float] = {}
        self._lock = threading.Lock()  # one scrape is recorded at a time
        workers = max(1, min(MOST_AT_ONCE, len(config.hosts)))
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="scrape")

    def close(self) -> None:
        """End the threads; waits for the requests at hand, which end by their deadline."""
        self._pool.shutdown()

    def run(self) -> bool:
        """Scrape every host once; return whether the state of any has changed."""
        futures = [self._pool.submit(self._scrape, host) for host in self._config.hosts]
        moved = [self._take_one(future.result()) for future in as_completed(futures)]
        return any(moved)

    def scrape_now(self, host: ManagedHost) -> bool:
        """Scrape one host in the caller's thread: something has happened there.  Return as ``run`` does."""
        return self._take(self._scrape(host))

    def _scrape(self, host: ManagedHost) -> Scrape:
        start = time.monotonic()
        try:
            page = self._fetcher.get(host, "/metrics")
        except FetchError as error:
            return Scrape(host, utc_now(), start, time.monotonic() - start, error=error)
        return Scrape(host, utc_now(), start, time.monotonic() - start, page=page)

    def _take_one(self, scrape: Scrape) -> bool:
        try:
            return self._take(scrape)
        except Exception:  # one host's trouble must not hide the others
            logger.exception("host %s: its scrape could not be taken in", scrape.host.name)
            return False

    def _take(self, scrape: Scrape) -> bool:
        """Record a scrape, then judge it; one that began before the newest of its host is late and left out."""
        name = scrape.host.name
        with self._lock:
            if scrape.started < self._newest.get(name, 0):
                return False
            self._newest[name] = scrape.started
            try:
                digested, samples = self._digest(scrape)
            except FetchError as error:
                with self._sessions.begin() as session:
                    moved = self._failed(host_row(session, scrape.host, scrape.at), scrape, error)
                self._judge(name, None, scrape.at)
                return moved
            try:
                with self._sessions.begin() as session:
                    return self._record(session, scrape, digested, samples)
            except Exception:
                self._writer.forget()
                raise
            finally:  # what could not be kept must not keep an alert from being raised
                self._judge(name, samples, scrape.at)

    def _record(self, session: Session, scrape: Scrape, digested: Digest, samples: Samples) -> bool:
        row = host_row(session, scrape.host, scrape.at)
        snapshot = digested.snapshot
        zone = self._config.facility.zone
        found = list(host_problems(row.name, snapshot, scrape.at, zone))
        row.last_attempt = row.last_seen = scrape.at
        row.error_code = row.last_error = row.failing_since = None
        row.scrape_seconds = scrape.seconds
        row.agent_version = digested.agent_version or row.agent_version
        row.reasons = list(reasons(row, found, scrape.at))
        moved = self._move(
            row, wanted_state(None, None, scrape.at, worst(found), self._config.scrape_interval_seconds), scrape.at
        )
        session.merge(HostLatest(host=row.name, at=scrape.at, snapshot=snapshot.to_json()))
        values = [(one.name, one.label, one.value) for one in points(snapshot, scrape.seconds)]
        self._writer.write(session, row.name, scrape.at, values)
        self._power.take_in(session, row.name, samples, scrape.at)
        return moved

    def _digest(self, scrape: Scrape) -> tuple[Digest, Samples]:
        if scrape.error is not None:
            raise scrape.error
        name = scrape.host.name
        try:
            samples = self._parsers.setdefault(name, PageParser()).parse(scrape.page.decode("utf-8"))
        except (PageError, UnicodeDecodeError) as error:
            raise FetchError(ErrorCode.BAD_ANSWER, str(error)) from error
        digested = digest(samples, scrape.at.timestamp(), self._counters.get(name))
        self._counters[name] = digested.counters
        return digested, samples

    def _failed(self, row: HostState, scrape: Scrape, error: FetchError) -> bool:
        row.last_attempt = scrape.at
        row.failing_since = row.failing_since or scrape.at
        row.error_code = error.code.value
        row.last_error = error.detail
        interval = self._config.scrape_interval_seconds
        return self._move(row, wanted_state(error.code, row.failing_since, scrape.at, State.OK, interval), scrape.at)

    @staticmethod
    def _move(row: HostState, wanted: State, now: datetime) -> bool:
        candidate = State(row.candidate) if row.candidate else None
        before = Standing(State(row.state), row.since, candidate, row.candidate_count)
        after = step(before, wanted, now)
        if after.state is not before.state:
            logger.info("host %s: %s -> %s (%s)", row.name, before.state, after.state, row.error_code or "values")
        row.state, row.since = after.state.value, after.since
        row.candidate = after.candidate.value if after.candidate else None
        row.candidate_count = after.candidate_count
        return after.state is not before.state


def host_row(session: Session, host: ManagedHost, now: datetime) -> HostState:
    """Return the host's row, made or brought in line with the configuration."""
    row = session.get(HostState, host.name)
    if row is None:
        row = HostState(
            name=host.name, first_seen=now, since=now, state=State.UNKNOWN.value, reasons=[], candidate_count=0
        )
        session.add(row)
    row.address, row.groups, row.zone = host.address, list(host.groups), host.zone
    return row


def worst(problems: Sequence[Problem]) -> State:
    """Return the state that a good scrape with these problems asks for."""
    if any(one.severity is Severity.CRIT for one in problems):
        return State.CRIT
    return State.WARN if problems else State.OK


def reasons(row: HostState, problems: Sequence[Problem], now: datetime) -> Iterator[dict[str, str]]:
    """Yield each problem's kind and object with the time since when it has been seen without a break."""
    known = {(reason["kind"], reason["object"]): reason["since"] for reason in row.reasons}
    for one in problems:
        since = known.get((one.kind, one.object)) or now.isoformat()
        yield {"kind": one.kind, "object": one.object, "since": since}
