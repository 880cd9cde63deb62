"""The live PostgreSQL server as the target of a restore: what is there, new databases, the one step that switches."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from backup.errors import BackupError
from backup.postgres import postgresql
from backup.postgres.postgresql import Database
from backup.postgres.psql_session import session
from backup.restore import programs
from backup.restore.roles import unquoted

WORKING = "xinglin_restoring_"
"""A database of this prefix is one that is being restored, or that a dead restore left: never a complete one."""
ENTRIES = re.compile(r"^\d+; \d+ \d+ (?:DATABASE|ACL - DATABASE|COMMENT - DATABASE|DATABASE PROPERTIES) ")
STATEMENT = re.compile(
    r"^(?P<before>(?:CREATE|ALTER|COMMENT ON) DATABASE|(?:GRANT|REVOKE) .* ON DATABASE|ALTER ROLE \S+ IN DATABASE) "
    r'(?P<name>"(?:[^"]|"")+"|[^\s";]+)',
    re.MULTILINE,
)
COMMANDS = re.compile(r"\\(?:connect|restrict|unrestrict) ")
NAME_BYTES = 63


def maintenance(source: Database) -> Database:
    """Return the server's maintenance database."""
    return Database("postgres", source.socket_directory, source.port)


def quoted(name: str) -> str:
    """Return ``name`` as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return ``text`` as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def require_name(name: str) -> None:
    """Raise BackupError ``configuration_wrong`` for a name that PostgreSQL would cut, or that is ours."""
    too_long = len(name.encode()) > NAME_BYTES
    if too_long or name.startswith(WORKING) or not name.isprintable() or not name or set(name) & set("'\"\\"):
        detail = f"a database name has at most {NAME_BYTES} bytes, no quotes, and does not begin with {WORKING}"
        raise BackupError("configuration_wrong", f"database {name}", detail)


def databases(source: Database) -> set[str]:
    """Return the names of all databases; raises BackupError ``database_unreachable``."""
    return set(postgresql.query(maintenance(source), "SELECT datname FROM pg_database;").split("\n")) - {""}


def roles(source: Database) -> set[str]:
    """Return the names of all roles."""
    return set(postgresql.query(maintenance(source), "SELECT rolname FROM pg_roles;").split("\n")) - {""}


def major(source: Database) -> int:
    """Return the server's major version."""
    return int(postgresql.query(maintenance(source), "SELECT current_setting('server_version_num')::int / 10000;"))


def data_directory(source: Database) -> Path:
    """Return the server's data directory."""
    return Path(postgresql.query(maintenance(source), "SHOW data_directory;").strip())


def sweep(source: Database) -> list[str]:
    """Drop what dead restores left half done, and return it.  Call it under the restores' mutex."""
    left = sorted(name for name in databases(source) if name.startswith(WORKING))
    for name in left:
        drop(source, name)
    return left


def drop(source: Database, name: str) -> None:
    """Drop a database of ours that nobody was told of."""
    postgresql.query(maintenance(source), f"DROP DATABASE IF EXISTS {quoted(name)} WITH (FORCE);")


def create(source: Database, dump: Path, name: str) -> None:
    """Make the empty database ``name`` as the dump describes it: encoding, locale, owner, grants, settings."""
    tool = str(postgresql.binary("pg_restore", major(source)))
    place = f"database {name}"
    listing = programs.run([tool, "--list", "--create", str(dump)], source, code="dump_damaged", place=place)
    chosen = dump.with_suffix(".list")
    chosen.write_text("".join(f"{line}\n" for line in listing.splitlines() if ENTRIES.match(line)), encoding="utf-8")
    chosen.chmod(0o644)
    command = [tool, "--create", "--no-tablespaces", f"--use-list={chosen}", "--file=-", str(dump)]
    script = programs.run(command, source, code="dump_damaged", place=place)
    postgresql.query(maintenance(source), renamed(script, name))


def renamed(script: str, name: str) -> str:
    r"""Return the statements about a dump's database as statements about ``name``, in the maintenance database."""
    kept = "".join(f"{line}\n" for line in script.splitlines() if not COMMANDS.match(line))
    found = re.search(rf"^CREATE DATABASE {STATEMENT.pattern.rpartition(' ')[2]}", kept, re.MULTILINE)
    if not found:
        raise BackupError("dump_damaged", f"database {name}", "the dump does not describe its database")
    original = unquoted(found["name"])

    def replaced(match: re.Match[str]) -> str:
        return f"{match['before']} {quoted(name) if unquoted(match['name']) == original else match['name']}"

    return STATEMENT.sub(replaced, kept)


def rename(source: Database, name: str, new_name: str) -> None:
    """Give a database that nobody uses another name."""
    postgresql.query(maintenance(source), f"ALTER DATABASE {quoted(name)} RENAME TO {quoted(new_name)};")


def switch(source: Database, live: str, aside: str, new: str) -> None:
    """Rename ``live`` to ``aside`` and ``new`` to ``live`` in one transaction; connections to ``live`` end.

    The first rename takes the lock that new connections wait for, and waits 5 s for old ones, which meanwhile are
    ended from another session.  So no application can slip in between, and a power cut leaves either the state
    before or the state after.  Raises BackupError ``target_failed``: then nothing is changed.
    """
    script = f"BEGIN;\nALTER DATABASE {quoted(live)} RENAME TO {quoted(aside)};\n"
    script += f"ALTER DATABASE {quoted(new)} RENAME TO {quoted(live)};\nCOMMIT;\n"
    try:
        with _ending_connections(source, live):
            postgresql.query(maintenance(source), script)
    except BackupError as error:
        raise BackupError("target_failed", f"database {live}", error.cause.detail) from error


@contextmanager
def _ending_connections(source: Database, name: str) -> Iterator[None]:
    """End the connections to ``name`` again and again, from a thread, until the block ends.

    By one session that is there before the block: on a busy host a new psql may need the block's whole patience.
    """
    done = threading.Event()
    script = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    script += f"WHERE datname = {literal(name)} \\g /dev/null\n"
    script += "SELECT pg_sleep(0.1) \\g /dev/null\n"

    def keep_ending() -> None:
        # When the server does not answer here, it does not answer the rename either, which tells.
        with suppress(BackupError):
            while not done.is_set():
                own.ask(script)

    with session(maintenance(source)) as own:
        own.ask(script)
        thread = threading.Thread(target=keep_ending, daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()


def named(source: Database, name: str) -> Database:
    """Return another database of the same server."""
    return replace(source, database=name)
