"""The MariaDB source: its dump as a stream, users and grants staged, the manifest of the same view."""

import contextlib
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

from backup.config.reader import Reader, a_name, a_path
from backup.errors import BackupError
from backup.night.backup_set import Part
from backup.postgres.scratch import require_space
from backup.process import ProducerFailedError, end
from backup.sources.mariadb import client, dump_file, manifest, scratch, self_test
from backup.sources.mariadb.client import Server
from backup.sources.mariadb.restored import require_equal
from backup.sources.mariadb.view import consistent
from backup.sources.work import Stored, Work
from backup.status import format_time
from backup.verification.findings import Findings

SPACE_FACTOR = 3.0
"""The staged dump, the scratch server and its log together need about this much of the database's size."""
RESTORE_SECONDS = 6 * 3600.0
GRANTS_SECONDS = 300.0


@dataclass(frozen=True)
class MariadbSource:
    """One database of a MariaDB server on this host."""

    database: str
    socket: Path = client.SOCKET
    kind: ClassVar[str] = "mariadb"

    @classmethod
    def read(cls, reader: Reader, data: Mapping[str, Any], where: str) -> Self | None:
        """Read ``{"mariadb": {"database": …}}``."""
        here = f"{where}.{cls.kind}"
        inner = reader.mapping(data[cls.kind], here, {"database"}, {"socket"})
        if reader.mapping(data, where, {cls.kind}, set()) is None or inner is None:
            return None
        return cls(
            database=reader.value(inner, "database", here, a_name, "a database name"),
            socket=reader.value({"socket": str(client.SOCKET)} | dict(inner), "socket", here, a_path, "a path"),
        )

    @property
    def name(self) -> str:
        """The database's name, apart from a PostgreSQL database's."""
        return f"mariadb-{self.database}"

    @property
    def place(self) -> str:
        """What people read."""
        return f"database {self.database} (MariaDB, {self.socket})"

    @property
    def server(self) -> Server:
        """Its server."""
        return Server(self.socket)

    def require(self) -> None:
        """See that the server answers and has the database; raises BackupError ``database_unreachable``."""
        if [self.database] not in client.query(self.server, "SHOW DATABASES;"):
            raise BackupError("database_unreachable", self.place, "the server has no such database")

    def capture(self, work: Work) -> Part:
        """Dump it, and compute the manifest in the same view."""
        filename = f"{self.name}.sql"
        with tempfile.TemporaryFile() as stderr, consistent(self.server, self.database, stderr) as view:
            try:
                added = work.stream(filename, view.producer)
            except ProducerFailedError as error:
                words = client.said(stderr) or f"mariadb-dump ended with {error.returncode}"
                raise BackupError("dump_failed", self.place, words) from error
            found = manifest.compute(view.session, self.database, view.schema, as_of=format_time(view.as_of))
            view.require_same_schema(self.database, self.place)
            manifest.require_tables(found, self.place)
            as_of = view.as_of
        dump_users(self.server, work.staging / f"{self.name}.users.sql")
        work.notes.numbers |= {"tables": len(found.tables), "rows": found.rows}
        work.data_is_from(as_of)
        return Part(self.kind, self.name, added.snapshot_id, filename, added.bytes_processed, found.to_json())

    def prove(self, part: Part, stored: Stored, findings: Findings) -> None:
        """Restore it into a scratch server of the same version and compare."""
        try:
            expected = manifest.from_json(part.manifest)
        except (KeyError, TypeError, AttributeError) as error:
            raise BackupError("manifest_missing", part.name, f"not a manifest: {error!r}") from error
        place = f"database {expected.database} (MariaDB)"
        scratch.require_version(str(expected.server["version"]), place)
        require_space(stored.place, SPACE_FACTOR * expected.size_bytes)
        with findings.phase("fetch"):
            staged = stored.fetch(part, findings)
            users = stored.staged(f"{part.name}.users.sql")
        with findings.phase("read"):
            dump_file.require_whole(expected, staged, findings, place)
        with contextlib.ExitStack() as stack:
            with findings.phase("server"):
                server = stack.enter_context(scratch.server(stored.place, expected.server))
            with findings.phase("restore"):
                _load(server, users, place, GRANTS_SECONDS, "--force")
                _load(server, staged, place, RESTORE_SECONDS)
            with findings.phase("compare"):
                restored = require_equal(expected, server, findings, place)
            if findings.self_test:
                with findings.phase("self-test"):
                    self_test.run(expected, restored, server, staged, findings)


def dump_users(server: Server, target: Path) -> None:
    """Write all users, roles and grants as SQL (0600); it holds password hashes."""
    target.touch(mode=0o600)
    command = client.command("mariadb-dump", server, "--system=users", "--insert-ignore")
    with target.open("wb") as stdout, tempfile.TemporaryFile() as stderr:
        process = client.start(command, stdin=subprocess.DEVNULL, stdout=stdout.fileno(), stderr=stderr)
        returncode = _wait(process, GRANTS_SECONDS, server.place)
        if returncode:
            raise client.failure(server.place, client.said(stderr), returncode)


def _load(server: Server, script: Path, place: str, timeout_seconds: float, *options: str) -> None:
    """Run an SQL file.  ``--comments``: the client would strip them from stored routines."""
    command = [*client.client(server), *options]
    with script.open("rb") as stdin, tempfile.TemporaryFile() as stderr:
        process = client.start(command, stdin=stdin, stdout=subprocess.DEVNULL, stderr=stderr)
        returncode = _wait(process, timeout_seconds, place)
        if returncode and "--force" not in options:
            raise BackupError("restore_failed", place, client.said(stderr) or f"mariadb ended with {returncode}")


def _wait(process: "subprocess.Popen[bytes]", timeout_seconds: float, place: str) -> int:
    try:
        return process.wait(timeout_seconds)
    except subprocess.TimeoutExpired as error:
        raise BackupError("timed_out", place, f"limit {timeout_seconds:.0f} s") from error
    finally:
        end(process)
