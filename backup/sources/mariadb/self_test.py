"""Shows that MariaDB's restore test can fail: what it just proved is spoiled in the scratch place and proved again."""

import os
from collections.abc import Callable
from pathlib import Path

from backup.errors import BackupError
from backup.sources.mariadb import catalogue, client, dump_file
from backup.sources.mariadb.client import Server
from backup.sources.mariadb.manifest import Manifest
from backup.sources.mariadb.restored import require_equal
from backup.status import Assertion, Verdict
from backup.verification.findings import Findings

SPOIL_SECONDS = 3600.0


def run(expected: Manifest, restored: Manifest, server: Server, staged: Path, findings: Findings) -> None:
    """Remove a row, a table and the end of the dump; each must be told.  Raises BackupError ``self_test_failed``."""
    place = f"database {expected.database} (MariaDB)"
    missed = []
    full = sorted((table.rows, name) for name, table in restored.tables.items() if table.rows)
    if full:
        where = f"{catalogue.name(expected.database)}.{catalogue.name(full[0][1])}"
        script = f"SET foreign_key_checks = 0; DELETE FROM {where} LIMIT 1;"  # noqa: S608 - a quoted name
        client.query(server, script, SPOIL_SECONDS)
        missed += _missed("a missing row is", "manifest_mismatch", lambda it: _again(expected, server, it), findings)
    where = f"{catalogue.name(expected.database)}.{catalogue.name(min(expected.tables))}"
    client.query(server, f"SET foreign_key_checks = 0; DROP TABLE {where};", SPOIL_SECONDS)
    missed += _missed("a missing table is", "manifest_mismatch", lambda it: _again(expected, server, it), findings)
    os.truncate(staged, staged.stat().st_size * 9 // 10)
    missed += _missed(
        "a truncated dump is",
        "dump_damaged",
        lambda it: dump_file.require_whole(expected, staged, it, place),
        findings,
    )
    if missed:
        raise BackupError("self_test_failed", place, ", ".join(missed))


def _again(expected: Manifest, server: Server, findings: Findings) -> None:
    require_equal(expected, server, findings, "self-test")


def _missed(what: str, wanted: str, prove: Callable[[Findings], None], findings: Findings) -> list[str]:
    got = "passed"
    try:
        prove(Findings(findings.show))
    except BackupError as error:
        got = error.cause.code
    status = Verdict.PASSED if got == wanted else Verdict.FAILED
    findings.assertions.append(Assertion(f"self-test: {what} caught", status, wanted, got))
    return [] if got == wanted else [f"{what} not caught ({got})"]
