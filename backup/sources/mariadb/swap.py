"""Gives a restored database its name, and the live one another: MariaDB cannot rename a database.

All tables change places in one ``RENAME TABLE``, which MariaDB makes whole or not at all.  A table with triggers
refuses to leave its database, so triggers are dropped before and made anew after; until then the restored
tables that have some bear a working name, and an application gets an error instead of writing past a trigger.
(What it writes to the old tables in the instant between may lack a trigger's work: those are put aside.)
Views, routines and events are no tables: those of the restored database are made anew right after the tables changed
places, those of the old one in its new place, where its events stay disabled.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from backup.errors import BackupError
from backup.sources.mariadb import catalogue, client, users
from backup.sources.mariadb.catalogue import name as quoted
from backup.sources.mariadb.catalogue import text
from backup.sources.mariadb.client import Server
from backup.sources.mariadb.load import SCRIPT_SECONDS, asked, load, load_script, script
from backup.sources.mariadb.source import dump_users

WORKING = "xinglin_restoring_"
"""What bears a name that begins so is being restored, or was left by a dead restore: never a complete database."""
LOCK_SECONDS = 20


@dataclass(frozen=True)
class Shape:
    """The names of what a database consists of; ``triggers`` by their table's name."""

    tables: tuple[str, ...]
    views: tuple[str, ...]
    triggers: tuple[tuple[str, str], ...]
    routines: tuple[tuple[str, str], ...]
    events: tuple[str, ...]


def databases(server: Server) -> set[str]:
    """Return the names of all databases; raises BackupError ``database_unreachable``."""
    return {row[0] for row in client.query(server, "SHOW DATABASES;")}


def shape(server: Server, database: str) -> Shape:
    """Return what there is in a database."""
    here = text(database)

    def rows(query: str) -> list[list[str]]:
        return client.query(server, f"{query};", SCRIPT_SECONDS)

    tables = rows(f"SELECT TABLE_NAME, TABLE_TYPE FROM information_schema.TABLES WHERE TABLE_SCHEMA = {here}")  # noqa: S608
    triggers = rows(
        f"SELECT EVENT_OBJECT_TABLE, TRIGGER_NAME FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = {here}"  # noqa: S608
    )
    routines = rows(
        f"SELECT ROUTINE_TYPE, ROUTINE_NAME FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = {here}"  # noqa: S608
    )
    events = rows(f"SELECT EVENT_NAME FROM information_schema.EVENTS WHERE EVENT_SCHEMA = {here}")  # noqa: S608
    return Shape(
        tuple(name for name, kind in tables if kind != "VIEW"),
        tuple(name for name, kind in tables if kind == "VIEW"),
        tuple((table, trigger) for table, trigger in triggers),
        tuple((kind, routine) for kind, routine in routines),
        tuple(event for (event,) in events),
    )


def require_alone(server: Server, database: str) -> None:
    """Raise BackupError ``target_failed`` when tables of other databases refer to this one's: they would go along."""
    found = client.query(
        server,
        "SELECT DISTINCT CONCAT(TABLE_SCHEMA, '.', TABLE_NAME) FROM information_schema.KEY_COLUMN_USAGE "  # noqa: S608
        f"WHERE REFERENCED_TABLE_SCHEMA = {text(database)} AND TABLE_SCHEMA <> {text(database)};",
    )
    if found:
        detail = f"tables of other databases refer to it: {', '.join(row[0] for row in found[:5])}; restore it beside"
        raise BackupError("target_failed", f"database {database} (MariaDB)", detail)


