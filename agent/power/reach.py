"""Who is there: a host's agent answers (or, without one, what is asked of it), only its network does, or nothing."""

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum

from agent.polling import PollError
from agent.power.plan import Host
from agent.probes.icmp import echo

logger = logging.getLogger(__name__)

CONNECT_SECONDS = 1.0
HANDSHAKE_SECONDS = 2.0
MISSES = 3
"""A host is silent after so many unanswered questions in a row: one lost packet is no shutdown."""
PARALLEL = 8


class Reach(Enum):
    """How far a question got."""

    SERVING = "serving"  # the agent's TLS answers; without an agent its TCP port, or its echo where it has none
    NETWORK = "network"  # the host's kernel answers: it boots, shuts down, or hangs
    NOTHING = "nothing"


Probe = Callable[[Host], Reach]


def tls_probe(tls: ssl.SSLContext) -> Probe:
    """Return a probe that greets a host's agent, and asks a host without one from outside.

    A refused connection is an answer: the host's kernel gave it.  The probe raises PollError for a host that can only
    be sent an echo when this process may send none: not asked is not silent.
    """

    def probe(host: Host) -> Reach:
        if not host.port:
            return Reach.SERVING if _echoes(host.address) else Reach.NOTHING
        try:
            connection = socket.create_connection((host.address, host.port), CONNECT_SECONDS)
        except ConnectionRefusedError:
            return Reach.NETWORK
        except OSError:
            return _behind_firewall(host.address)
        with connection:
            return _greeted(connection, host, tls) if host.agent else Reach.SERVING

    return probe


def _greeted(connection: socket.socket, host: Host, tls: ssl.SSLContext) -> Reach:
    connection.settimeout(HANDSHAKE_SECONDS)
    try:
        with tls.wrap_socket(connection, server_hostname=host.name):
            return Reach.SERVING
    except OSError:
        return Reach.NETWORK


def _behind_firewall(address: str) -> Reach:
    """Ask by ICMP, where that is allowed: a firewall may be silent about a port at which nobody listens any more."""
    with suppress(PollError):
        return Reach.NETWORK if _echoes(address) else Reach.NOTHING
    return Reach.NOTHING


def _echoes(address: str) -> bool:
    """Whether an ICMP echo is answered.  Raises PollError when this process may send none."""
    try:
        asyncio.run(echo(address, echoes=1, gap_seconds=CONNECT_SECONDS, timeout_seconds=CONNECT_SECONDS))
    except PollError as error:
        if isinstance(error.__cause__, PermissionError):
            raise
        return False
    return True


@dataclass
class _Known:
    reach: Reach | None = None
    misses: int = 0
    asked_at: float = float("-inf")
    pending: "Future[Reach] | None" = None
    complaint: str = ""


@dataclass(frozen=True)
class Reached:
    """Hosts by what was heard of them; see ``state.Observation``."""

    answering: frozenset[str]
    serving: frozenset[str]
    silent: frozenset[str]


@dataclass
class Surroundings:
    """Asks all hosts side by side and never waits: ``look`` gives what is known by now."""

    probe: Probe
    _pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(PARALLEL, "reach"))
    _known: dict[str, _Known] = field(default_factory=dict)

    def look(self, hosts: Iterable[Host], monotonic: float, every_seconds: float) -> Reached:
        """Take the answers that are in, and ask again whoever was not asked for ``every_seconds``."""
        names = []
        for host in hosts:
            names.append(host.name)
            known = self._known.setdefault(host.name, _Known())
            self._take(host, known)
            if known.pending is None and monotonic - known.asked_at >= every_seconds:
                known.asked_at = monotonic
                known.pending = self._pool.submit(self.probe, host)
        found = {name: self._known[name] for name in names}
        return Reached(
            answering=frozenset(name for name, one in found.items() if one.reach in {Reach.SERVING, Reach.NETWORK}),
            serving=frozenset(name for name, one in found.items() if one.reach is Reach.SERVING),
            silent=frozenset(name for name, one in found.items() if one.misses >= MISSES),
        )

    def close(self) -> None:
        """Ask nobody any more."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    @staticmethod
    def _take(host: Host, known: _Known) -> None:
        if known.pending is None or not known.pending.done():
            return
        error = known.pending.exception()
        if error is None:
            known.reach = known.pending.result()
            known.misses = known.misses + 1 if known.reach is Reach.NOTHING else 0
        elif str(error) != known.complaint:  # once, not every second
            logger.error("%s cannot be asked (%s): %s", host.name, host.asked, error)
        known.complaint = str(error or "")
        known.pending = None
