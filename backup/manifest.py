"""What a database held at one moment: rows and a hash of every table, its schema in numbers, its sequences.

The hash is the SHA-256 of ``COPY (query) TO STDOUT``, and the manifest holds the query, so that anybody can
redo it with ``psql | sha256sum``.  Text is ordered by the C collation: a restored server may sort otherwise.
"""

import hashlib
import json
import secrets
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import IO, Any, cast

from backup.errors import BackupError
from backup.postgresql import Database, as_server_user, psql_command, psql_error, query, said
from backup.process import end

HASH_SECONDS = 4 * 3600.0

CATALOGUE = r"""
WITH own AS (
  SELECT c.oid, c.relname, c.relkind, n.nspname FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_depend d
    WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
), tables AS (
  SELECT own.oid, format('%I.%I', nspname, relname) AS name,
    (SELECT string_agg(format('%I', a.attname) || CASE WHEN a.attcollation <> 0 THEN ' COLLATE "C"' ELSE '' END,
                       ', ' ORDER BY k.position)
     FROM pg_catalog.pg_index i, unnest(i.indkey::int2[]) WITH ORDINALITY AS k(attnum, position),
          pg_catalog.pg_attribute a
     WHERE i.indrelid = own.oid AND i.indisprimary AND a.attrelid = own.oid AND a.attnum = k.attnum) AS key,
    (SELECT string_agg(format('%L, max(%I)::text', a.attname, a.attname), ', ' ORDER BY a.attnum)
     FROM pg_catalog.pg_attribute a WHERE a.attrelid = own.oid AND a.attnum > 0 AND NOT a.attisdropped
       AND a.atttypid IN ('date'::regtype, 'timestamp'::regtype, 'timestamptz'::regtype)) AS newest
  FROM own WHERE relkind = 'r'
), sequences AS (
  SELECT format('%I.%I', own.nspname, own.relname) AS name, pg_catalog.pg_sequence_last_value(own.oid) AS last_value,
    (SELECT format('SELECT coalesce(max(%I), 0)::bigint FROM ONLY %s', a.attname, d.refobjid::regclass)
     FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_attribute a
       ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
     WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = own.oid AND d.deptype IN ('a', 'i')
       AND d.refobjsubid > 0 LIMIT 1) AS highest
  FROM own WHERE relkind = 'S'
)
SELECT json_build_object(
  'server_version', current_setting('server_version'),
  'system_identifier', (SELECT system_identifier::text FROM pg_catalog.pg_control_system()),
  'encoding', (SELECT pg_encoding_to_char(encoding) FROM pg_database WHERE datname = current_database()),
  'collation', (SELECT datcollate FROM pg_database WHERE datname = current_database()),
  'size_bytes', pg_database_size(current_database()),
  'wal_position', (CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END)::text,
  'extensions', coalesce((SELECT json_object_agg(extname, extversion ORDER BY extname) FROM pg_extension), '{}'),
  'roles', (SELECT json_agg(rolname ORDER BY rolname) FROM pg_roles WHERE rolname !~ '^pg_'),
  'schema', json_build_object(
    'tables', (SELECT count(*) FROM own WHERE relkind IN ('r', 'p')),
    'indexes', (SELECT count(*) FROM own WHERE relkind IN ('i', 'I')),
    'views', (SELECT count(*) FROM own WHERE relkind IN ('v', 'm')),
    'sequences', (SELECT count(*) FROM own WHERE relkind = 'S'),
    'columns', (SELECT count(*) FROM own JOIN pg_attribute a ON a.attrelid = own.oid
                WHERE relkind IN ('r', 'p') AND attnum > 0 AND NOT attisdropped),
    'constraints', (SELECT count(*) FROM pg_constraint WHERE conrelid IN (SELECT oid FROM own)),
    'constraints_validated', (SELECT count(*) FROM pg_constraint
                              WHERE conrelid IN (SELECT oid FROM own) AND convalidated),
    'large_objects', (SELECT count(*) FROM pg_largeobject_metadata),
    'triggers', (SELECT count(*) FROM pg_trigger WHERE tgrelid IN (SELECT oid FROM own) AND NOT tgisinternal),
    'functions', (SELECT count(*) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
                  WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND NOT EXISTS (
                    SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid
                      AND d.deptype = 'e'))),
  'tables', coalesce((SELECT json_agg(json_build_object('name', name,
      'query', format('SELECT * FROM ONLY %s AS xinglin_row ORDER BY %s', name,
                      coalesce(key, 'xinglin_row::text COLLATE "C"')),
      'newest', 'SELECT json_build_object(' || newest || ') FROM ONLY ' || name) ORDER BY name) FROM tables), '[]'),
  'sequences', coalesce((SELECT json_agg(json_build_object('name', name, 'last_value', last_value,
      'highest', highest) ORDER BY name) FROM sequences), '[]'));
"""


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
    """One database at one moment."""

    database: str
    server_version: str
    system_identifier: str
    encoding: str
    collation: str
    size_bytes: int
    wal_position: str
    extensions: dict[str, str]
    roles: list[str]
    schema: dict[str, int]
    tables: dict[str, Table]
    sequences: dict[str, Sequence]

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self)

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
    source: Database, snapshot_id: str | None = None, queries: Mapping[str, str] | None = None
) -> DatabaseManifest:
    """Compute the manifest of ``source`` in the exported snapshot, or in one of its own.

    ``queries`` (table → query, from an earlier manifest) replace the queries made from this database's keys, so
    that a table that lost its key is still compared.  Raises BackupError.
    """
    begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;\n"
    begin += f"SET TRANSACTION SNAPSHOT '{snapshot_id}';\n" if snapshot_id else ""
    catalogue = json.loads(query(source, begin + CATALOGUE))
    tables = {item["name"]: item for item in catalogue["tables"]}
    chosen = {name: (queries or {}).get(name, item["query"]) for name, item in tables.items()}
    # Unguessable, and drawn after the snapshot was taken: no row can look like it.
    mark = f"xinglin-{secrets.token_hex(16)}"
    script = [begin]
    for name, item in tables.items():
        script.append(f"\\echo {mark} table\nCOPY ({chosen[name]}) TO STDOUT;\n\\echo {mark} value\n")
        script.append(f"{item['newest']};\n" if item["newest"] else "\\echo {}\n")
    script += [
        f"\\echo {mark} value\n" + (f"{item['highest']};\n" if item["highest"] else "\\echo null\n")
        for item in catalogue["sequences"]
    ]
    digests, values = _collect(source, "".join(script), mark.encode())
    return DatabaseManifest(
        **{
            **catalogue,
            "database": source.database,
            "tables": {
                name: Table(chosen[name], rows, sha256, json.loads(newest))
                for name, (rows, sha256), newest in zip(tables, digests, values, strict=False)
            },
            "sequences": {
                item["name"]: Sequence(item["last_value"], json.loads(value))
                for item, value in zip(catalogue["sequences"], values[len(tables) :], strict=True)
            },
        }
    )


