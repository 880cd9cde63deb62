"""One round over all hosts: fetch side by side, write each host as soon as it has answered."""

import logging
import time
from collections.abc import Iterator, Sequence
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
    """One attempt on one host: a page or an error."""

    host: ManagedHost
    at: datetime
    seconds: float
    page: bytes = b""
    error: FetchError | None = None


class Round:
    """Scrapes all hosts.  Keeps the parsers' memory and the counters for rates between rounds."""

    def __init__(self, config: ConsoleConfig, fetcher: Fetcher, sessions: sessionmaker[Session]) -> None:
        self._config = config
        self._fetcher = fetcher
        self._sessions = sessions
        self._writer = Writer()
        self._power = PowerIngest(self._writer)
        self._parsers: dict[str, PageParser] = {}
        self._counters: dict[str, Counters] = {}
        workers = max(1, min(MOST_AT_ONCE, len(config.hosts)))
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="scrape")

    def close(self) -> None:
        """End the threads; waits for the requests at hand, which end by their deadline."""
        self._pool.shutdown()

    def run(self) -> None:
        """Scrape every host once."""
        futures = [self._pool.submit(self._scrape, host) for host in self._config.hosts]
        for future in as_completed(futures):
            scrape = future.result()
            try:
                with self._sessions.begin() as session:
                    self._record(session, scrape)
            except Exception:
                self._writer.forget()
                raise

    def _scrape(self, host: ManagedHost) -> Scrape:
        start = time.monotonic()
        try:
            page = self._fetcher.get(host, "/metrics")
        except FetchError as error:
            return Scrape(host, utc_now(), time.monotonic() - start, error=error)
        return Scrape(host, utc_now(), time.monotonic() - start, page=page)

    def _record(self, session: Session, scrape: Scrape) -> None:
        row = host_row(session, scrape.host, scrape.at)
        try:
            digested, samples = self._digest(scrape)
        except FetchError as error:
            self._failed(row, scrape, error)
            return
        snapshot = digested.snapshot
        zone = self._config.facility.zone
        found = list(host_problems(row.name, snapshot, scrape.at, zone))
        row.last_attempt = row.last_seen = scrape.at
        row.error_code = row.last_error = row.failing_since = None
        row.scrape_seconds = scrape.seconds
        row.agent_version = digested.agent_version or row.agent_version
        row.reasons = list(reasons(row, found, scrape.at))
        self._move(
            row, wanted_state(None, None, scrape.at, worst(found), self._config.scrape_interval_seconds), scrape.at
        )
        session.merge(HostLatest(host=row.name, at=scrape.at, snapshot=snapshot.to_json()))
        values = [(one.name, one.label, one.value) for one in points(snapshot, scrape.seconds)]
        self._writer.write(session, row.name, scrape.at, values)
        self._power.take_in(session, row.name, samples, scrape.at)

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

    def _failed(self, row: HostState, scrape: Scrape, error: FetchError) -> None:
        row.last_attempt = scrape.at
        row.failing_since = row.failing_since or scrape.at
        row.error_code = error.code.value
        row.last_error = error.detail
        interval = self._config.scrape_interval_seconds
        self._move(row, wanted_state(error.code, row.failing_since, scrape.at, State.OK, interval), scrape.at)

    @staticmethod
    def _move(row: HostState, wanted: State, now: datetime) -> None:
        candidate = State(row.candidate) if row.candidate else None
        before = Standing(State(row.state), row.since, candidate, row.candidate_count)
        after = step(before, wanted, now)
        if after.state is not before.state:
            logger.info("host %s: %s -> %s (%s)", row.name, before.state, after.state, row.error_code or "values")
        row.state, row.since = after.state.value, after.since
        row.candidate = after.candidate.value if after.candidate else None
        row.candidate_count = after.candidate_count


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
