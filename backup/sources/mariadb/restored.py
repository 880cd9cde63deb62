"""Compares a restored database with the manifest of its original."""

from dataclasses import replace

from backup.errors import BackupError
from backup.sources.mariadb import catalogue, client, manifest
from backup.sources.mariadb.client import Server
from backup.sources.mariadb.manifest import Manifest
from backup.status import Verdict
from backup.verification.findings import Findings


def require_equal(
    expected: Manifest, server: Server, findings: Findings, place: str, database: str | None = None
) -> Manifest:
    """Compare a restored database with its manifest and return its own; raises BackupError ``manifest_mismatch``.

    ``database`` is its name when it has another one than the original.
    """
    name = database or expected.database
    queries = {
        table: catalogue.rows_elsewhere(facts.query, table, expected.database, name)
        for table, facts in expected.tables.items()
    }
    try:
        with client.session(server) as session:
            session.ask(catalogue.OPENING)
            structure = manifest.schema(session, name, expected.database)
            restored = manifest.compute(session, name, structure, queries)
    except BackupError as error:
        raise BackupError("restore_failed", place, error.cause.detail) from error
    original = {table: facts.query for table, facts in expected.tables.items()}
    tables = {table: replace(facts, query=original.get(table, facts.query)) for table, facts in restored.tables.items()}
    restored = replace(restored, database=expected.database, tables=tables)
    answers = list(manifest.compare(expected, restored))
    findings.assertions += answers
    bad = [answer for answer in answers if answer.status is Verdict.FAILED]
    if bad:
        worst = next((answer for answer in bad if ": table " in answer.id), bad[0])
        raise BackupError("manifest_mismatch", worst.id, worst.detail or f"expected {worst.expected}, got {worst.got}")
    return restored
