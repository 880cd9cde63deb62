"""What a restored database must be: equal to the manifest of the original."""

from backup.errors import BackupError
from backup.postgres import manifest
from backup.postgres.compare import compare
from backup.postgres.manifest import DatabaseManifest
from backup.postgres.scratch import Scratch
from backup.status import Verdict
from backup.verification.findings import Findings


def require_equal(
    expected: DatabaseManifest, server: Scratch, findings: Findings, known: DatabaseManifest | None = None
) -> DatabaseManifest:
    """Compare the restored database with the manifest of the original and return its own.

    The tables of a manifest ``known`` are not read again.  Raises BackupError ``manifest_mismatch``.
    """
    name = expected.database
    queries = {table: facts.query for table, facts in expected.tables.items()}
    try:
        restored = manifest.compute(server.database(name), queries, known.tables if known else None)
    except BackupError as error:
        if error.cause.code == "timed_out":
            raise
        raise BackupError("restore_failed", f"database {name}", error.cause.detail) from error
    answers = compare(expected, restored)
    findings.assertions += answers
    bad = [answer for answer in answers if answer.status is Verdict.FAILED]
    if bad:
        worst = next((answer for answer in bad if ": table " in answer.id), bad[0])
        detail = worst.detail or f"expected {worst.expected}, got {worst.got}"
        raise BackupError("manifest_mismatch", worst.id, detail)
    return restored
