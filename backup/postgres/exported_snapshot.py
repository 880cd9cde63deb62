"""One moment of a database, held still: every table locked against a change of its shape, the snapshot exported.

A snapshot alone freezes rows, not shapes: TRUNCATE and every ALTER TABLE that rewrites a table reach into older
snapshots, and what a DROP removed cannot be read any more.  So the session first takes the weakest lock there is
(ACCESS SHARE: readers and writers do not notice it) on all tables, then its snapshot, and keeps both until the
dump *and* the manifest are done.  A schema change waits meanwhile; a table made meanwhile is not in the snapshot.

The manifest must be computed in this very session: a second one would queue behind a schema change that waits
for the first, for ever.
"""

import contextlib
from collections.abc import Iterator

from backup.errors import BackupError
from backup.postgres.postgresql import ANSWER_SECONDS, LOCK_SECONDS, Database, ExportedSnapshot
from backup.postgres.psql_session import FROZEN, Session, session
from backup.status import parse_time

ATTEMPTS = 10
"""How often to begin again when a table came or went between the listing and the snapshot."""
GONE_MEANWHILE = {"3F000", "40P01", "42P01"}
"""SQLSTATEs of a schema or table that is there no longer, and of a deadlock with somebody's schema change."""

LOCK_NOT_AVAILABLE = "55P03"

TABLES = """
SELECT c.oid, format('%I.%I', n.nspname, c.relname) AS name
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
"""
# In this isolation level the first query takes the snapshot, LOCK does not: so the list is made before the transaction.
LOCK = rf"""
SELECT coalesce('LOCK TABLE ONLY ' || string_agg(name, ', ONLY ') || ' IN ACCESS SHARE MODE;', '') AS locks
FROM ({TABLES} ORDER BY c.oid) AS t \gset
{FROZEN}
SET LOCAL lock_timeout = '{LOCK_SECONDS}s';
\set ON_ERROR_STOP off
:locks
\set ON_ERROR_STOP on
\if :ERROR
\echo :SQLSTATE :LAST_ERROR_MESSAGE
\endif
"""  # noqa: S608
EXPORT = """
SELECT concat_ws('|', pg_export_snapshot(), to_char(now(), 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
  current_setting('server_version_num')::int / 10000);
"""
UNLOCKED = f"""
SELECT count(*) FROM ({TABLES}) AS t WHERE NOT EXISTS (
  SELECT FROM pg_catalog.pg_locks l WHERE l.pid = pg_backend_pid() AND l.locktype = 'relation' AND l.granted
    AND l.relation = t.oid AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()));
"""  # noqa: S608


@contextlib.contextmanager
def exported_snapshot(source: Database) -> Iterator[tuple[Session, ExportedSnapshot]]:
    """Hold a read-only snapshot and the locks of all its tables; both end with the block.

    Raises BackupError: database_unreachable, database_locked when a table stays locked by somebody else for five
    minutes, dump_failed when the server refuses to export a snapshot.
    """
    for _ in range(ATTEMPTS):
        with session(source) as held:
            refused = held.ask(LOCK, LOCK_SECONDS + ANSWER_SECONDS)
            if refused.partition(" ")[0] in GONE_MEANWHILE:
                continue
            if refused:
                code = "database_locked" if refused.startswith(LOCK_NOT_AVAILABLE) else "dump_failed"
                raise BackupError(code, source.place, f"the tables could not be locked: {refused}")
            snapshot_id, as_of, major = held.ask(EXPORT).split("|")
            if held.ask(UNLOCKED) == "0":
                yield held, ExportedSnapshot(snapshot_id, parse_time(as_of), int(major))
                return
    raise BackupError("database_locked", source.place, f"tables came and went during {ATTEMPTS} tries to lock them all")
