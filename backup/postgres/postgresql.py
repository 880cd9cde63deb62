"""PostgreSQL on this host: its programs, its dump as a stream, the server's roles.

Everything runs as the OS user ``postgres`` over the Unix socket (peer authentication), so no password exists.
The dump goes through a pipe whose write end we hold (``process.Producer``) rather than through restic's
``--stdin-from-command``: pg_dump then never sees restic's environment with the repository's credentials, and a
hung restic 0.18 (its bug 5683) cannot take the dump with it.
"""

import contextlib
import os
import re
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO

from backup.errors import BackupError
from backup.printable import decoded, encoded
from backup.process import Producer, end, ending_with_us, producing

OS_USER = "postgres"
INSTALLED = Path("/usr/lib/postgresql")
ANSWER_SECONDS = 60.0
LOCK_SECONDS = 300
"""How long to wait for tables that somebody else holds locked."""
DUMP_LOCK_SECONDS = 20
"""The same for pg_dump.  Its tables are locked by our own session: it can only wait for a schema change that waits
for us, and with it everybody who wants that table."""
TEXT_FORM = {
    "datestyle": "ISO,YMD",
    "timezone": "UTC",
    "intervalstyle": "postgres",
    "lc_messages": "C",
    "extra_float_digits": "1",
    "bytea_output": "hex",
    "search_path": "",
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "row_security": "off",
    "default_transaction_read_only": "off",
}
"""Fixed for every session, so that the same data always has the same text and nothing ends our transaction.

An archive of past years may be set to read-only; it must be restored all the same."""


@dataclass(frozen=True)
class Database:
    """One database of a PostgreSQL server on this host, reached over its Unix socket as the server's OS user."""

    database: str
    socket_directory: Path = Path("/var/run/postgresql")
    port: int = 5432

    @property
    def place(self) -> str:
        """What people read."""
        return f"database {self.database} ({self.socket_directory}, port {self.port})"


@dataclass(frozen=True)
class ExportedSnapshot:
    """A snapshot that other sessions can import while its session lives; ``as_of`` is the time of its data."""

    id: str
    as_of: datetime
    major: int


def binary(name: str, major: int | None = None) -> Path:
    """Return Debian's ``name`` of server version ``major``, else of the newest one that is not older.

    Raises BackupError ``tool_missing``.
    """
    versions = sorted(
        int(path.parts[-3])
        for path in INSTALLED.glob(f"*/bin/{name}")
        if path.parts[-3].isdigit() and int(path.parts[-3]) >= (major or 0)
    )
    if not versions:
        raise BackupError("tool_missing", name, f"PostgreSQL {major or ''} is not installed below {INSTALLED}")
    return INSTALLED / str(versions[0] if major else versions[-1]) / "bin" / name


def environment(source: Database) -> dict[str, str]:
    """Return the whole environment of a PostgreSQL program that talks to ``source``.

    It names no encoding: then the database's own is spoken, and an old HIS with GBK in a SQL_ASCII database passes as
    it is.
    """
    return {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "PGHOST": str(source.socket_directory),
        "PGPORT": str(source.port),
        "PGUSER": OS_USER,
        "PGAPPNAME": "xinglin-backup",
        "PGCONNECT_TIMEOUT": "15",
        "PGOPTIONS": " ".join(f"-c {name}={value}" for name, value in TEXT_FORM.items()),
    }


