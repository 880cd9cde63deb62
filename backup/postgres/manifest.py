"""What a database held at one moment: rows and a hash of every table, its schema, its sequences.

The hash is the SHA-256 of ``COPY (query) TO STDOUT``, and the manifest holds the query, so that anybody can
redo it with ``psql | sha256sum``.  Text is ordered by the C collation: a restored server may sort otherwise.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from backup.errors import BackupError
from backup.postgres.catalogue import CATALOGUE, DEFINITIONS, digests
from backup.postgres.postgresql import Database
from backup.postgres.psql_session import FROZEN, Session, passing, session

HASH_SECONDS = 4 * 3600.0
"""Limit for one table."""
CATALOGUE_SECONDS = 600.0


@dataclass(frozen=True)
class Table:
    """One table: ``sha256`` is that of ``COPY (query) TO STDOUT``; ``newest`` has each time column's maximum."""

    query: str
    rows: int
    sha256: str
    newest: dict[str, str | None]


@dataclass(frozen=True)
class Sequence:
    """A sequence's last value (None: never used) and the highest value in the column that owns it (None: no owner).

    Sequences are not transactional: the last value may be from after the snapshot.
    """

    last_value: int | None
    highest: int | None


@dataclass(frozen=True)
class DatabaseManifest:
    """One database at one moment, ``as_of`` (RFC 3339).

    ``schema`` counts objects by kind; ``definitions`` has a hash of each one's text (kind → name → hash), which only
    servers of the same major version write alike.
    """

    database: str
    as_of: str
    server_version: str
    system_identifier: str
    encoding: str
    collation: str
    size_bytes: int
    wal_position: str
    extensions: dict[str, str]
    roles: list[str]
    schema: dict[str, int]
    definitions: dict[str, dict[str, str]]
    tables: dict[str, Table]
    sequences: dict[str, Sequence]

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self)

    @property
    def major(self) -> int:
        """The server's major version."""
        return int(self.server_version.partition(".")[0])

    @property
    def rows(self) -> int:
        """All rows of all tables."""
        return sum(table.rows for table in self.tables.values())


def from_json(data: Mapping[str, Any]) -> DatabaseManifest:
    """Build a manifest from ``to_json``'s form; raises KeyError or TypeError for anything else."""
    return DatabaseManifest(
        **{
            **data,
            "tables": {name: Table(**table) for name, table in data["tables"].items()},
            "sequences": {name: Sequence(**sequence) for name, sequence in data["sequences"].items()},
        }
    )


def compute(
    source: Database, queries: Mapping[str, str] | None = None, known: Mapping[str, Table] | None = None
) -> DatabaseManifest:
    """Compute the manifest of a database as it is now; see ``compute_in``.  Raises BackupError."""
    with session(source) as own:
        own.ask(FROZEN)
        return compute_in(own, queries, known)


def compute_in(
    own: Session, queries: Mapping[str, str] | None = None, known: Mapping[str, Table] | None = None
) -> DatabaseManifest:
    """Compute the manifest of the session's database, in its transaction.

    ``queries`` (table → query, from an earlier manifest) replace the queries made from this database's keys, so
    that a table that lost its key is still compared.  Tables that are ``known`` and still there are not read again.
    Raises BackupError.
    """
    catalogue = json.loads(own.ask(passing(CATALOGUE), CATALOGUE_SECONDS))
    definitions = json.loads(own.ask(passing(DEFINITIONS), CATALOGUE_SECONDS))
    tables = {}
    for item in catalogue["tables"]:
        name = item["name"]
        tables[name] = (known or {}).get(name) or _table(own, (queries or {}).get(name, item["query"]), item["newest"])
    sequences = {
        item["name"]: Sequence(item["last_value"], int(_ask(own, item["highest"])) if item["highest"] else None)
        for item in catalogue["sequences"]
    }
    made = {"database": own.source.database, "definitions": digests(definitions)}
    return DatabaseManifest(**{**catalogue, **made, "tables": tables, "sequences": sequences})


def _table(own: Session, query: str, newest: str | None) -> Table:
    rows, sha256 = own.hash(query, HASH_SECONDS)
    return Table(query, rows, sha256, json.loads(_ask(own, newest)) if newest else {})


def _ask(own: Session, query: str) -> str:
    return own.ask(passing(f"{query};"), HASH_SECONDS)


def require_tables(manifest: DatabaseManifest, source: Database) -> None:
    """Raise BackupError ``dump_failed`` for a database without a table: it is never the one that was meant."""
    if not manifest.tables:
        raise BackupError("dump_failed", source.place, "the database has no table")
