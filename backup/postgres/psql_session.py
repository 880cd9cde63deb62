"""One session with a PostgreSQL server that lasts over several questions: psql at the end of two pipes.

A question is sent only after the last one was answered, and every answer ends with a mark that no data can hold:
it is drawn anew for each question, after the session's snapshot was taken.
"""

import contextlib
import fcntl
import hashlib
import os
import secrets
import select
import subprocess
import tempfile
import time
from collections.abc import Iterator
from typing import IO

from backup.errors import BackupError
from backup.postgres.postgresql import ANSWER_SECONDS, Database, as_server_user, psql_command, psql_error, said
from backup.printable import decoded, encoded
from backup.process import GRACE_SECONDS, end

BLOCK_BYTES = 1024 * 1024
FROZEN = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;"
"""Begins a transaction that sees one moment of the database, from its first query on."""


def passing(script: str) -> str:
    """Return ``script`` such that the locks it takes end with it, though the transaction goes on.

    A query locks all indexes of its tables, and the server's room for locks is not made for a whole database of them.
    """
    return f"SAVEPOINT passing;\n{script}\nROLLBACK TO SAVEPOINT passing;\nRELEASE SAVEPOINT passing;"


class Session:
    """A running psql; the first error in a question ends it."""

    def __init__(
        self, source: Database, process: "subprocess.Popen[bytes]", commands: int, answers: int, stderr: IO[bytes]
    ) -> None:
        self.source = source
        self._process, self._commands, self._answers, self._stderr = process, commands, answers, stderr

    def ask(self, script: str, timeout_seconds: float = ANSWER_SECONDS) -> str:
        """Run a short script and return its bare output; raises BackupError."""
        return decoded(b"".join(self._answer(script, timeout_seconds))).strip()

    def hash(self, query: str, timeout_seconds: float) -> tuple[int, str]:
        """Return the number of rows of a query and the SHA-256 of ``COPY (query) TO STDOUT``; raises BackupError.

        Call it in a transaction.
        """
        rows, digest = 0, hashlib.sha256()
        for block in self._answer(passing(f"COPY ({query}) TO STDOUT;"), timeout_seconds):
            rows += block.count(b"\n")
            digest.update(block)
        return rows, digest.hexdigest()

    def _answer(self, script: str, timeout_seconds: float) -> Iterator[bytes]:
        mark = f"xinglin-{secrets.token_hex(16)}\n".encode()
        deadline = time.monotonic() + timeout_seconds
        with contextlib.suppress(BrokenPipeError):
            os.write(self._commands, encoded(script) + b"\n\\echo " + mark)
        held = b""
        while not held.endswith(mark):
            ready, _, _ = select.select([self._answers], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                raise BackupError("timed_out", self.source.place, f"limit {timeout_seconds:.0f} s")
            block = os.read(self._answers, BLOCK_BYTES)
            if not block:
                raise psql_error(self.source, self._process.wait(GRACE_SECONDS), said(self._stderr))
            held += block
            # The mark comes last: what is before its length is certainly data.
            yield held[: -len(mark)]
            held = held[-len(mark) :]


@contextlib.contextmanager
def session(source: Database) -> Iterator[Session]:
    """Open a session that ends with the block, whatever it is doing then."""
    commands_read, commands = os.pipe()
    answers, answers_write = os.pipe()
    with contextlib.suppress(OSError):  # Pipes this large may be used up; the usual 64 KiB only take longer.
        fcntl.fcntl(answers, fcntl.F_SETPIPE_SZ, BLOCK_BYTES)
    with tempfile.TemporaryFile() as stderr:
        try:
            process = as_server_user(psql_command(), source, stdin=commands_read, stdout=answers_write, stderr=stderr)
        except BaseException:
            os.close(commands)
            os.close(answers)
            raise
        finally:
            os.close(commands_read)
            os.close(answers_write)
        try:
            yield Session(source, process, commands, answers, stderr)
        finally:
            end(process)
            os.close(commands)
            os.close(answers)
