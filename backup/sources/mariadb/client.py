"""MariaDB's own client: one question, or a session that stays open.  As root over the Unix socket, no password.

The server knows root by ``unix_socket``: it asks the kernel who is at the other end of the socket.
"""

import contextlib
import os
import re
import secrets
import select
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from backup.errors import BackupError
from backup.process import end, ending_with_us

SOCKET = Path("/run/mysqld/mysqld.sock")
ANSWER_SECONDS = 60.0
CHUNK_BYTES = 1 << 20
UNREACHABLE = re.compile(r"ERROR (1040|1044|1045|1049|1698|2002|2003|2006|2013|2026)\b")
BUSY = re.compile(r"ERROR 1205\b")
ESCAPES = {"n": "\n", "t": "\t", "0": "\0", "\\": "\\"}


@dataclass(frozen=True)
class Server:
    """A MariaDB server on this host."""

    socket: Path = SOCKET

    @property
    def place(self) -> str:
        """What people read."""
        return f"MariaDB ({self.socket})"


def command(program: str, server: Server, *arguments: str) -> list[str]:
    """Return ``program`` for ``server``: no option file, so that no stray setting changes a dump."""
    common = ["--user=root", "--default-character-set=utf8mb4", "--max-allowed-packet=1G"]
    return [program, "--no-defaults", f"--socket={server.socket}", *common, *arguments]


def client(server: Server) -> list[str]:
    """Return the client for scripts: bare values, a tab between, each line as soon as it is there."""
    return command("mariadb", server, "--batch", "--skip-column-names", "--quick", "--unbuffered", "--comments")


def start(argv: Sequence[str], *, stdin: IO[bytes] | int, stdout: int, stderr: IO[bytes]) -> subprocess.Popen[bytes]:
    """Start a program in its own session, ending with us; raises BackupError ``tool_missing``."""
    return subprocess.Popen(
        ending_with_us(argv, death_signal="TERM"),
        env={"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LANG": "C.UTF-8", "TZ": "UTC"},
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        cwd="/",
        start_new_session=True,
    )


def said(stderr: IO[bytes]) -> str:
    """Return the first words of a program's error file, in one line of at most 300 characters."""
    stderr.seek(0)
    return " ".join(stderr.read().decode("utf-8", "replace").split())[:300]


def failure(place: str, words: str, returncode: int) -> BackupError:
    """Return the error for a client that ended with ``returncode``, by its words."""
    if returncode == 127:
        return BackupError("tool_missing", "mariadb", words)
    code = "database_busy" if BUSY.search(words) else "dump_failed"
    return BackupError("database_unreachable" if UNREACHABLE.search(words) else code, place, words or f"{returncode}")


def query(server: Server, script: str, timeout_seconds: float = ANSWER_SECONDS) -> list[list[str]]:
    """Run an SQL script and return the values of all rows; raises BackupError."""
    with tempfile.TemporaryFile() as stderr, tempfile.TemporaryFile() as stdin:
        stdin.write(script.encode())
        stdin.seek(0)
        process = start(client(server), stdin=stdin, stdout=subprocess.PIPE, stderr=stderr)
        try:
            output, _ = process.communicate(timeout=timeout_seconds)
        except subprocess.TimeoutExpired as error:
            raise BackupError("timed_out", server.place, f"limit {timeout_seconds:.0f} s") from error
        finally:
            end(process)
            if process.stdout:
                process.stdout.close()
        if process.returncode:
            raise failure(server.place, said(stderr), process.returncode)
    return [values(line) for line in output.splitlines()]


def values(line: bytes) -> list[str]:
    """Return the values of one line of the client's output."""
    return [
        re.sub(r"\\([nt0\\])", lambda found: ESCAPES[found[1]], value)
        for value in line.decode("utf-8", "replace").split("\t")
    ]


class Session:
    """A client that stays connected, for what must happen in one session: a lock, a transaction."""

    def __init__(
        self, server: Server, process: "subprocess.Popen[bytes]", commands: IO[bytes], stderr: IO[bytes]
    ) -> None:
        self._server = server
        self._process = process
        self._commands = commands
        self._stderr = stderr
        self._rest = b""

    def ask(self, script: str, timeout_seconds: float = ANSWER_SECONDS) -> list[list[str]]:
        """Run a script to its end and return the values of all rows; raises BackupError."""
        return [values(line) for line in self.lines(script, timeout_seconds)]

    def lines(self, script: str, timeout_seconds: float) -> Iterator[bytes]:
        """Run a script and yield its output line by line, without the line ends; raises BackupError."""
        mark = secrets.token_hex(16).encode()
        # A client that is gone has said why, which reading finds.
        with contextlib.suppress(BrokenPipeError):
            self._commands.write(script.encode() + b"\nSELECT '" + mark + b"';\n")
            self._commands.flush()
        deadline = time.monotonic() + timeout_seconds
        for line in self._read(deadline):
            if line == mark:
                return
            yield line

    def _read(self, deadline: float) -> Iterator[bytes]:
        stdout = cast("IO[bytes]", self._process.stdout)
        while True:
            *complete, self._rest = self._rest.split(b"\n")
            yield from complete
            ready, _, _ = select.select([stdout], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                raise BackupError("timed_out", self._server.place, "the server gave no answer in time")
            chunk = os.read(stdout.fileno(), CHUNK_BYTES)
            if not chunk:
                raise failure(self._server.place, said(self._stderr), self._process.wait(ANSWER_SECONDS))
            self._rest += chunk


@contextlib.contextmanager
def session(server: Server) -> Iterator[Session]:
    """Connect for as long as the block takes; then the server rolls back and releases the session's locks."""
    read_end, write_end = os.pipe()
    with tempfile.TemporaryFile() as stderr, os.fdopen(write_end, "wb") as commands:
        try:
            process = start(client(server), stdin=read_end, stdout=subprocess.PIPE, stderr=stderr)
        finally:
            os.close(read_end)
        try:
            yield Session(server, process, commands, stderr)
        finally:
            with contextlib.suppress(BrokenPipeError):
                commands.close()
            end(process)
            cast("IO[bytes]", process.stdout).close()
