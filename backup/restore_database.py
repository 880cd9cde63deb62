"""Restores one dump into a scratch server and compares it with its manifest."""

import contextlib
import os
import pwd
import subprocess
import tempfile
from pathlib import Path

from backup import manifest, postgresql, scratch
from backup.compare import compare
from backup.errors import BackupError
from backup.findings import Findings
from backup.manifest import DatabaseManifest
from backup.postgresql import Database
from backup.process import end
from backup.status import Cause, Verdict

RESTORE_SECONDS = 6 * 3600.0
JOBS = 2


def restore_database(expected: DatabaseManifest, staged: Path, roles: Path, place: Path, findings: Findings) -> None:
    """Restore the file ``staged`` below ``place`` and compare; notes phases and assertions in ``findings``.

    Raises BackupError: dump_damaged, restore_failed and manifest_mismatch are about the backup, others are not.
    """
    name = expected.database
    major = int(expected.server_version.partition(".")[0])
    if os.geteuid() == 0:
        account = pwd.getpwnam(postgresql.OS_USER)
        os.chown(staged, account.pw_uid, account.pw_gid)
    with findings.phase("read"):
        # Listing the contents would not do: pg_restore -l is content with a truncated dump.
        nowhere = Database("postgres", place)
        words = _pg_restore(major, nowhere, ["--file=/dev/null", str(staged)])
        damaged = Cause("dump_damaged", f"database {name}", words)
        findings.require(f"{name}: dump can be read to its end", not words, "no complaint", words or "none", damaged)
    with contextlib.ExitStack() as stack:
        with findings.phase("server"):
            server = stack.enter_context(scratch.server(place, major))
            live = expected.system_identifier
            findings.require(
                f"{name}: restored beside the live server, not into it",
                server.system_identifier != live,
                f"not system {live}",
                f"system {server.system_identifier}",
                Cause("scratch_failed", str(place), "this is the live server"),
            )
        with findings.phase("restore"):
            script = roles.read_text(encoding="utf-8").replace(f"CREATE ROLE {postgresql.OS_USER};\n", "")
            try:
                postgresql.query(server.source, script, RESTORE_SECONDS)
            except BackupError as error:
                raise BackupError("restore_failed", f"roles of database {name}", error.cause.detail) from error
            arguments = ["--create", "--exit-on-error", "--no-tablespaces", f"--jobs={JOBS}", "--dbname=postgres"]
            words = _pg_restore(major, server.source, [*arguments, str(staged)])
            failed = Cause("restore_failed", f"database {name}", words)
            findings.require(f"{name}: restore", not words, "no complaint", words or "none", failed)
        with findings.phase("compare"):
            queries = {table: facts.query for table, facts in expected.tables.items()}
            try:
                restored = manifest.compute(server.database(name), queries=queries)
            except BackupError as error:
                raise BackupError("restore_failed", f"database {name}", error.cause.detail) from error
            answers = compare(expected, restored)
            findings.assertions += answers
            bad = [answer for answer in answers if answer.status is Verdict.FAILED]
            if bad:
                worst = next((answer for answer in bad if ": table " in answer.id), bad[0])
                detail = worst.detail or f"expected {worst.expected}, got {worst.got}"
                raise BackupError("manifest_mismatch", worst.id, detail)


def _pg_restore(major: int, source: Database, arguments: list[str]) -> str:
    """Run pg_restore and return what is wrong in its words, or nothing.  It has no quiet way to fail."""
    command = [str(postgresql.binary("pg_restore", major)), *arguments]
    with tempfile.TemporaryFile() as stderr:
        process = postgresql.as_server_user(
            command, source, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=stderr
        )
        try:
            returncode = process.wait(RESTORE_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise BackupError("timed_out", source.place, f"pg_restore: limit {RESTORE_SECONDS:.0f} s") from error
        finally:
            end(process)
        words = postgresql.said(stderr)
    return words if returncode == 0 else words or f"pg_restore ended with {returncode}"
