"""Loads SQL files into a database of a live server: a dump under another name, and parts of databases."""

import contextlib
import re
import subprocess
import tempfile
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

from backup.errors import BackupError
from backup.process import end
from backup.sources.mariadb import catalogue, client
from backup.sources.mariadb.client import Server

LOAD_SECONDS = 12 * 3600.0
SCRIPT_SECONDS = 600.0
HEAD_LINES = 100
EVENT = re.compile(rb"^(/\*!50106 CREATE\*/ .*? ON COMPLETION (?:NOT )?PRESERVE) ENABLE\b")


def create_like(dump: Path, original: str, name: str, server: Server, place: str) -> None:
    """Make the empty database ``name`` with the character set that the dump tells of ``original``.

    Raises BackupError ``dump_damaged``, target_failed.
    """
    wanted = f"CREATE DATABASE /*!32312 IF NOT EXISTS*/ {catalogue.name(original)}"
    with dump.open("rb") as stream:
        head = [line.decode("utf-8", "replace") for _, line in zip(range(HEAD_LINES), stream, strict=False)]
    found = next((line for line in head if line.startswith(wanted)), None)
    if found is None:
        raise BackupError("dump_damaged", place, "the dump does not describe its database")
    asked(server, f"CREATE DATABASE {catalogue.name(name)}{found.removeprefix(wanted)}", place)


def asked(server: Server, script: str, place: str, seconds: float = SCRIPT_SECONDS) -> list[list[str]]:
    """Run a script; raises BackupError ``target_failed`` when the server refuses it."""
    try:
        return client.query(server, script, seconds)
    except BackupError as error:
        if error.cause.code == "dump_failed":
            raise BackupError("target_failed", place, error.cause.detail) from error
        raise


def load_dump(server: Server, dump: Path, original: str, name: str, place: str) -> None:
    """Load the dump of ``original`` into the database ``name``; events stay disabled.  Raises BackupError."""
    passed_over = (
        f"USE {catalogue.name(original)};\n".encode(),
        f"CREATE DATABASE /*!32312 IF NOT EXISTS*/ {catalogue.name(original)} ".encode(),
    )
    with dump.open("rb") as stream:
        lines = (line for line in stream if not line.startswith(passed_over))
        load(server, (EVENT.sub(rb"\1 DISABLE", line) for line in lines), name, place)


def load(
    server: Server, lines: Iterable[bytes], name: str | None, place: str, seconds: float = LOAD_SECONDS, *options: str
) -> None:
    """Run SQL with ``name`` as the default database; raises BackupError: target_failed, timed_out."""
    command = [*client.client(server), *([f"--database={name}"] if name else []), *options]
    with tempfile.TemporaryFile() as stderr:
        process = client.start(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=stderr)
        late = threading.Event()

        def stop() -> None:
            late.set()
            process.kill()

        timer = threading.Timer(seconds, stop)
        timer.start()
        try:
            # A client that is gone has said why.
            with contextlib.suppress(BrokenPipeError):
                _feed(process, lines)
            returncode = process.wait()
        finally:
            timer.cancel()
            end(process)
        if late.is_set():
            raise BackupError("timed_out", place, f"limit {seconds:.0f} s")
        if returncode and "--force" not in options:
            raise BackupError("target_failed", place, client.said(stderr) or f"mariadb ended with {returncode}")


def _feed(process: "subprocess.Popen[bytes]", lines: Iterable[bytes]) -> None:
    stdin = process.stdin
    if stdin is None:
        raise ValueError("the client has no stdin")
    try:
        for line in lines:
            stdin.write(line)
    finally:
        stdin.close()


def script(server: Server, database: str, target: Path, *options: str, tables: Iterable[str] = ()) -> Path:
    """Write definitions of a database as SQL to ``target`` (0600) with mariadb-dump; raises BackupError."""
    own = ["--skip-comments", "--no-data", "--single-transaction", *options, database, *tables]
    target.touch(mode=0o600)
    with target.open("wb") as stdout, tempfile.TemporaryFile() as stderr:
        command = client.command("mariadb-dump", server, *own)
        process = client.start(command, stdin=subprocess.DEVNULL, stdout=stdout.fileno(), stderr=stderr)
        try:
            returncode = process.wait(SCRIPT_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise BackupError("timed_out", server.place, f"mariadb-dump: limit {SCRIPT_SECONDS:.0f} s") from error
        finally:
            end(process)
        if returncode:
            words = client.said(stderr) or f"mariadb-dump ended with {returncode}"
            raise BackupError("target_failed", f"database {database} (MariaDB)", words)
    return target


def load_script(server: Server, source: Path, name: str, place: str) -> None:
    """Run what ``script`` wrote in the database ``name``; events stay disabled.  Raises BackupError."""
    with source.open("rb") as stream:
        load(server, _without_events_on(stream), name, place, SCRIPT_SECONDS)


def _without_events_on(lines: Iterable[bytes]) -> Iterator[bytes]:
    for line in lines:
        yield EVENT.sub(rb"\1 DISABLE", line)
