"""A PostgreSQL database: its dump as a stream, roles and tablespaces staged, the manifest of the same snapshot."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from backup.config.reader import Reader, a_name, a_path, a_truth
from backup.errors import BackupError
from backup.night.backup_set import Part
from backup.postgres import manifest, postgresql, scratch
from backup.postgres.exported_snapshot import exported_snapshot
from backup.postgres.postgresql import Database
from backup.postgres.restore_database import restore_database
from backup.process import ProducerFailedError
from backup.sources.work import Stored, Work
from backup.verification.findings import Findings

SPACE_FACTOR = 2.5
"""The staged dump, the scratch server and its log together need about this much of the database's size."""


@dataclass(frozen=True)
class PostgresqlSource(Database):
    """One database of a PostgreSQL server on this host; ``point_in_time``: its server's WAL is archived, too."""

    point_in_time: bool = False
    kind: ClassVar[str] = "postgresql"

    @classmethod
    def read(cls, reader: Reader, data: Mapping[str, Any], where: str) -> Self | None:
        """Read ``{"postgresql": {"database": …, "point_in_time": …}}``."""
        here = f"{where}.{cls.kind}"
        allowed = {"socket_directory", "port", "point_in_time"}
        inner = reader.mapping(data[cls.kind], here, {"database"}, allowed)
        if reader.mapping(data, where, {cls.kind}, set()) is None or inner is None:
            return None
        full = {"socket_directory": "/var/run/postgresql", "port": 5432, "point_in_time": False} | dict(inner)
        return cls(
            database=reader.value(full, "database", here, a_name, "a database name"),
            socket_directory=reader.value(full, "socket_directory", here, a_path, "an absolute path"),
            port=reader.value(full, "port", here, int, "a port number"),
            point_in_time=reader.value(full, "point_in_time", here, a_truth, "true or false"),
        )

    @property
    def name(self) -> str:
        """The database's name."""
        return self.database

    def require(self) -> None:
        """Connect once; raises BackupError ``database_unreachable``."""
        postgresql.query(self, "SELECT 1;")

    def capture(self, work: Work) -> Part:
        """Dump it, and compute the manifest in the dump's own exported snapshot."""
        filename = f"{self.database}.dump"
        with exported_snapshot(self) as (session, snapshot), tempfile.TemporaryFile() as stderr:
            with postgresql.dump_stream(self, snapshot, stderr) as producer:
                try:
                    added = work.stream(filename, producer)
                except ProducerFailedError as error:
                    raise postgresql.dump_error(self, error.returncode, postgresql.said(stderr)) from error
            found = manifest.compute_in(session)
            manifest.require_tables(found, self)
            for kind in ("roles", "tablespaces"):
                postgresql.dump_globals(self, snapshot, kind, work.staging / f"{self.database}.{kind}.sql")
        work.notes.numbers |= {"tables": len(found.tables), "rows": found.rows}
        work.data_is_from(snapshot.as_of)
        return Part(self.kind, self.name, added.snapshot_id, filename, added.bytes_processed, found.to_json())

    def prove(self, part: Part, stored: Stored, findings: Findings) -> None:
        """Restore it into a scratch server of the same version and compare."""
        try:
            expected = manifest.from_json(part.manifest)
        except (KeyError, TypeError, AttributeError) as error:
            raise BackupError("manifest_missing", f"database {part.name}", f"not a manifest: {error!r}") from error
        scratch.require_space(stored.place, SPACE_FACTOR * expected.size_bytes)
        with findings.phase("fetch"):
            staged = stored.fetch(part, findings)
            roles = stored.staged(f"{expected.database}.roles.sql")
        restore_database(expected, staged, roles, stored.place, findings)
