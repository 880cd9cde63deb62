"""Fetch one page from one agent over mutual TLS, inside a deadline, and name what went wrong."""

import contextlib
import errno
import http.client
import socket
import ssl
import threading
from dataclasses import dataclass
from enum import StrEnum

from urllib3.connection import HTTPSConnection
from urllib3.exceptions import HTTPError

from console.config import ManagedHost, TlsFiles

CONNECT_SECONDS = 3.0
DEADLINE_SECONDS = 8.0
LARGEST_PAGE_BYTES = 16 * 1024 * 1024


class ErrorCode(StrEnum):
    """Why an agent could not be read; ``console.texts`` explains each."""

    REFUSED = "refused"
    TIMED_OUT = "timed_out"
    UNREACHABLE = "unreachable"
    DISCONNECTED = "disconnected"
    CERTIFICATE_EXPIRED = "certificate_expired"
    CERTIFICATE_NOT_YET_VALID = "certificate_not_yet_valid"
    CERTIFICATE_UNTRUSTED = "certificate_untrusted"
    NAME_MISMATCH = "name_mismatch"
    CONSOLE_REFUSED = "console_refused"  # the agent does not take the console's certificate
    BAD_TLS = "bad_tls"
    BAD_ANSWER = "bad_answer"


class FetchError(Exception):
    """An agent could not be read; ``code`` says why and ``detail`` in the system's own words."""

    def __init__(self, code: ErrorCode, detail: str) -> None:
        self.code = code
        self.detail = detail
        super().__init__(f"{code}: {detail}")


VERIFY_CODES = {
    9: ErrorCode.CERTIFICATE_NOT_YET_VALID,
    10: ErrorCode.CERTIFICATE_EXPIRED,
    62: ErrorCode.NAME_MISMATCH,
    64: ErrorCode.NAME_MISMATCH,
}
ALERTS_AGAINST_US = ("ALERT_UNKNOWN_CA", "CERTIFICATE_REQUIRED", "ALERT_BAD_CERTIFICATE", "CERTIFICATE_EXPIRED")
PLAIN_CODES: tuple[tuple[type[BaseException], ErrorCode], ...] = (
    (ConnectionRefusedError, ErrorCode.REFUSED),
    (TimeoutError, ErrorCode.TIMED_OUT),
    (socket.gaierror, ErrorCode.UNREACHABLE),
)
UNREACHABLE = {errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENETDOWN}


@dataclass(frozen=True)
class Fetcher:
    """Reads agents with the console's own certificate.  One for all threads: an SSL context may be shared."""

    context: ssl.SSLContext

    def get(self, host: ManagedHost, path: str, deadline_seconds: float = DEADLINE_SECONDS) -> bytes:
        """Return the body of ``path``.  Raises ``FetchError``, after ``deadline_seconds`` at the latest."""
        connection = HTTPSConnection(
            host.address,
            host.agent_port,
            timeout=min(CONNECT_SECONDS, deadline_seconds),
            ssl_context=self.context,
            server_hostname=host.name,
        )
        watchdog = Watchdog(deadline_seconds)
        try:
            connection.connect()
            watchdog.watch(connection.sock)
            connection.timeout = deadline_seconds  # urllib3 sets it on the socket again before it reads the answer
            accepted = {"Accept": "text/plain;version=0.0.4, application/json;q=0.9"}
            connection.request("GET", path, headers=accepted, preload_content=False)
            body = _body(connection)
            if watchdog.late:  # without a length, a cut body looks whole
                raise TimeoutError
            return body
        except (OSError, HTTPError, http.client.HTTPException, ValueError) as error:
            if watchdog.late:
                raise FetchError(ErrorCode.TIMED_OUT, f"no whole answer within {deadline_seconds:g} s") from error
            raise explain(error) from error
        finally:
            watchdog.end()
            connection.close()


class Watchdog:
    """Cuts a connection at the deadline, however slowly the other side drips."""

    def __init__(self, deadline_seconds: float) -> None:
        self.late = False
        self._deadline_seconds = deadline_seconds
        self._socket: socket.socket | None = None
        self._timer = threading.Timer(deadline_seconds, self._cut)
        self._timer.daemon = True
        self._timer.start()

    def watch(self, connected: socket.socket | None) -> None:
        """Take over a connected socket.  (Connecting has a time-out of its own, the handshake's is total.)"""
        self._socket = connected
        if connected is not None:
            connected.settimeout(self._deadline_seconds)
        if self.late:
            self._cut()

    def end(self) -> None:
        """Stop watching."""
        self._timer.cancel()

    def _cut(self) -> None:
        self.late = True
        if self._socket is not None:
            with contextlib.suppress(OSError):
                # The plain socket's method: the TLS socket's own would drop its state under the reader's feet.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


def client_context(files: TlsFiles) -> ssl.SSLContext:
    """Return the context with the console's certificate that trusts the facility's CA only.  Raises ``OSError``."""
    context = ssl.create_default_context(cafile=str(files.ca))
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(files.certificate, files.key)
    return context


def _body(connection: HTTPSConnection) -> bytes:
    with contextlib.closing(connection.getresponse()) as response:
        if response.status == http.HTTPStatus.FORBIDDEN:
            raise FetchError(ErrorCode.CONSOLE_REFUSED, "HTTP 403: this console is not in the agent's allowed_clients")
        if response.status != http.HTTPStatus.OK:
            raise FetchError(ErrorCode.BAD_ANSWER, f"HTTP {response.status}")
        body = response.read(LARGEST_PAGE_BYTES + 1)
    if len(body) > LARGEST_PAGE_BYTES:
        raise FetchError(ErrorCode.BAD_ANSWER, f"more than {LARGEST_PAGE_BYTES} bytes")
    return body


def explain(error: BaseException) -> FetchError:
    """Return the cause of a failed request by its name, looking through the wrappers of the HTTP library."""
    chain: list[BaseException] = []
    inner: BaseException | None = error
    while inner is not None and inner not in chain:
        chain.append(inner)
        inner = inner.__cause__ or inner.__context__ or getattr(inner, "reason", None)
        if not isinstance(inner, BaseException):
            inner = None
    for one in chain:
        if isinstance(one, FetchError):
            return one
        if (code := _code(one)) is not None:
            return FetchError(code, _words(one))
    return FetchError(ErrorCode.DISCONNECTED, _words(error))


def _code(error: BaseException) -> ErrorCode | None:
    if isinstance(error, ssl.SSLError) and not isinstance(error, TimeoutError):
        return _tls_code(error)
    for kind, code in PLAIN_CODES:
        if isinstance(error, kind):
            return code
    unreachable = isinstance(error, OSError) and error.errno in UNREACHABLE
    return ErrorCode.UNREACHABLE if unreachable else None


def _tls_code(error: ssl.SSLError) -> ErrorCode:
    if isinstance(error, ssl.SSLCertVerificationError):
        return VERIFY_CODES.get(error.verify_code, ErrorCode.CERTIFICATE_UNTRUSTED)
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return ErrorCode.DISCONNECTED
    against_us = any(alert in (error.reason or "") for alert in ALERTS_AGAINST_US)
    return ErrorCode.CONSOLE_REFUSED if against_us else ErrorCode.BAD_TLS


def _words(error: BaseException) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
