"""Compares a database on a scratch server with the manifest of its original."""

from backup.errors import BackupError
from backup.findings import Findings
from backup.sources.mariadb import catalogue, client, manifest
from backup.sources.mariadb.client import Server
from backup.sources.mariadb.manifest import Manifest
from backup.status import Verdict


def require_equal(expected: Manifest, server: Server, findings: Findings, place: str) -> Manifest:
    """Compare a restored database with its manifest and return its own; raises BackupError ``manifest_mismatch``."""
    queries = {name: table.query for name, table in expected.tables.items()}
    try:
        with client.session(server) as session:
            session.ask(catalogue.OPENING)
            structure = manifest.schema(session, expected.database)
            restored = manifest.compute(session, expected.database, structure, queries)
    except BackupError as error:
        raise BackupError("restore_failed", place, error.cause.detail) from error
    answers = list(manifest.compare(expected, restored))
    findings.assertions += answers
    bad = [answer for answer in answers if answer.status is Verdict.FAILED]
    if bad:
        worst = next((answer for answer in bad if ": table " in answer.id), bad[0])
        raise BackupError("manifest_mismatch", worst.id, worst.detail or f"expected {worst.expected}, got {worst.got}")
    return restored
