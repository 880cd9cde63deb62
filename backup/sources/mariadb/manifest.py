"""What a MariaDB database held in one view: rows and a hash of every table, a hash of every object of its schema.

A table's hash is the SHA-256 of what ``mariadb --batch --skip-column-names -e QUERY`` prints, and the manifest
holds the query, so that anybody can redo it (session settings: ``catalogue.OPENING``).
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from backup.errors import BackupError
from backup.sources.mariadb import catalogue
from backup.sources.mariadb.client import Session
from backup.status import Assertion, Verdict

HASH_SECONDS = 4 * 3600.0
SHOWN = 20

Schema = dict[str, dict[str, str]]
"""Kind of object → name → SHA-256 of its text."""


@dataclass(frozen=True)
class Table:
    """One table: ``sha256`` is that of the output of ``query``."""

    query: str
    rows: int
    sha256: str
    newest: dict[str, str | None]


@dataclass(frozen=True)
class Manifest:
    """One database in one view of the time ``as_of``.

    ``server`` has version, character set and the like; ``users`` are all of the server's.
    """

    database: str
    as_of: str
    server: dict[str, Any]
    size_bytes: int
    users: list[str]
    schema: Schema
    tables: dict[str, Table]

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self)

    @property
    def rows(self) -> int:
        """All rows of all tables."""
        return sum(table.rows for table in self.tables.values())


def from_json(data: Mapping[str, Any]) -> Manifest:
    """Build a manifest from ``to_json``'s form; raises KeyError, TypeError or AttributeError for anything else."""
    return Manifest(**{**data, "tables": {name: Table(**table) for name, table in data["tables"].items()}})


def schema(session: Session, database: str, original: str | None = None) -> Schema:
    """Hash every object of the schema as it is now: the catalogue knows no views of the past.

    ``original`` is the name for which the hashes are to be when the database has another one meanwhile.
    """
    found: Schema = {}
    for kind, plain in catalogue.SCHEMA.items():
        query = catalogue.renamed(plain, database, original) if original else plain
        digests: dict[str, Any] = {}
        # Not format: the query's text may hold braces one day, and a database's name may hold anything.
        for name, *text in session.ask(query.replace("{database}", catalogue.text(database)) + ";"):
            digests.setdefault(name, hashlib.sha256()).update("\t".join([*text, "\n"]).encode())
        found[kind] = {name: digest.hexdigest() for name, digest in digests.items()}
    return found


def tables_of(session: Session, database: str) -> list[catalogue.Table]:
    """Return the tables that hold rows, as they are now."""
    columns: dict[str, list[tuple[str, str]]] = {}
    keys: dict[str, list[str]] = {}
    of_tables, of_columns, of_keys = catalogue.tables(database)
    for table, column, data_type in session.ask(of_columns):
        columns.setdefault(table, []).append((column, data_type))
    for table, column in session.ask(of_keys):
        keys.setdefault(table, []).append(column)
    return [
        catalogue.Table(table, engine, int(size), tuple(columns.get(table, ())), tuple(keys.get(table, ())))
        for table, engine, size in session.ask(of_tables)
    ]


def compute(
    session: Session,
    database: str,
    structure: Schema,
    queries: Mapping[str, str] | None = None,
    as_of: str = "",
) -> Manifest:
    """Compute the manifest in the session's open transaction.

    ``queries`` (table → query, from an earlier manifest) replace those made from this database's keys, so that a
    table that lost its key is still compared.  Raises BackupError.
    """
    listed = tables_of(session, database)
    tables = {}
    for item in listed:
        query = (queries or {}).get(item.name) or catalogue.rows(database, item)
        digest, rows = hashlib.sha256(), 0
        for line in session.lines(query + ";", HASH_SECONDS):
            digest.update(line + b"\n")
            rows += 1
        newest = catalogue.newest(database, item)
        moments = json.loads(session.ask(newest + ";", HASH_SECONDS)[0][0]) if newest else {}
        tables[item.name] = Table(query, rows, digest.hexdigest(), moments)
    return Manifest(
        database=database,
        as_of=as_of,
        server=json.loads(session.ask(catalogue.SERVER)[0][0]),
        size_bytes=sum(item.size_bytes for item in listed),
        users=[user for (user,) in session.ask(catalogue.USERS)],
        schema=structure,
        tables=tables,
    )


def compare(expected: Manifest, got: Manifest) -> Iterator[Assertion]:
    """Yield what was asked of the restored database and the answers; each one failed or passed."""
    name = expected.database
    missing = sorted(set(expected.users) - set(got.users))
    detail = f"missing: {', '.join(missing[:SHOWN])}" if missing else ""
    yield _assertion(f"{name}: users", not missing, len(expected.users), len(got.users), detail)
    for kind, objects in expected.schema.items():
        restored = got.schema.get(kind, {})
        differing = sorted(each for each in objects.keys() | restored.keys() if objects.get(each) != restored.get(each))
        detail = f"differing: {', '.join(differing[:SHOWN])}" if differing else ""
        yield _assertion(f"{name}: {kind}", not differing, len(objects), len(restored), detail)
    yield from _tables(expected, got)


def _tables(expected: Manifest, got: Manifest) -> Iterator[Assertion]:
    name = expected.database
    bad = [table for table, original in expected.tables.items() if got.tables.get(table) != original]
    bad += sorted(set(got.tables) - set(expected.tables))
    yield _assertion(
        f"{name}: tables",
        not bad,
        f"{len(expected.tables)} tables, {expected.rows} rows",
        f"{len(got.tables)} tables, {got.rows} rows",
        f"{len(bad)} of them differ" if bad else "rows and SHA-256 of every table are equal",
    )
    for table in bad[:SHOWN]:
        yield _assertion(
            f"{name}: table {table}", False, _shown(expected.tables.get(table)), _shown(got.tables.get(table))
        )


def _shown(table: Table | None) -> str:
    return f"{table.rows} rows, sha256 {table.sha256}" if table else "no such table"


def _assertion(identifier: str, passed: bool, expected: object, got: object, detail: str = "") -> Assertion:
    return Assertion(identifier, Verdict.PASSED if passed else Verdict.FAILED, str(expected), str(got), detail)


def require_tables(found: Manifest, place: str) -> None:
    """Raise BackupError ``dump_failed`` for a database without a table: it is never the one that was meant."""
    if not found.tables:
        raise BackupError("dump_failed", place, "the database has no table")
