"""Fetch every agent's facts, side by side, and take in what changed."""

import hashlib
import json
import logging
from concurrent.futures import ThreadPoolExecutor, as_completed
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session, sessionmaker

from console.audit.log import utc_now
from console.config import ConsoleConfig, ManagedHost
from console.power.ingest import ingest_power
from console.store.hosts import HostState
from console.worker.backups import ingest_backups
from console.worker.fetch import Fetcher, FetchError
from console.worker.ingest import FactsError, assess, ingest_facts, read_answer

logger = logging.getLogger(__name__)

DEADLINE_SECONDS = 20.0
MOST_AT_ONCE = 8
# Verdicts depend on the age of the facts, so they are renewed even when the facts stay the same.
JUDGE_AGAIN = timedelta(minutes=30)


class FactsRound:
    """Fetches ``/facts`` of all hosts; remembers what it has already taken in."""

    def __init__(self, config: ConsoleConfig, fetcher: Fetcher, sessions: sessionmaker[Session]) -> None:
        self._config = config
        self._fetcher = fetcher
        self._sessions = sessions
        self._seen: dict[tuple[str, str], str] = {}
        self._judged: dict[str, datetime] = {}
        workers = max(1, min(MOST_AT_ONCE, len(config.hosts)))
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="facts")

    def close(self) -> None:
        """End the threads; waits for the requests at hand."""
        self._pool.shutdown()

    def run(self) -> None:
        """Fetch and take in every host once; a host that does not answer is the scrape's business to tell."""
        futures = {
            self._pool.submit(self._fetcher.get, host, "/facts", DEADLINE_SECONDS): host for host in self._config.hosts
        }
        for future in as_completed(futures):
            host = futures[future]
            try:
                body = future.result()
            except FetchError as error:
                logger.info("host %s: facts not fetched: %s", host.name, error)
                self._note(host, f"{error.code.value}: {error.detail}")
                continue
            try:
                self._take_in(host, read_answer(body, host.name), utc_now())
            except FactsError as error:
                logger.warning("host %s: facts not usable: %s", host.name, error)
                self._note(host, str(error))
            except Exception as error:  # one host's trouble must not hide the others
                logger.exception("host %s: its facts could not be taken in", host.name)
                self._note(host, f"{type(error).__name__}: they could not be taken in")
            else:
                self._note(host, None)

    def _take_in(self, host: ManagedHost, answer: dict[str, Any], now: datetime) -> None:
        backup = answer.get("backup") or {}
        if self._is_new(host, "backup", backup):
            with self._sessions.begin() as session:
                ingest_backups(session, host.name, backup, now)
            self._remember(host, "backup", backup)
        power = answer.get("power") or {}
        if self._is_new(host, "power", power):
            with self._sessions.begin() as session:
                ingest_power(session, host.name, power, now)
            self._remember(host, "power", power)
        facts = answer.get("facts")
        if facts is None:
            return
        if self._is_new(host, "facts", facts) or now - self._judged[host.name] >= JUDGE_AGAIN:
            with self._sessions.begin() as session:
                ingest_facts(session, host.name, facts, now)
                assess(session, host.name, facts, self._config.facility.mlps_level, now)
            self._remember(host, "facts", facts)
            self._judged[host.name] = now

    def _is_new(self, host: ManagedHost, part: str, content: object) -> bool:
        return self._seen.get((host.name, part)) != _digest(content)

    def _remember(self, host: ManagedHost, part: str, content: object) -> None:
        self._seen[host.name, part] = _digest(content)

    def _note(self, host: ManagedHost, problem: str | None) -> None:
        with self._sessions.begin() as session:
            row = session.get(HostState, host.name)
            if row is not None and row.facts_error != problem:
                now = utc_now()
                row.facts_failing_since = None if problem is None else row.facts_failing_since or now
                row.facts_error = problem


def _digest(content: object) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