@dataclass(frozen=True)
class Swap:
    """``working`` becomes ``live``; what ``live`` was becomes ``aside`` (None: there is no such database yet)."""

    server: Server
    working: str
    live: str
    aside: str | None
    scratch: Path

    @property
    def place(self) -> str:
        """What people read."""
        return f"database {self.live} (MariaDB)"

    def ask(self, statement: str) -> None:
        """Run a statement that waits for nobody's lock longer than that."""
        asked(self.server, f"SET SESSION lock_wait_timeout = {LOCK_SECONDS};\n{statement}", self.place)

    def do(self) -> None:
        """Do it; raises BackupError ``target_failed``.

        Until the tables have changed places and have their triggers, all is taken back when something fails.
        """
        new, old = shape(self.server, self.working), Shape((), (), (), (), ())
        new_views, new_code = self._views(self.working, new, "new"), self._code(self.working, "new")
        if self.aside:
            require_alone(self.server, self.live)
            old = shape(self.server, self.live)
            old_views, old_code = self._views(self.live, old, "old"), self._code(self.live, "old")
            old_triggers = self._triggers(self.live, "old")
            grants = self._routine_grants()
        hidden = {table: f"{WORKING}{n}" for n, table in enumerate(dict(new.triggers))}
        if hidden:
            self.ask(_renames([(self.working, t, self.working, hidden[t]) for t in hidden]))
        new_triggers = self._triggers(self.working, "new")
        like = asked(
            self.server, f"SHOW CREATE DATABASE {quoted(self.live if self.aside else self.working)};", self.place
        )
        options = like[0][1].partition("` ")[2]
        self.ask(f"CREATE DATABASE {quoted(self.aside or self.live)} {options};")
        self._change_places(new, old, hidden, new_triggers, old_triggers if self.aside else None)
        if self.aside:
            self._drop_code(old)
            restored = asked(self.server, f"SHOW CREATE DATABASE {quoted(self.working)};", self.place)[0][1]
            self.ask(f"ALTER DATABASE {quoted(self.live)} {restored.partition('` ')[2]};")
        for path in (new_code, new_views):
            load_script(self.server, path, self.live, self.place)
        if self.aside:
            load(self.server, [grants.encode()], None, self.place, SCRIPT_SECONDS)
            for path in (old_triggers, old_code, old_views):
                load_script(self.server, path, self.aside, f"database {self.aside} (MariaDB)")
        self.ask(f"DROP DATABASE {quoted(self.working)};")

    def _change_places(
        self, new: Shape, old: Shape, hidden: dict[str, str], new_triggers: Path, old_triggers: Path | None
    ) -> None:
        away = [(self.live, table, str(self.aside), table) for table in old.tables]
        come = [(self.working, hidden.get(table, table), self.live, hidden.get(table, table)) for table in new.tables]
        try:
            with self._ending_connections():
                self._drop_triggers(self.working, new)
                self._drop_triggers(self.live, old)
                self.ask(_renames(away + come))
            load_script(self.server, new_triggers, self.live, self.place)
            self.ask(_renames([(self.live, name, self.live, table) for table, name in hidden.items()]))
        except BaseException:
            # Not by a variable: we may have been interrupted right after the server did it.
            if new.tables and not shape(self.server, self.working).tables:
                self._drop_triggers(self.live, shape(self.server, self.live))
                back = [(b, t, a, s) for a, s, b, t in come] + [(b, t, a, s) for a, s, b, t in away]
                self.ask(_renames(back))
            if old_triggers:
                self._drop_triggers(self.live, shape(self.server, self.live))
                load_script(self.server, old_triggers, self.live, self.place)
            if not shape(self.server, self.aside or self.live).tables:
                self.ask(f"DROP DATABASE {quoted(self.aside or self.live)};")
            raise

    def _drop_triggers(self, database: str, what: Shape) -> None:
        self.ask("".join(f"DROP TRIGGER IF EXISTS {quoted(database)}.{quoted(name)};\n" for _, name in what.triggers))

    def _drop_code(self, old: Shape) -> None:
        """Drop what stays behind of the old database; packages' bodies go with them."""
        live = quoted(self.live)
        drops = [f"DROP VIEW IF EXISTS {live}.{quoted(name)};" for name in old.views]
        drops += [f"DROP EVENT IF EXISTS {live}.{quoted(name)};" for name in old.events]
        drops += [
            f"DROP {kind} IF EXISTS {live}.{quoted(name)};" for kind, name in old.routines if kind != "PACKAGE BODY"
        ]
        self.ask("\n".join(drops))

    def _views(self, database: str, what: Shape, word: str) -> Path:
        target = self.scratch / f"{word}.views.sql"
        if not what.views:
            target.touch(mode=0o600)
            return target
        return script(self.server, database, target, "--skip-triggers", tables=what.views)

    def _code(self, database: str, word: str) -> Path:
        options = ["--no-create-info", "--skip-triggers", "--routines", "--events"]
        return script(self.server, database, self.scratch / f"{word}.code.sql", *options)

    def _triggers(self, database: str, word: str) -> Path:
        return script(self.server, database, self.scratch / f"{word}.triggers.sql", "--no-create-info", "--triggers")

    def _routine_grants(self) -> str:
        target = self.scratch / "live.users.sql"
        dump_users(self.server, target)
        return users.routine_grants(target.read_text(encoding="utf-8"), quoted(self.live))

    @contextmanager
    def _ending_connections(self) -> Iterator[None]:
        """End the connections to the live database again and again, from a thread, until the block ends."""
        done = threading.Event()
        query = f"SELECT ID FROM information_schema.PROCESSLIST WHERE DB = {text(self.live)};"  # noqa: S608

        def keep_ending() -> None:
            while not done.wait(0.05):
                # One that is gone by itself is an error to KILL, and no matter.
                with suppress(BackupError):
                    for (number,) in client.query(self.server, query):
                        client.query(self.server, f"KILL {int(number)};")

        thread = threading.Thread(target=keep_ending, daemon=True)
        if self.aside:
            thread.start()
        try:
            yield
        finally:
            done.set()
            if self.aside:
                thread.join()


def _renames(moves: Sequence[tuple[str, str, str, str]]) -> str:
    each = [f"{quoted(a)}.{quoted(s)} TO {quoted(b)}.{quoted(t)}" for a, s, b, t in moves]
    return f"RENAME TABLE {', '.join(each)};" if each else ""


def enable_events(server: Server, database: str, events: Sequence[str], place: str) -> None:
    """Have events run again; their definer stays who it was, which ALTER EVENT would change."""
    query = "SELECT EVENT_NAME, DEFINER FROM information_schema.EVENTS "
    query += f"WHERE EVENT_SCHEMA = {catalogue.text(database)};"
    for event, definer in client.query(server, query):
        if event in events:
            user, _, host = definer.rpartition("@")
            who = f"{quoted(user)}@{quoted(host)}"
            asked(server, f"ALTER DEFINER = {who} EVENT {quoted(database)}.{quoted(event)} ENABLE;", place)
