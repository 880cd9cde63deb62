"""A MariaDB dump as a part of a restore: under a working name, compared with its manifest, then given its name."""

import re
import secrets
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from backup.errors import BackupError
from backup.night.backup_set import Part
from backup.report import size
from backup.restore.record import RestoreRecorder
from backup.restore.restorer import Asked
from backup.sources.mariadb import catalogue, client, dump_file, load, manifest, swap, users
from backup.sources.mariadb.client import Server
from backup.sources.mariadb.manifest import Manifest
from backup.sources.mariadb.restored import require_equal
from backup.sources.mariadb.source import MariadbSource
from backup.sources.mariadb.swap import Swap
from backup.sources.work import Stored
from backup.verification import verify
from backup.verification.findings import Findings

SIZE_FACTOR = 1.5
"""A restored database with its logs needs about this much of the original's size."""
NAME_LENGTH = 64
ENABLED_EVENT = re.compile(
    rb"^/\*!50106 CREATE\*/ .*?EVENT `((?:[^`]|``)+)` .*? ON COMPLETION (?:NOT )?PRESERVE ENABLE\b"
)


@dataclass(frozen=True)
class MariadbPlan:
    """A dump, what it must restore to, and its name then; in place, ``aside`` is the live one's new name."""

    part: Part
    expected: Manifest
    server: Server
    name: str
    in_place: bool
    aside: str | None

    @property
    def what(self) -> str:
        """The database."""
        return f"MariaDB database {self.expected.database}"

    @property
    def target(self) -> str:
        """The database that it becomes."""
        return f"MariaDB database {self.name}"

    @property
    def confirmation(self) -> str | None:
        """The live database's name."""
        return self.name if self.in_place else None

    def lines(self) -> list[str]:
        """Return what would be done, for people."""
        held = f"{size(self.part.bytes)} to read, {len(self.expected.tables)} tables, {self.expected.rows} rows"
        told = [f"{self.what}: {held}, as the database {self.name}"]
        if self.aside:
            told.append(f"  the live database {self.name} becomes {self.aside}; its connections are ended")
        if absent := self._missing_users():
            told.append(f"  users and roles that this server lacks and that are made: {', '.join(absent)}")
        if not self.in_place and self.expected.schema["events"]:
            told.append("  its events will be there, but disabled")
        return told

    def to_json(self) -> dict[str, Any]:
        """Return what would be done, for machines."""
        return {
            "database": self.expected.database,
            "tables": len(self.expected.tables),
            "rows": self.expected.rows,
            "target": self.name,
            "live_becomes": self.aside,
            "users_made": self._missing_users(),
        }

    def _missing_users(self) -> list[str]:
        return sorted(set(self.expected.users) - {row[0] for row in client.query(self.server, catalogue.USERS)})

    def needs(self) -> list[tuple[Path, float]]:
        """Return the staged dump's size, and the database's."""
        ((directory,),) = client.query(self.server, "SELECT @@datadir;")
        return [
            (verify.SCRATCH_PARENT, self.part.bytes),
            (Path(directory), SIZE_FACTOR * max(self.expected.size_bytes, self.part.bytes)),
        ]

    @property
    def _place(self) -> str:
        return f"database {self.name} (MariaDB)"

    def restore(self, stored: Stored, recorder: RestoreRecorder, hints: list[str]) -> None:
        """Load it under a working name, compare it with its manifest, and give it its name."""
        with recorder.step("fetch") as notes:
            sweep(self.server)
            dump = stored.fetch(self.part, Findings(lambda _: None))
            script = stored.staged(f"{self.part.name}.users.sql").read_text(encoding="utf-8")
            notes.numbers["bytes_fetched"] = self.part.bytes
        with recorder.step("read"):
            dump_file.require_whole(self.expected, dump, Findings(lambda _: None), self._place)
            events = enabled_events(dump)
        working = swap.WORKING + secrets.token_hex(4)
        existing = [row[0] for row in client.query(self.server, catalogue.USERS)]
        made, statements = users.missing(script, existing)
        try:
            with recorder.step("restore") as notes:
                self._make_users(statements)
                load.create_like(dump, self.expected.database, working, self.server, self._place)
                load.load_dump(self.server, dump, self.expected.database, working, self._place)
                notes.numbers |= {"users_made": len(made), "bytes": self.part.bytes}
            dump.unlink()
            difference = self._compare(working, recorder)
            target = self
            if difference and self.in_place:
                # What differs from its manifest never takes the place of live data by itself.
                name = f"{self.name}_differs_{working.removeprefix(swap.WORKING)}"[-NAME_LENGTH:]
                target = replace(self, name=name, in_place=False, aside=None)
            with recorder.step("switch"):
                Swap(self.server, working, target.name, target.aside, stored.place).do()
                if target.in_place:
                    swap.enable_events(self.server, target.name, events, self._place)
                    # Grants on single tables and routines need them to be there.
                    self._make_users(statements)
        except BaseException:
            sweep(self.server)
            raise
        hints += target.hints(made, events)
        if difference:
            hints.append(f"what could be restored is the database {target.name}: look at it before you use it")
            raise difference

    def _make_users(self, statements: str) -> None:
        # Grants on what is not there (yet) are refused one by one; the comparison tells whether a user is missing.
        load.load(self.server, [statements.encode()], None, self._place, load.SCRIPT_SECONDS, "--force")

    def _compare(self, working: str, recorder: RestoreRecorder) -> BackupError | None:
        with recorder.step("compare") as notes:
            try:
                got = require_equal(self.expected, self.server, Findings(lambda _: None), self._place, working)
            except BackupError as error:
                if error.cause.code != "manifest_mismatch":
                    raise
                notes.warning = error.cause
                return error
            notes.numbers |= {"tables": len(got.tables), "rows": got.rows}
        return None

    def hints(self, made: list[str], events: list[str]) -> list[str]:
        """Return what to do next, and how to take it back."""
        client_command = f"mariadb --socket={self.server.socket}"
        told = [f"users and roles made, with the passwords of that night: {', '.join(made)}"] if made else []
        if self.aside:
            undo = f"mariadb-dump --socket={self.server.socket} --routines --triggers --events {self.aside}"
            told.append(f"to undo: {undo} | {client_command} {self.name}")
            told.append("  (events stay disabled then: ALTER EVENT … ENABLE)" if events else "")
            told.append(f"the database as it was before is {self.aside}; drop it when nobody needs it any more")
        else:
            told.append(f"to undo: {client_command} -e 'DROP DATABASE {catalogue.name(self.name)}'")
        if not self.in_place:
            told += [f"its events are disabled: {', '.join(events)}"] if events else []
            told += [f"no user but root has rights on it yet: GRANT … ON {catalogue.name(self.name)}.* TO …"]
            views = self._views_of_original()
            told += [f"these views still read from {self.expected.database}: {', '.join(views)}"] if views else []
        return [line for line in told if line]

    def _views_of_original(self) -> list[str]:
        where = catalogue.text(f"{catalogue.name(self.expected.database)}.")
        query = "SELECT TABLE_NAME FROM information_schema.VIEWS "
        query += f"WHERE TABLE_SCHEMA = {catalogue.text(self.name)} AND LOCATE({where}, VIEW_DEFINITION);"
        return [row[0] for row in client.query(self.server, query)]


