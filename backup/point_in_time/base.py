"""A base backup of a whole PostgreSQL cluster: what the WAL is replayed onto.  Part of the nightly set.

It is a tar of the data directory with the WAL that makes it consistent, straight from ``pg_basebackup`` into a snapshot
of its own (``kind=base``), and it must pass ``pg_verifybackup`` each time it is proved.
"""

import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

from backup.errors import BackupError
from backup.night.backup_set import Part
from backup.night.recorder import now_utc
from backup.point_in_time import wal
from backup.point_in_time.unpack import unpack, verify_base
from backup.postgres import postgresql, scratch
from backup.postgres.postgresql import Database
from backup.process import ProducerFailedError, producing
from backup.sources.work import Source, Stored, Work
from backup.status import Cause, format_time, parse_time
from backup.verification.findings import Findings

SPOOL = Path("/var/lib/xinglin/wal")
"""Where ``archive_command`` puts finished WAL, in a directory for each server port."""
SPACE_FACTOR = 1.1

FACTS = """
SELECT (SELECT system_identifier FROM pg_control_system()), pg_walfile_name(pg_current_wal_lsn()),
       current_setting('server_version'), current_setting('archive_mode'),
       (SELECT count(*) FROM pg_tablespace WHERE spcname !~ '^pg_'),
       (SELECT sum(pg_database_size(oid)) FROM pg_database), pg_size_bytes(current_setting('wal_segment_size'));
"""


@dataclass(frozen=True)
class BaseManifest:
    """What a base backup holds.

    ``wal_start`` is a segment at or before its first, ``finished_at`` the first moment that can be reached from it.
    """

    system_identifier: str
    server_version: str
    wal_start: str
    segment_bytes: int
    data_bytes: int
    finished_at: datetime

    @property
    def major(self) -> int:
        """The server's major version."""
        return int(self.server_version.partition(".")[0])

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {**vars(self), "finished_at": format_time(self.finished_at)}


def read_manifest(part: Part) -> BaseManifest:
    """Read a part's manifest; raises BackupError ``manifest_missing``."""
    try:
        return BaseManifest(**{**part.manifest, "finished_at": parse_time(part.manifest["finished_at"])})
    except (KeyError, TypeError, ValueError) as error:
        raise BackupError("manifest_missing", f"base {part.name}", f"not a manifest: {error!r}") from error


@dataclass(frozen=True)
class BaseSource:
    """The cluster behind a database whose policy wants any point in time."""

    server: Database
    kind: ClassVar[str] = "postgresql_base"
    filename: ClassVar[str] = "base.tar"

    @property
    def name(self) -> str:
        """The server's port, which is the cluster's name on a host."""
        return f"cluster-{self.server.port}"

    @property
    def place(self) -> str:
        """What people read."""
        return f"PostgreSQL cluster ({self.server.socket_directory}, port {self.server.port})"

    @property
    def spool(self) -> Path:
        """Where its finished WAL is."""
        return SPOOL / str(self.server.port)

    def require(self) -> None:
        """See that its WAL is archived; raises BackupError ``wal_not_archived``, ``database_unreachable``."""
        command = postgresql.query(self.server, "SHOW archive_command;").strip()
        if str(self.spool) not in command:
            raise BackupError("wal_not_archived", self.place, f"archive_command: {command}")

    def capture(self, work: Work) -> Part:
        """Store the cluster as one tar; raises BackupError ``base_failed``."""
        system, start, version, archive_mode, tablespaces, data, segment = self._facts()
        if archive_mode == "off":
            raise BackupError("wal_not_archived", self.place, "archive_mode is off: PostgreSQL must be started again")
        if tablespaces != "0":
            raise BackupError("base_failed", self.place, f"{tablespaces} tablespace(s) of its own: not supported")
        tool = str(postgresql.binary("pg_basebackup", int(version.partition(".")[0])))
        command = [tool, "--pgdata=-", "--format=tar", "--wal-method=fetch", "--checkpoint=fast", "--no-password"]
        with tempfile.TemporaryFile() as stderr:
            try:
                with producing(
                    lambda stdout: postgresql.as_server_user(
                        command, self.server, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr
                    )
                ) as producer:
                    added = work.stream(self.filename, producer, wal.BASE_KIND, [f"system={system}", f"from={start}"])
            except ProducerFailedError as error:
                words = postgresql.said(stderr) or f"pg_basebackup ended with {error.returncode}"
                raise BackupError("base_failed", self.place, words) from error
        manifest = BaseManifest(system, version, start, int(segment), int(data), now_utc())
        return Part(self.kind, self.name, added.snapshot_id, self.filename, added.bytes_processed, manifest.to_json())

    def _facts(self) -> list[str]:
        return postgresql.query(self.server, FACTS).strip().split("|")

    def prove(self, part: Part, stored: Stored, findings: Findings) -> None:
        """Unpack it and have PostgreSQL's own tool check every file and that the WAL it needs is there."""
        manifest = read_manifest(part)
        scratch.require_space(stored.place, SPACE_FACTOR * part.bytes)
        data = stored.place / "data"
        with findings.phase("fetch"):
            unpack(stored.repository, stored.id_here(part), self.filename, data)
        with findings.phase("base"):
            words = verify_base(data, manifest.major)
        damaged = Cause("base_damaged", f"base {part.name}", words)
        findings.require(f"{part.name}: pg_verifybackup", not words, "no complaint", words or "none", damaged)


def with_bases(sources: Iterable[Source]) -> tuple[Source, ...]:
    """Return ``sources`` and, for each server of a database that wants any point in time, its base backup."""
    given = tuple(sources)
    servers = {
        (source.socket_directory, source.port): None
        for source in given
        if isinstance(source, Database) and getattr(source, "point_in_time", False)
    }
    return (*given, *(BaseSource(Database("postgres", directory, port)) for directory, port in servers))