def psql_command() -> list[str]:
    """Return psql for scripts: no start-up file, bare values, the first error ends it."""
    return [str(binary("psql")), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-f", "-"]


def as_server_user(
    argv: Sequence[str], source: Database, *, stdin: IO[bytes] | int, stdout: IO[bytes] | int, stderr: IO[bytes]
) -> subprocess.Popen[bytes]:
    """Start ``argv`` against ``source`` as the server's OS user, in its own session, ending with us."""
    return subprocess.Popen(
        ending_with_us(argv, user=OS_USER, death_signal="TERM"),
        env=environment(source) | {"PGDATABASE": source.database},
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        cwd="/",
        start_new_session=True,
    )


def said(stderr: IO[bytes]) -> str:
    """Return what a program wrote first to its error file, in one line of at most 300 characters.

    PostgreSQL's programs name the error before the query that met it.
    """
    stderr.seek(0)
    return " ".join(stderr.read().decode("utf-8", "replace").split())[:300]


def program(
    name: str, major: int, source: Database, arguments: Sequence[str], timeout_seconds: float
) -> tuple[int, str]:
    """Run one of PostgreSQL's programs to its end; return its exit code and what it said first.  Raises BackupError."""
    command = [str(binary(name, major)), *arguments]
    with tempfile.TemporaryFile() as output:
        process = as_server_user(command, source, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        try:
            returncode = process.wait(timeout_seconds)
        except subprocess.TimeoutExpired as error:
            raise BackupError("timed_out", source.place, f"{name}: limit {timeout_seconds:.0f} s") from error
        finally:
            end(process)
        return returncode, said(output)


def query(source: Database, script: str, timeout_seconds: float = ANSWER_SECONDS) -> str:
    """Run an SQL script and return its bare output; raises BackupError ``database_unreachable`` or ``dump_failed``."""
    with tempfile.TemporaryFile() as stdin, tempfile.TemporaryFile() as stderr:
        stdin.write(encoded(script))
        stdin.seek(0)
        process = as_server_user(psql_command(), source, stdin=stdin, stdout=subprocess.PIPE, stderr=stderr)
        try:
            output, _ = process.communicate(timeout=timeout_seconds)
        except subprocess.TimeoutExpired as error:
            raise BackupError("timed_out", source.place, f"limit {timeout_seconds:.0f} s") from error
        finally:
            end(process)
            if process.stdout:
                process.stdout.close()
        if process.returncode:
            raise psql_error(source, process.returncode, said(stderr))
        return decoded(output)


def dump_error(source: Database, returncode: int, text: str) -> BackupError:
    """Return the error for a pg_dump that failed."""
    code = "database_locked" if "LOCK TABLE" in text and "timeout" in text else "dump_failed"
    return BackupError(code, source.place, text or f"pg_dump ended with {returncode}")


def psql_error(source: Database, returncode: int, text: str) -> BackupError:
    """Return the error for psql's exit code: 2 means that there was no connection."""
    code = "database_unreachable" if returncode == 2 else "dump_failed"
    return BackupError(code, source.place, text or f"psql ended with {returncode}")


def dump_stream(
    source: Database, snapshot: ExportedSnapshot, stderr: IO[bytes]
) -> contextlib.AbstractContextManager[Producer]:
    """Start pg_dump (custom format, uncompressed: restic compresses and deduplicates) in the exported snapshot."""
    command = [str(binary("pg_dump", snapshot.major)), "--format=custom", "--compress=0", "--no-password"]
    command += [f"--snapshot={snapshot.id}", f"--lock-wait-timeout={DUMP_LOCK_SECONDS}s"]
    return producing(
        lambda stdout: as_server_user(command, source, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr)
    )


def dump_globals(source: Database, snapshot: ExportedSnapshot, kind: str, target: Path) -> None:
    """Write the server's ``roles`` or ``tablespaces`` as SQL to ``target`` (0600): pg_dump has neither.

    Raises BackupError ``dump_failed``.
    """
    if not re.fullmatch(r"roles|tablespaces", kind):
        raise ValueError(kind)
    command = [str(binary("pg_dumpall", snapshot.major)), f"--{kind}-only", "--no-password"]
    target.touch(mode=0o600)
    with target.open("wb") as stdout, tempfile.TemporaryFile() as stderr:
        process = as_server_user(command, source, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr)
        try:
            returncode = process.wait(ANSWER_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise BackupError("timed_out", source.place, f"pg_dumpall: limit {ANSWER_SECONDS:.0f} s") from error
        finally:
            end(process)
        if returncode:
            raise BackupError("dump_failed", source.place, said(stderr))