def plan(asked: Asked, part: Part) -> MariadbPlan:
    """Work out where the database goes; raises BackupError: manifest_missing, target_exists, target_failed."""
    try:
        expected = manifest.from_json(part.manifest)
    except (KeyError, TypeError, AttributeError) as error:
        raise BackupError("manifest_missing", part.name, f"not a manifest: {error!r}") from error
    sources = asked.config.policy(asked.request.policy).sources
    named = [source for source in sources if isinstance(source, MariadbSource) and source.database == expected.database]
    server = named[0].server if named else Server()
    there = swap.databases(server)
    aside = None
    if asked.request.in_place:
        name = expected.database
        aside = f"{name}_before_{asked.stamp()}" if name in there else None
        if aside:
            swap.require_alone(server, name)
    else:
        name = asked.new_name() or f"{expected.database}_restored_{asked.taken_at()}"
    new = aside if asked.request.in_place else name
    if new:
        require_name(new)
    if new in there:
        raise BackupError("target_exists", f"database {new} (MariaDB)", f"on {server.socket}")
    _require_version(server, str(expected.server["version"]), name)
    return MariadbPlan(part, expected, server, name, asked.request.in_place, aside)


def require_name(name: str) -> None:
    """Raise BackupError ``configuration_wrong`` for a name that MariaDB would not take, or that is ours."""
    ours = name.startswith(swap.WORKING)
    if not name or len(name) > NAME_LENGTH or ours or not name.isprintable() or set(name) & set("'\"`\\/. "):
        detail = f"a database name has at most {NAME_LENGTH} characters, no quotes, dots or spaces, and does not begin "
        raise BackupError("configuration_wrong", f"database {name}", f"{detail}with {swap.WORKING}")


def _require_version(server: Server, original: str, name: str) -> None:
    ((version,),) = client.query(server, "SELECT VERSION();")
    here, there = (tuple(map(int, re.findall(r"\d+", text)[:2])) for text in (version, original))
    if here < there:
        detail = f"this server is MariaDB {version}, the dump is of {original}"
        raise BackupError("target_failed", f"database {name} (MariaDB)", detail)


def sweep(server: Server) -> None:
    """Drop what dead restores left half done.  Call it under the restores' mutex."""
    for name in swap.databases(server):
        if name.startswith(swap.WORKING):
            load.asked(server, f"DROP DATABASE {catalogue.name(name)};", f"database {name} (MariaDB)")


def enabled_events(dump: Path) -> list[str]:
    """Return the events that were enabled when the dump was made."""
    with dump.open("rb") as stream:
        found = (ENABLED_EVENT.match(line) for line in stream)
        return [each[1].decode().replace("``", "`") for each in found if each]
