"""A client of upsd's network protocol (RFC 9271; NUT 2.8's docs/net-protocol.txt).

It never sends LOGIN: upsd would count this client as a system that draws power, and the primary would wait for
it at a shutdown.  Reading needs no credentials; SET, INSTCMD and FSD need ``authenticate`` first.
"""

import socket
import ssl
import time
from contextlib import suppress
from types import TracebackType
from typing import Self

from agent.nut.errors import Code, NutError
from agent.nut.words import quote, split

PORT = 3493
LONGEST_LINE = 2048
"""upsd's own answers end at 512 bytes."""

MOST_LINES = 4096
"""Of one list; the largest drivers have some 300 variables."""

__all__ = ["PORT", "Code", "NutClient", "NutError"]


class NutClient:
    """One connection to upsd, for one thread.

    Every answer must have come within ``timeout_seconds``, however upsd drips it.  A failure of the
    connection itself (all of ours in ``Code``) closes it; after an ``ERR`` of upsd's it can be used on.
    """

    def __init__(self, connection: socket.socket, timeout_seconds: float) -> None:
        """Take an open connection; use ``connect``."""
        self._socket: socket.socket | None = connection
        self._timeout_seconds = timeout_seconds
        self._buffer = b""

    @classmethod
    def connect(
        cls,
        address: str,
        port: int = PORT,
        *,
        tls: ssl.SSLContext | None,
        server_name: str | None,
        timeout_seconds: float,
    ) -> Self:
        """Connect, and with ``tls`` go over to TLS before anything else is said; there is no way back to plain text.

        ``server_name`` is the name that upsd's certificate must bear (None: the address).
        Raises ``NutError``: refused, timed_out, closed, bad_answer, tls_failed, untrusted.
        """
        try:
            connection = socket.create_connection((address, port), timeout_seconds)
        except TimeoutError as error:
            raise NutError(Code.TIMED_OUT, f"{address} port {port}: no connection in {timeout_seconds:g} s") from error
        except OSError as error:
            raise NutError(Code.REFUSED, f"{address} port {port}: {error.strerror or error}") from error
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client = cls(connection, timeout_seconds)
        if tls is not None:
            try:
                client._start_tls(tls, server_name or address)
            except BaseException:
                client.close()
                raise
        return client

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Take leave and close; may be called again."""
        connection, self._socket = self._socket, None
        if connection is None:
            return
        with suppress(OSError, ValueError):
            connection.settimeout(0.2)
            connection.sendall(b"LOGOUT\n")
        connection.close()

    def authenticate(self, user: str, password: str) -> None:
        """Give user and password; upsd looks at them only at the next SET, INSTCMD or FSD (ACCESS-DENIED)."""
        self._do(f"USERNAME {quote(user)}")
        self._do(f"PASSWORD {quote(password)}")

    def ups(self) -> dict[str, str]:
        """Return upsd's UPSes: name → description."""
        return {row[1]: row[2] for row in self._list("UPS", (), 3)}

    def variables(self, ups: str) -> dict[str, str]:
        """Return a UPS's variables, as upsd has them.

        Raises ``NutError``: DRIVER-NOT-CONNECTED, DATA-STALE (also while upsd waits for a driver's first data).
        """
        variables = {row[2]: row[3] for row in self._list("VAR", (ups,), 4)}
        if variables.get("ups.status") == "WAIT":
            raise NutError(Code.DATA_STALE, "upsd waits for the driver's first data")
        return variables

    def clients(self, ups: str) -> tuple[str, ...]:
        """Return the addresses of the systems that have logged in to a UPS (upsmon), one for each login."""
        return tuple(row[2] for row in self._list("CLIENT", (ups,), 3))

    def set_variable(self, ups: str, name: str, value: str) -> None:
        """Set a writable variable."""
        self._do(f"SET VAR {quote(ups)} {quote(name)} {quote(value)}")

    def command(self, ups: str, name: str, value: str | None = None) -> None:
        """Have the UPS do an instant command; upsd says only that it took it."""
        tail = "" if value is None else f" {quote(value)}"
        self._do(f"INSTCMD {quote(ups)} {quote(name)}{tail}")

    def force_shutdown(self, ups: str) -> None:
        """Set FSD: every upsmon of this UPS shuts its host down.  Only a restart of upsd takes it back."""
        self._do(f"FSD {quote(ups)}")

    def _do(self, request: str) -> None:
        deadline = self._send(request)
        words = self._words(deadline)
        if words[0] != "OK":
            raise self._broken(Code.BAD_ANSWER, f"neither OK nor ERR to {_verb(request)}: {' '.join(words)[:80]!r}")

    def _list(self, kind: str, names: tuple[str, ...], length: int) -> list[list[str]]:
        deadline = self._send(" ".join(["LIST", kind, *(quote(name) for name in names)]))
        if self._words(deadline) != ["BEGIN", "LIST", kind, *names]:
            raise self._broken(Code.BAD_ANSWER, f"LIST {kind} did not begin with its BEGIN")
        rows: list[list[str]] = []
        while (words := self._words(deadline)) != ["END", "LIST", kind, *names]:
            if words[: 1 + len(names)] != [kind, *names] or len(words) != length or len(rows) == MOST_LINES:
                raise self._broken(Code.BAD_ANSWER, f"not a row of LIST {kind}: {' '.join(words)[:80]!r}")
            rows.append(words)
        return rows

    def _start_tls(self, tls: ssl.SSLContext, server_name: str) -> None:
        try:
            self._do("STARTTLS")
        except NutError as error:
            if error.code.isupper():  # an ERR of upsd's
                raise NutError(Code.TLS_FAILED, f"upsd offers no TLS ({error.code})") from error
            raise
        connection = self._socket
        if connection is None or self._buffer:
            raise self._broken(Code.BAD_ANSWER, "plain text after STARTTLS")
        try:
            connection.settimeout(self._timeout_seconds)
            self._socket = tls.wrap_socket(connection, server_hostname=server_name)
        except ssl.SSLCertVerificationError as error:
            raise self._broken(Code.UNTRUSTED, error.verify_message or str(error)) from error
        except TimeoutError as error:
            raise self._broken(Code.TIMED_OUT, f"no TLS handshake in {self._timeout_seconds:g} s") from error
        except OSError as error:
            raise self._broken(Code.TLS_FAILED, error.strerror or str(error)) from error

    def _send(self, request: str) -> float:
        """Send one request; returns until when its answer must be complete."""
        deadline = time.monotonic() + self._timeout_seconds
        connection = self._connection()
        try:
            connection.settimeout(self._timeout_seconds)
            connection.sendall(request.encode("ascii") + b"\n")
        except TimeoutError as error:
            raise self._broken(Code.TIMED_OUT, f"{_verb(request)} could not be sent") from error
        except OSError as error:
            raise self._broken(Code.CLOSED, error.strerror or str(error)) from error
        return deadline

    def _words(self, deadline: float) -> list[str]:
        """Return the next line's words; raises what an ``ERR`` says."""
        try:
            words = split(self._line(deadline))
        except NutError as error:
            raise self._broken(error.code, error.detail) from None
        if not words:
            raise self._broken(Code.BAD_ANSWER, "an empty line")
        if words[0] == "ERR":
            code = words[1] if len(words) > 1 else ""
            if not code.isupper():
                raise self._broken(Code.BAD_ANSWER, f"an ERR without a code: {' '.join(words)[:80]!r}")
            raise NutError(code, " ".join(words[2:]) or "upsd refuses")
        return words

    def _line(self, deadline: float) -> str:
        while b"\n" not in self._buffer:
            if len(self._buffer) > LONGEST_LINE:
                raise NutError(Code.BAD_ANSWER, f"a line longer than {LONGEST_LINE} bytes")
            self._buffer += self._receive(deadline)
        line, _, self._buffer = self._buffer.partition(b"\n")
        # A driver hands on what the UPS's firmware writes: nothing of it may steer a terminal, a log or a page.
        return "".join(letter for letter in line.decode("utf-8", "replace") if letter.isprintable())

    def _receive(self, deadline: float) -> bytes:
        """Return what comes next until the deadline, and after it what is here already.

        A busy machine may have let the time go by before this process looked: what is here was in time.
        """
        connection = self._connection()
        try:
            connection.settimeout(max(0.0, deadline - time.monotonic()))
            data = connection.recv(LONGEST_LINE)
        except (TimeoutError, BlockingIOError, ssl.SSLWantReadError) as error:
            raise NutError(Code.TIMED_OUT, f"no whole answer in {self._timeout_seconds:g} s") from error
        except OSError as error:
            raise NutError(Code.CLOSED, error.strerror or str(error)) from error
        if not data:
            raise NutError(
                Code.BAD_ANSWER if self._buffer else Code.CLOSED,
                "the connection ended in the middle of a line" if self._buffer else "upsd ended the connection",
            )
        return data

    def _connection(self) -> socket.socket:
        if self._socket is None:
            raise NutError(Code.CLOSED, "the connection is closed")
        return self._socket

    def _broken(self, code: str, detail: str) -> NutError:
        """Close, since what comes next on this connection can no longer be told apart; returns the error to raise."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        return NutError(code, detail)


def _verb(request: str) -> str:
    return request.partition(" ")[0]  # never the arguments: one of them is the password