def _collect(source: Database, script: str, mark: bytes) -> tuple[list[tuple[int, str]], list[bytes]]:
    with tempfile.TemporaryFile() as stdin, tempfile.TemporaryFile() as stderr:
        stdin.write(script.encode())
        stdin.seek(0)
        process = as_server_user(psql_command(), source, stdin=stdin, stdout=subprocess.PIPE, stderr=stderr)
        stdout = cast("IO[bytes]", process.stdout)
        try:
            digests, values = _hash_lines(stdout, mark)
            returncode = process.wait(HASH_SECONDS)
        finally:
            end(process)
            stdout.close()
        if returncode:
            raise psql_error(source, returncode, said(stderr))
    return digests, values


def _hash_lines(stdout: IO[bytes], mark: bytes) -> tuple[list[tuple[int, str]], list[bytes]]:
    digests: list[tuple[int, str]] = []
    values: list[bytes] = []
    rows, digest, in_table = 0, hashlib.sha256(), False
    for line in stdout:
        if line.startswith(mark):
            if in_table:
                digests.append((rows, digest.hexdigest()))
            in_table = line.rstrip().endswith(b" table")
            rows, digest = 0, hashlib.sha256()
        elif in_table:
            digest.update(line)
            rows += 1
        else:
            values.append(line.strip())
    return digests, values


def require_tables(manifest: DatabaseManifest, source: Database) -> None:
    """Raise BackupError ``dump_failed`` for a database without a table: it is never the one that was meant."""
    if not manifest.tables:
        raise BackupError("dump_failed", source.place, "the database has no table")
