"""A PostgreSQL dump as a part of a restore: where it goes, and the whole way there."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from backup.config.policy import Config
from backup.errors import BackupError
from backup.night.backup_set import Part
from backup.postgres import manifest
from backup.postgres.manifest import DatabaseManifest
from backup.postgres.postgresql import Database
from backup.report import size
from backup.restore import database, server
from backup.restore.database import DatabaseTarget
from backup.restore.record import RestoreRecorder
from backup.restore.request import Request
from backup.restore.restorer import Asked
from backup.sources.work import Stored
from backup.verification import verify
from backup.verification.findings import Findings

SIZE_FACTOR = 1.2
"""A restored database with its log needs about this much of the original's size."""


@dataclass(frozen=True)
class DatabasePlan:
    """A PostgreSQL dump, what it must restore to, and where."""

    part: Part
    expected: DatabaseManifest
    place: DatabaseTarget

    @property
    def what(self) -> str:
        """The database."""
        return f"database {self.part.name}"

    @property
    def target(self) -> str:
        """The database that it becomes."""
        return f"database {self.place.name}"

    @property
    def confirmation(self) -> str | None:
        """The live database's name."""
        return self.place.name if self.place.in_place else None

    def lines(self) -> list[str]:
        """Return what would be done, for people."""
        held = f"{size(self.part.bytes)} to read, {len(self.expected.tables)} tables, {self.expected.rows} rows"
        told = [f"{self.what}: {held}, as the database {self.place.name}"]
        if self.place.in_place and self.place.aside:
            told.append(f"  the live database {self.place.name} becomes {self.place.aside}; its connections are ended")
        return told

    def to_json(self) -> dict[str, Any]:
        """Return what would be done, for machines."""
        return {
            "database": self.part.name,
            "tables": len(self.expected.tables),
            "rows": self.expected.rows,
            "target": self.place.name,
            "live_becomes": self.place.aside,
        }

    def needs(self) -> list[tuple[Path, float]]:
        """Return the staged dump's size, and the database's."""
        return [
            (verify.SCRATCH_PARENT, self.part.bytes),
            (server.data_directory(self.place.live), SIZE_FACTOR * self.expected.size_bytes),
        ]

    def restore(self, stored: Stored, recorder: RestoreRecorder, hints: list[str]) -> None:
        """Load it under a working name, compare it with its manifest, and give it its name."""
        server.sweep(self.place.live)
        with recorder.step("fetch") as notes:
            dump = stored.fetch(self.part, Findings(lambda _: None))
            roles = stored.staged(f"{self.expected.database}.roles.sql").read_text(encoding="utf-8")
            notes.numbers["bytes_fetched"] = self.part.bytes
        working = database.load(dump, roles, self.place, recorder)
        dump.unlink()
        finish(self.expected, working, self.place, recorder, hints)


def plan(asked: Asked, part: Part) -> DatabasePlan:
    """Work out where the database goes; raises BackupError: manifest_missing, target_exists, target_failed."""
    try:
        expected = manifest.from_json(part.manifest)
    except (KeyError, TypeError, AttributeError) as error:
        raise BackupError("manifest_missing", f"database {part.name}", f"not a manifest: {error!r}") from error
    live = live_database(asked.config, asked.request.policy, expected.database)
    target = database_target(asked.request, live, asked.sealed.as_of, asked.config.timezone, asked.stamp())
    here, original = server.major(live), int(expected.server_version.partition(".")[0])
    if here < original:
        detail = f"this server is PostgreSQL {here}, the dump is of {original}"
        raise BackupError("target_failed", f"database {target.name}", detail)
    return DatabasePlan(part, expected, target)


def live_database(config: Config, policy: str, name: str) -> Database:
    """Return where the database ``name`` lives on this host, as the policy says; else Debian's own server."""
    for source in config.policy(policy).sources:
        if isinstance(source, Database) and source.database == name:
            return Database(name, source.socket_directory, source.port)
    return Database(name)


def database_target(request: Request, live: Database, as_of: datetime, timezone: str, stamp: str) -> DatabaseTarget:
    """Return where a database goes, which must be free; raises BackupError ``target_exists``."""
    there = server.databases(live)
    taken_at = f"{as_of.astimezone(ZoneInfo(timezone)):%Y%m%d%H%M}"
    aside = None
    if request.in_place:
        name = live.database
        aside = f"{name}_before_{stamp}" if name in there else None
    else:
        name = request.target if request.target and not request.target.startswith("/") else ""
        name = name or f"{live.database}_restored_{taken_at}"
    for new in ([aside] if aside else []) if request.in_place else [name]:
        server.require_name(new)
        if new in there:
            raise BackupError("target_exists", f"database {new}", f"on {live.socket_directory}, port {live.port}")
    return DatabaseTarget(live, name, request.in_place, aside)


def finish(
    expected: DatabaseManifest, working: Database, target: DatabaseTarget, recorder: RestoreRecorder, hints: list[str]
) -> None:
    """Compare the restored database and give it its name; raises BackupError ``manifest_mismatch``, target_failed."""
    try:
        difference = database.compare_with(expected, working, recorder)
    except BaseException:
        server.drop(target.live, working.database)
        raise
    if difference and target.in_place:
        # What differs from its manifest never takes the place of live data by itself.
        name = working.database.replace(server.WORKING, f"{target.name}_differs_")
        target = DatabaseTarget(target.live, name, in_place=False, aside=target.aside)
    hints.append(f"to undo: {database.put_in_place(working, target, recorder)}")
    if target.in_place and target.aside:
        hints.append(f"the database as it was before is {target.aside}; drop it when nobody needs it any more")
    if difference:
        hints.append(f"what could be restored is the database {target.name}: look at it before you use it")
        raise difference
