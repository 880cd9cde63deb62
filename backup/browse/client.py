"""Asks the browse service.  For the console; standard library only.  Every failure is a BackupError."""

import contextlib
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backup.browse.protocol import (
    ANSWER_BYTES,
    CHUNK_BYTES,
    Ask,
    Entry,
    Listed,
    Listing,
    Request,
    check,
    entry_from_json,
    listed_from_json,
    parse_answer,
)
from backup.errors import BackupError

DEFAULT_SOCKET = Path("/run/xinglin-browse/socket")
ANSWER_SECONDS = 90
DATA_SECONDS = 120


class Download:
    """One file on its way: its entry, then its content.  Call ``close`` in any case: it also ends restic."""

    def __init__(self, entry: Entry, connection: socket.socket, place: str, hang_up: Callable[[], None]) -> None:
        self.entry = entry
        self.received = 0
        self.close = hang_up
        self._connection = connection
        self._place = place

    @property
    def is_complete(self) -> bool:
        """Return whether every byte has come."""
        return self.received == self.entry.size

    def blocks(self) -> Iterator[bytes]:
        """Yield the content; raises BackupError ``download_broken`` when it ends early."""
        while not self.is_complete:
            try:
                block = self._connection.recv(min(CHUNK_BYTES, self.entry.size - self.received))
            except OSError as error:
                raise self._broken(str(error)) from error
            if not block:
                raise self._broken("the service ended early")
            self.received += len(block)
            yield block

    def _broken(self, why: str) -> BackupError:
        return BackupError("download_broken", self._place, f"{why} after {self.received} of {self.entry.size} bytes")


@dataclass(frozen=True)
class BrowseClient:
    """The service behind the socket ``path``; one connection a question."""

    path: Path = DEFAULT_SOCKET

    def snapshots(self, host: str) -> tuple[Listed, ...]:
        """Return the snapshots in a host's local repository, oldest first."""
        with self._asked(Request(Ask.SNAPSHOTS, host)) as (_, values), self._understood():
            return tuple(listed_from_json(item) for item in values["snapshots"])

    def list(self, host: str, snapshot: str, path: str, after: str = "") -> Listing:
        """Return one page of a directory of a snapshot: the names after ``after``."""
        with self._asked(Request(Ask.LIST, host, snapshot, path, after)) as (_, values), self._understood():
            return Listing(tuple(entry_from_json(item) for item in values["entries"]), bool(values["more"]))

    def entry(self, host: str, snapshot: str, path: str) -> Entry:
        """Return what the list of its directory says of one file."""
        with self._asked(Request(Ask.ENTRY, host, snapshot, path)) as (_, values), self._understood():
            return entry_from_json(values["entry"])

    def open(self, host: str, snapshot: str, path: str) -> Download:
        """Return a file of a snapshot, its content still to come; the caller closes it."""
        request = Request(Ask.FILE, host, snapshot, path)
        with contextlib.ExitStack() as stack:
            connection, values = stack.enter_context(self._asked(request))
            with self._understood():
                entry = entry_from_json(values["entry"])
            connection.settimeout(DATA_SECONDS)
            return Download(entry, connection, f"{host}:{path}", stack.pop_all().close)

    @contextlib.contextmanager
    def _asked(self, request: Request) -> Iterator[tuple[socket.socket, dict[str, Any]]]:
        check(request)
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            try:
                connection.settimeout(ANSWER_SECONDS)
                connection.connect(str(self.path))
                connection.sendall(request.line())
                line = _answer_line(connection)
            except OSError as error:
                raise self._unavailable(error.strerror or str(error)) from error
            with self._understood():
                values = parse_answer(line)
            yield connection, values

    @contextlib.contextmanager
    def _understood(self) -> Iterator[None]:
        try:
            yield
        except (KeyError, TypeError, ValueError) as error:
            raise self._unavailable("it gave no complete answer; perhaps too many ask at once") from error

    def _unavailable(self, detail: str) -> BackupError:
        return BackupError("browse_unavailable", str(self.path), detail)


def _answer_line(connection: socket.socket) -> bytes:
    """Read one line and not a byte of what follows it: look first, then take."""
    line = bytearray()
    while len(line) <= ANSWER_BYTES:
        seen = connection.recv(CHUNK_BYTES, socket.MSG_PEEK)
        if not seen:
            break
        end = seen.find(b"\n") + 1
        line += connection.recv(end or len(seen))
        if end:
            break
    return bytes(line)
