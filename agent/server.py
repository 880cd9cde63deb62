"""The listener: mutual TLS, a bounded number of connections, and a deadline for each step of each.

Threads, not an event loop: asyncio costs 6 MiB more, and a scrape every few seconds needs no concurrency.
What makes threads safe here is that nobody may hold one for long, and one address may hold few.  A page may keep its
client waiting (``/events``); it then looks at ``Request.gone`` and bounds the wait and the number of waiting clients.
"""

import contextlib
import logging
import select
import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from http import HTTPStatus

from agent.errors import AgentError
from agent.http import MAX_HEAD_BYTES, Request, Response, parse_head, problem, render
from agent.tls import peer_names

logger = logging.getLogger(__name__)

MAX_CONNECTIONS = 16
MAX_CONNECTIONS_PER_ADDRESS = 4
HANDSHAKE_SECONDS = 5.0
REQUEST_SECONDS = 5.0
RESPONSE_SECONDS = 10.0
LINGER_SECONDS = 1.0
LINGER_BYTES = 65536


def listen(address: str, port: int) -> socket.socket:
    """Return a listening socket; raises AgentError when the address or port cannot be had."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen(MAX_CONNECTIONS)
    except OSError as error:
        listener.close()
        next_step = (
            f"see who has it with 'ss -ltnp sport = :{port}', or correct 'listen' and 'port' in the configuration"
        )
        raise AgentError(f"{address} port {port}", error.strerror or str(error), next_step) from error
    return listener


class Server:
    """Answers requests of allowed clients with ``answer`` until ``stop``; owns ``listener``."""

    def __init__(
        self,
        listener: socket.socket,
        context: ssl.SSLContext,
        allowed_clients: frozenset[str],
        answer: Callable[[Request], Response],
    ) -> None:
        self._listener = listener
        self._context = context
        self._allowed_clients = allowed_clients
        self._answer = answer
        self._lock = threading.Lock()
        self._connections: Counter[str] = Counter()
        self._stopping = False

    @property
    def address(self) -> tuple[str, int]:
        """IP address and port the server listens on."""
        host, port, *_ = self._listener.getsockname()
        return host, port

    def stop(self) -> None:
        """End ``serve``; safe in a signal handler and from any thread."""
        self._stopping = True
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)

    def serve(self) -> None:
        """Accept connections until ``stop``; requests at hand are finished first."""
        with self._listener, ThreadPoolExecutor(MAX_CONNECTIONS, thread_name_prefix="request") as pool:
            while not self._stopping:
                try:
                    connection, peer = self._listener.accept()
                except OSError as error:
                    if not self._stopping:
                        logger.warning("accept failed: %s", error)
                        time.sleep(0.1)  # out of descriptors: without a pause this loop would eat the processor
                    continue
                if self._claim(peer[0]):
                    pool.submit(self._handle, connection, peer[0])
                else:
                    logger.warning("connection of %s refused: too many at a time", peer[0])
                    connection.close()

    def _claim(self, address: str) -> bool:
        with self._lock:
            if (
                self._connections.total() >= MAX_CONNECTIONS
                or self._connections[address] >= MAX_CONNECTIONS_PER_ADDRESS
            ):
                return False
            self._connections[address] += 1
            return True

    def _release(self, address: str) -> None:
        with self._lock:
            self._connections[address] -= 1
            if not self._connections[address]:
                del self._connections[address]

    def _handle(self, connection: socket.socket, address: str) -> None:
        try:
            with connection:
                self._converse(connection, address)
        except ssl.SSLError as error:
            logger.info("TLS with %s failed: %s", address, error.reason or error)
        except OSError as error:
            logger.info("connection of %s ended: %s", address, error)
        finally:
            self._release(address)

    def _page(self, request: Request) -> Response:
        try:
            return self._answer(request)
        except Exception:
            logger.exception("page %s failed", request.path)
            return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "this page failed; the agent's log says why")

    def _converse(self, connection: socket.socket, address: str) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.settimeout(HANDSHAKE_SECONDS)
        with self._context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False) as channel:
            try:
                channel.do_handshake()
            except ssl.SSLError:
                _drain(channel)
                raise
            names = peer_names(channel.getpeercert())
            request = _receive(channel, time.monotonic() + REQUEST_SECONDS)
            if request is None:
                return
            if isinstance(request, Response):
                response = request
            elif names & self._allowed_clients:
                response = self._page(replace(request, peer=address, gone=lambda: _gone(channel)))
            else:
                logger.warning("client %s (%s) is not allowed", address, ", ".join(sorted(names)))
                response = problem(HTTPStatus.FORBIDDEN, "this client is not in the agent's allowed_clients")
            with_body = not (isinstance(request, Request) and request.method == "HEAD")
            _send(channel, render(response, with_body=with_body), time.monotonic() + RESPONSE_SECONDS)
            _linger(channel)


def _gone(channel: ssl.SSLSocket) -> bool:
    """Whether the client left while it waited: it has nothing more to say, so anything to read is its goodbye."""
    poll = select.poll()
    poll.register(channel, select.POLLIN)
    return bool(poll.poll(0))


def _remaining(deadline: float) -> float:
    remaining = deadline - time.monotonic()
    if remaining <= 0:
        raise TimeoutError("the client is too slow")
    return remaining


def _receive(channel: ssl.SSLSocket, deadline: float) -> Request | Response | None:
    """Read one request's head; None when the client left, a Response when the request is refused."""
    head = b""
    while b"\r\n\r\n" not in head:
        if len(head) > MAX_HEAD_BYTES:
            return problem(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"the head has more than {MAX_HEAD_BYTES} bytes")
        channel.settimeout(_remaining(deadline))
        part = channel.recv(4096)
        if not part:
            return None
        head += part
    return parse_head(head)


def _send(channel: ssl.SSLSocket, data: bytes, deadline: float) -> None:
    rest = memoryview(data)
    while rest:
        channel.settimeout(_remaining(deadline))
        rest = rest[channel.send(rest) :]


def _linger(channel: ssl.SSLSocket) -> None:
    """Say goodbye as TLS wants it, then drain."""
    channel.settimeout(LINGER_SECONDS)
    with contextlib.suppress(OSError):
        channel.unwrap()
    _drain(channel)


def _drain(channel: ssl.SSLSocket) -> None:
    """Take what the client still sends: closing with unread bytes would lose the answer or the TLS alert."""
    deadline, taken = time.monotonic() + LINGER_SECONDS, 0
    with contextlib.suppress(OSError):
        channel.shutdown(socket.SHUT_WR)
        while taken < LINGER_BYTES:
            channel.settimeout(_remaining(deadline))
            part = channel.recv(4096)
            if not part:
                return
            taken += len(part)
