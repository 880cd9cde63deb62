"""Reads every page of a restored database and follows every index, with PostgreSQL's own pg_amcheck."""

from backup.errors import BackupError
from backup.postgres import postgresql
from backup.postgres.postgresql import Database
from backup.status import Assertion, Cause, Verdict
from backup.verification.findings import Findings

AMCHECK_SECONDS = 6 * 3600.0
CORRUPT = 2
"""pg_amcheck's exit code for damage; 1 means that it could not look."""
AVAILABLE = "SELECT count(*) FROM pg_available_extensions WHERE name = 'amcheck';"


def require_sound(source: Database, major: int, jobs: int, findings: Findings) -> None:
    """Check all tables and indexes of a scratch database; raises BackupError ``restore_corrupt``, ``scratch_failed``.

    Where the program or its extension is not installed, the assertion is skipped and says so.
    """
    identifier, expected = f"{source.database}: pages and indexes", "no damage found by pg_amcheck"
    lacking = _lacking(source, major)
    if lacking:
        findings.assertions.append(Assertion(identifier, Verdict.SKIPPED, expected, "not checked", lacking))
        return
    thorough = ["--install-missing", "--heapallindexed", "--parent-check", "--rootdescend", f"--jobs={jobs}"]
    returncode, words = postgresql.program("pg_amcheck", major, source, thorough, AMCHECK_SECONDS)
    if returncode not in {0, CORRUPT}:
        raise BackupError("scratch_failed", source.place, f"pg_amcheck ended with {returncode}: {words}")
    corrupt = Cause("restore_corrupt", f"database {source.database}", words)
    findings.require(identifier, returncode == 0, expected, words or "none", corrupt)


def _lacking(source: Database, major: int) -> str:
    """Return what is not installed, in words, or nothing."""
    try:
        postgresql.binary("pg_amcheck", major)
    except BackupError as error:
        return f"pg_amcheck is missing: {error.cause.detail}"
    if postgresql.query(source, AVAILABLE).strip() == "0":
        return f"the extension amcheck of PostgreSQL {major} is not installed (package postgresql-{major})"
    return ""
