"""Listen to the agents that tell events: one long poll each, and a scrape at once when something has happened."""

import json
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from console.config import ManagedHost
from console.power.events import note_event
from console.store.power import PowerEvent
from console.worker.fetch import ErrorCode, Fetcher, FetchError

logger = logging.getLogger(__name__)

SCHEMA = 1
WAIT_SECONDS = 25
DEADLINE_SECONDS = 35.0
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 15.0

Event = Mapping[str, Any]
Happened = Callable[[ManagedHost, Sequence[Event]], None]
"""Called with the new events of a host, or with none when what was missed cannot be known: the agent began anew."""


class Ear:
    """Listens to one host.  The first answer of an agent only tells where its stream stands."""

    def __init__(self, host: ManagedHost, fetcher: Fetcher, happened: Happened, stop: threading.Event) -> None:
        self._host = host
        self._fetcher = fetcher
        self._happened = happened
        self._stop = stop
        self._stream = ""
        self._after = 0

    def run(self) -> None:
        """Listen until ``stop``; the request at hand is left to end by itself."""
        pause = FIRST_PAUSE_SECONDS
        while not self._stop.is_set():
            try:
                self.listen_once()
                pause = FIRST_PAUSE_SECONDS
            except FetchError as error:
                logger.info("host %s: events not heard: %s", self._host.name, error)
                self._stop.wait(pause)
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
            except Exception:
                logger.exception("host %s: its events could not be taken in", self._host.name)
                self._stop.wait(LONGEST_PAUSE_SECONDS)

    def listen_once(self) -> None:
        """Ask once; raises ``FetchError``, also for an answer that is none."""
        query = urlencode({"after": self._after, "stream": self._stream, "wait": WAIT_SECONDS if self._stream else 0})
        stream, last, events = _answer(self._fetcher.get(self._host, f"/events?{query}", DEADLINE_SECONDS))
        if events or stream != self._stream:
            self._happened(self._host, events)
        self._stream, self._after = stream, last  # only now: what could not be taken in is asked for again


def keep_events(sessions: sessionmaker[Session], host: str, events: Sequence[Event]) -> None:
    """Write the events of a host into the store, as far as they are news; what is no event is logged.

    An agent tells all that it still knows to a worker that has just started: what is not newer than the newest of its
    device was kept before.
    """
    with sessions.begin() as session:
        query = select(PowerEvent.device, func.max(PowerEvent.at)).group_by(PowerEvent.device)
        newest: dict[str, datetime] = dict(session.execute(query).all())
        for event in events:
            try:
                kept = newest.get(str(event.get("device")))
                if kept is None or _time(event) > kept:
                    note_event(session, host, event)
            except ValueError as error:
                logger.warning("host %s: an event was skipped: %s", host, error)


def _time(event: Event) -> datetime:
    moment = datetime.fromisoformat(str(event.get("at")))
    if moment.tzinfo is None:
        raise ValueError(f"its time {moment} has no zone")
    return moment


def _answer(body: bytes) -> tuple[str, int, Sequence[Event]]:
    try:
        document = json.loads(body)
        events = [dict(event) for event in document["events"]]
        schema, stream, last = document["schema"], str(document["stream"]), int(document["last"])
    except (ValueError, KeyError, TypeError) as error:
        raise FetchError(ErrorCode.BAD_ANSWER, f"no events: {error!r}") from error
    if schema != SCHEMA:
        raise FetchError(ErrorCode.BAD_ANSWER, f"events of schema {schema!r}, not {SCHEMA}")
    return stream, last, events


class Ears:
    """Listens to every host whose agent tells events, each in a thread of its own."""

    def __init__(self, hosts: Sequence[ManagedHost], fetcher: Fetcher, happened: Happened) -> None:
        self._stop = threading.Event()
        ears = [Ear(host, fetcher, happened, self._stop) for host in hosts if host.events]
        # Daemons: a request may still wait for its answer when the worker ends.
        self._threads = [threading.Thread(target=ear.run, name="listen", daemon=True) for ear in ears]

    def start(self) -> None:
        """Begin to listen."""
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Stop listening; nothing new is asked."""
        self._stop.set()
