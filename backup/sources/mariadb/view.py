"""One consistent view for the dump and the manifest: all of the server held still for the moment both begin.

``FLUSH TABLES WITH READ LOCK`` stops every commit; meanwhile the dump begins its transaction and so does the
manifest's session.  Then the lock goes: InnoDB gives both the same data for as long as they take.  Tables of other
engines know no views of the past: those stay locked for writing until both are done.  The manifest's session
also holds a metadata lock on every table, so that none is altered meanwhile.
"""

import contextlib
import fcntl
import struct
import subprocess
import termios
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import IO

from backup.errors import BackupError
from backup.process import Producer, producing
from backup.sources.mariadb import catalogue, client
from backup.sources.mariadb.client import Server, Session
from backup.sources.mariadb.manifest import Schema, schema, tables_of

LOCK_SECONDS = 20
"""How long we may wait for the lock: while we wait, the server lets nobody else write, either."""
BEGIN_SECONDS = 60.0
BEGUN_BYTES = 4096
"""More than the dump's head, which it writes before its transaction begins; what follows comes from within it."""
TOUCHED_TOGETHER = 100


@dataclass(frozen=True)
class View:
    """The running dump and the session that sees the same data; ``as_of`` is the time of that data."""

    producer: Producer
    session: Session
    as_of: datetime
    schema: Schema

    def require_same_schema(self, database: str, place: str) -> None:
        """Raise BackupError ``schema_changed`` when an object is not what it was when the view began."""
        now = schema(self.session, database)
        for kind, objects in self.schema.items():
            differing = sorted(
                name for name in objects.keys() | now[kind].keys() if objects.get(name) != now[kind].get(name)
            )
            if differing:
                raise BackupError("schema_changed", place, f"{kind}: {', '.join(differing[:5])}")


def dump_command(server: Server, database: str) -> list[str]:
    """Return mariadb-dump of one database, with its CREATE DATABASE."""
    own = ["--single-transaction", "--quick", "--routines", "--triggers", "--events", "--hex-blob"]
    return client.command("mariadb-dump", server, *own, "--databases", database)


@contextlib.contextmanager
def consistent(server: Server, database: str, stderr: IO[bytes]) -> Iterator[View]:
    """Start the dump and a session in the same view; all of it ends with the block.

    Raises BackupError: database_unreachable, database_busy when the lock could not be had, timed_out, dump_failed.
    """
    with contextlib.ExitStack() as stack:
        session = stack.enter_context(client.session(server))
        holder = stack.enter_context(client.session(server))
        # What is equal now and at the end was so in between: none of this need happen under the lock.
        before, listed = schema(session, database), tables_of(session, database)
        with client.session(server) as gate:
            gate.ask(f"SET SESSION lock_wait_timeout = {LOCK_SECONDS}; FLUSH TABLES WITH READ LOCK;", 2 * LOCK_SECONDS)
            session.ask(catalogue.OPENING)
            as_of = datetime.now(UTC)
            for first in range(0, len(listed), TOUCHED_TOGETHER):
                session.ask(catalogue.touch(database, listed[first : first + TOUCHED_TOGETHER]))
            _hold(holder, database, [table.name for table in listed if table.engine != "InnoDB"])
            command = dump_command(server, database)
            producer = stack.enter_context(
                producing(lambda stdout: client.start(command, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr))
            )
            _await_begin(producer, server)
            gate.ask("UNLOCK TABLES;")
        yield View(producer, session, as_of, before)


def _hold(holder: Session, database: str, tables: list[str]) -> None:
    """Keep writers out of tables whose engine has no transactions."""
    if tables:
        names = ", ".join(f"{catalogue.name(database)}.{catalogue.name(table)} READ" for table in tables)
        holder.ask(f"SET SESSION lock_wait_timeout = {LOCK_SECONDS}, wait_timeout = 86400; LOCK TABLES {names};")


def _await_begin(producer: Producer, server: Server) -> None:
    """Return when the dump's transaction has begun: nobody reads its pipe yet, so what is in it tells."""
    deadline = time.monotonic() + BEGIN_SECONDS
    while producer.process.poll() is None:
        if _waiting_bytes(producer.read_end) >= BEGUN_BYTES:
            return
        if time.monotonic() > deadline:
            raise BackupError("timed_out", server.place, f"mariadb-dump did not begin within {BEGIN_SECONDS:.0f} s")
        time.sleep(0.01)


def _waiting_bytes(descriptor: int) -> int:
    count: int = struct.unpack("i", fcntl.ioctl(descriptor, termios.FIONREAD, b"\0" * 4))[0]
    return count
