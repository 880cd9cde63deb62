"""Shows that the restore test can fail: what was just proved is spoiled in the scratch place and proved again.

A restore test that passes whatever it is given is worse than none, and nobody would notice.  So, once a week, the
newest real backup is tampered with in the ways that have fooled restore tests elsewhere, and each must be told.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from backup.errors import BackupError
from backup.postgres import dump_file, postgresql
from backup.postgres.manifest import DatabaseManifest
from backup.postgres.restored import require_equal
from backup.postgres.scratch import Scratch
from backup.printable import printable
from backup.rules.proof import SELF_TEST
from backup.status import Assertion, Verdict, format_time, parse_time
from backup.verification.findings import Findings

SPOIL_SECONDS = 3600.0
CHANGE = r"""
SET session_replication_role = replica;
CREATE FUNCTION pg_temp.change_a_row() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  candidate record;
  changed bigint;
BEGIN
  -- A value that another row has is valid; outside unique indexes it may be there twice.
  FOR candidate IN
    SELECT format('%I.%I', n.nspname, c.relname) AS name, quote_ident(a.attname) AS attname
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid
    WHERE c.relkind = 'r' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND pg_relation_size(c.oid) > 0
      AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' AND a.attidentity <> 'a'
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_index i
                      WHERE i.indrelid = c.oid AND i.indisunique AND a.attnum = ANY (i.indkey::int2[]))
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                      WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
    ORDER BY pg_relation_size(c.oid), c.oid, a.attnum
  LOOP
    BEGIN
      EXECUTE format('UPDATE ONLY %1$s AS x SET %2$s = y.value FROM (
        SELECT t.ctid AS place, first.%2$s AS value FROM ONLY %1$s AS t, (SELECT %2$s FROM ONLY %1$s LIMIT 1) AS first
        WHERE t.%2$s::text IS DISTINCT FROM first.%2$s::text LIMIT 1) AS y WHERE x.ctid = y.place',
        candidate.name, candidate.attname);
      GET DIAGNOSTICS changed = ROW_COUNT;
      IF changed = 1 THEN RETURN candidate.name; END IF;
    EXCEPTION WHEN OTHERS THEN
      CONTINUE;
    END;
  END LOOP;
  RETURN '';
END $$;
SELECT pg_temp.change_a_row();
"""


def run(
    expected: DatabaseManifest, restored: DatabaseManifest, server: Scratch, staged: Path, findings: Findings
) -> None:
    """Tamper with the restored database and with the dump file; notes one assertion for each tampering.

    ``restored`` is the manifest that was proved equal.  Raises BackupError ``self_test_failed``.
    """
    name, source = expected.database, server.database(expected.database)
    missed = []
    table = postgresql.query(source, CHANGE, SPOIL_SECONDS).strip()
    if table:
        known = replace(restored, tables={key: facts for key, facts in restored.tables.items() if key != table})
        wanted = ("manifest_mismatch", printable(f"{name}: table {table}"))
        missed += _missed(
            f"{name}: changed rows are", wanted, lambda notes: require_equal(expected, server, notes, known), findings
        )
    else:
        reason = "no table has two rows that differ in a column without a unique index"
        skipped = Assertion(
            f"{SELF_TEST}{name}: changed rows are caught", Verdict.SKIPPED, "failed", "not tried", reason
        )
        findings.assertions.append(skipped)
    own = [key for key in expected.tables if not key.startswith("pg_catalog.")]
    table = table or min(own or expected.tables, key=lambda key: expected.tables[key].rows)
    postgresql.query(source, f"DROP TABLE {table} CASCADE;", SPOIL_SECONDS)
    wanted = ("manifest_mismatch", printable(f"{name}: table {table}"))
    missed += _missed(
        f"{name}: a missing table is", wanted, lambda notes: require_equal(expected, server, notes, restored), findings
    )
    tomorrow = replace(expected, as_of=format_time(parse_time(expected.as_of) + timedelta(days=1)))
    missed += _missed(
        f"{name}: an old dump under a new date is",
        ("dump_misdated", f"database {name}"),
        lambda notes: dump_file.require_time(tomorrow, staged, notes),
        findings,
    )
    _truncate(staged)
    missed += _missed(
        f"{name}: a truncated dump is",
        ("dump_damaged", f"database {name}"),
        lambda notes: dump_file.require_whole(expected, staged, notes),
        findings,
    )
    if missed:
        raise BackupError("self_test_failed", f"database {name}", ", ".join(missed))


def _missed(what: str, wanted: tuple[str, str], prove: Callable[[Findings], object], findings: Findings) -> list[str]:
    """Prove again and note whether it failed as ``wanted`` (code and place); return what did not."""
    got = "passed"
    try:
        prove(Findings(findings.show))
    except BackupError as error:
        got = f"{error.cause.code}: {error.cause.place}"
    told = got == ": ".join(wanted)
    status = Verdict.PASSED if told else Verdict.FAILED
    findings.assertions.append(Assertion(f"{SELF_TEST}{what} caught", status, ": ".join(wanted), got))
    return [] if told else [f"{what} not caught ({got})"]


def _truncate(path: Path) -> None:
    """Cut the last tenth off, as a full disk or a broken line does."""
    size = path.stat().st_size
    with path.open("r+b") as stream:
        stream.truncate(size - max(1, size // 10))
