"""Watches the UPSes of one or more upsd: every second, over one connection to each."""

import logging
import ssl
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from agent.events import Journal
from agent.nut.client import PORT, Code, NutClient, NutError
from agent.nut.reading import ups_reading
from agent.polling import Standing, Trouble
from agent.ups.changes import flag_events
from agent.ups.reading import Flag, UpsReading

logger = logging.getLogger(__name__)

INTERVAL_SECONDS = 1.0
TIMEOUT_SECONDS = 3.0
PAUSES_SECONDS = (1.0, 2.0, 4.0)
"""Between attempts to connect; the last is kept."""

SOURCE = "nut"
TROUBLES: dict[str, Trouble] = {
    Code.REFUSED: Trouble.UNREACHABLE,
    Code.TIMED_OUT: Trouble.UNREACHABLE,
    Code.CLOSED: Trouble.UNREACHABLE,
    Code.TLS_FAILED: Trouble.WRONG_CREDENTIALS,
    Code.UNTRUSTED: Trouble.WRONG_CREDENTIALS,
    Code.ACCESS_DENIED: Trouble.WRONG_CREDENTIALS,
    Code.DATA_STALE: Trouble.NO_DATA,
    Code.DRIVER_NOT_CONNECTED: Trouble.NO_DATA,
    Code.UNKNOWN_UPS: Trouble.UNKNOWN_DEVICE,
}


@dataclass(frozen=True)
class NutTarget:
    """One UPS at one upsd; ``server_name`` is the name in upsd's certificate."""

    ups: str
    address: str
    port: int = PORT
    server_name: str | None = None


def client_tls(ca: Path) -> ssl.SSLContext:
    """Return a context that trusts the facility's authority and nobody else; raises OSError for an unreadable file."""
    context = ssl.create_default_context(cafile=ca)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


class NutCollector:
    """Reads every target once a second and keeps its standing; each upsd has a thread and a connection of its own.

    It never logs in at upsd, so it delays no shutdown.  ``tls`` None is plain text, for upsd in tests only.
    """

    def __init__(self, targets: Sequence[NutTarget], tls: ssl.SSLContext | None, journal: Journal) -> None:
        servers: dict[tuple[str, int, str | None], list[NutTarget]] = {}
        for target in targets:
            servers.setdefault((target.address, target.port, target.server_name), []).append(target)
        self._servers = [_Server(group, tls, journal) for group in servers.values()]

    def start(self) -> None:
        """Begin to read."""
        for server in self._servers:
            server.thread.start()

    def stop(self) -> None:
        """End; waits for a request under way, at most its time-out."""
        for server in self._servers:
            server.stopping.set()
        for server in self._servers:
            if server.thread.is_alive():
                server.thread.join(2 * TIMEOUT_SECONDS)

    def standings(self) -> tuple[Standing[UpsReading], ...]:
        """Return how every target stands now; never waits."""
        return tuple(standing for server in self._servers for standing in server.standings())


@dataclass
class _Watched:
    """One UPS: its standing, and the flags of its last reading, which outlive a failure between."""

    standing: Standing[UpsReading]
    flags: frozenset[Flag] = frozenset()
    polled_at: float = field(default_factory=time.monotonic)


class _Server:
    """One upsd."""

    def __init__(self, targets: Sequence[NutTarget], tls: ssl.SSLContext | None, journal: Journal) -> None:
        self._upsd = targets[0]
        self._tls, self._journal = tls, journal
        self._watched = {target.ups: _Watched(Standing(target.ups, "ups", SOURCE)) for target in targets}
        self._client: NutClient | None = None
        self._failures = 0
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._loop, name=f"nut-{targets[0].address}", daemon=True)

    def standings(self) -> tuple[Standing[UpsReading], ...]:
        limit = time.monotonic() - INTERVAL_SECONDS - 4 * TIMEOUT_SECONDS - PAUSES_SECONDS[-1]
        return tuple(
            watched.standing
            if watched.polled_at > limit or watched.standing.reading is None
            else replace(watched.standing, reading=None, trouble=Trouble.TOO_SLOW, detail="no poll came to its end")
            for watched in self._watched.values()
        )

    def _loop(self) -> None:
        while not self.stopping.is_set():
            started = time.monotonic()
            try:
                self._round()
            except Exception as error:  # the next round begins afresh; what was read before is not shown meanwhile
                logger.exception("upsd at %s port %d", self._upsd.address, self._upsd.port)
                self._fail_all(NutError(Code.BAD_ANSWER, f"{type(error).__name__}: {error}"))
            pause = PAUSES_SECONDS[min(self._failures, len(PAUSES_SECONDS)) - 1] if self._failures else INTERVAL_SECONDS
            self.stopping.wait(max(0.0, started + pause - time.monotonic()))
        self._disconnect()

    def _round(self) -> None:
        """Read every UPS once; a connection that broke is replaced at the next round."""
        try:
            if self._client is None:
                self._client = NutClient.connect(
                    self._upsd.address,
                    self._upsd.port,
                    tls=self._tls,
                    server_name=self._upsd.server_name,
                    timeout_seconds=TIMEOUT_SECONDS,
                )
            for name, watched in self._watched.items():
                self._read(self._client, name, watched)
            self._failures = 0
        except NutError as error:
            self._fail_all(error)

    def _read(self, client: NutClient, name: str, watched: _Watched) -> None:
        """Read one UPS; an ``ERR`` of upsd's is this UPS's trouble only, anything else is raised."""
        try:
            reading = ups_reading(client.variables(name))
        except NutError as error:
            if not error.code.isupper():
                raise
            self._failed(watched, error)
            return
        before, known = watched.standing, watched.flags
        watched.standing = Standing(name, "ups", SOURCE, reading, time.time(), None)
        watched.flags, watched.polled_at = reading.flags, time.monotonic()
        if before.trouble not in {None, Trouble.NOT_STARTED}:
            back = "communication_back" if before.trouble is Trouble.NO_DATA else "reachable"
            logger.warning("UPS %s: answers again", name)
            self._journal.add(name, SOURCE, back)
        for code in flag_events(known, reading.flags):
            logger.warning("UPS %s: %s", name, code)
            self._journal.add(name, SOURCE, code, " ".join(sorted(flag.value for flag in reading.flags)))

    def _fail_all(self, error: NutError) -> None:
        self._disconnect()
        self._failures += 1
        for watched in self._watched.values():
            self._failed(watched, error)

    def _failed(self, watched: _Watched, error: NutError) -> None:
        trouble = TROUBLES.get(error.code, Trouble.BAD_ANSWER)
        before = watched.standing
        since = before.failing_since if before.failing_since is not None else time.time()
        watched.standing = Standing(before.name, "ups", SOURCE, None, None, trouble, str(error), since)
        watched.polled_at = time.monotonic()
        if before.trouble is not trouble:
            logger.warning("UPS %s: %s", before.name, error)
            code = "communication_lost" if trouble is Trouble.NO_DATA else "unreachable"
            self._journal.add(before.name, SOURCE, code, str(error))

    def _disconnect(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None
