"""Restores one dump into a scratch server, compares it with its manifest, and has its pages checked."""

import contextlib
import os
import pwd
from pathlib import Path

from backup.errors import BackupError
from backup.postgres import amcheck, dump_file, postgresql, scratch, self_test
from backup.postgres.manifest import DatabaseManifest
from backup.postgres.restored import require_equal
from backup.postgres.scratch import Scratch
from backup.printable import decoded
from backup.status import Cause
from backup.verification.findings import Findings

RESTORE_SECONDS = 6 * 3600.0
JOBS = 2
LOADING = {"wal_level": "minimal", "max_wal_senders": "0", "maintenance_work_mem": "128MB", "checkpoint_timeout": "1h"}
"""With so little log, what pg_restore's jobs load into a table that they have just made is not logged at all."""

AT_REST = r"SELECT format('ALTER EVENT TRIGGER %I DISABLE', evtname) FROM pg_catalog.pg_event_trigger \gexec"
"""A clinic's own guard against DROP or CREATE would stop what comes after the comparison."""


def restore_database(expected: DatabaseManifest, staged: Path, roles: Path, place: Path, findings: Findings) -> None:
    """Restore the file ``staged`` below ``place`` and prove it; notes phases and assertions in ``findings``.

    When ``findings.self_test`` is set, it then spoils what it has just proved, to see the proof fail.
    Raises BackupError; ``verify.BAD_BACKUP`` has the codes that are about the backup.
    """
    if os.geteuid() == 0:
        account = pwd.getpwnam(postgresql.OS_USER)
        os.chown(staged, account.pw_uid, account.pw_gid)
    with findings.phase("read"):
        dump_file.require_time(expected, staged, findings)
        dump_file.require_whole(expected, staged, findings)
    with contextlib.ExitStack() as stack:
        with findings.phase("server"):
            server = stack.enter_context(scratch.server(place, expected.major, LOADING))
            _require_apart(expected, server, findings)
        with findings.phase("restore"):
            _restore(expected, staged, roles, server, findings)
        with findings.phase("compare"):
            restored = require_equal(expected, server, findings)
        postgresql.query(server.database(expected.database), AT_REST)
        with findings.phase("amcheck"):
            amcheck.require_sound(server.database(expected.database), expected.major, JOBS, findings)
        if findings.self_test:
            with findings.phase("self-test"):
                self_test.run(expected, restored, server, staged, findings)


def _require_apart(expected: DatabaseManifest, server: Scratch, findings: Findings) -> None:
    findings.require(
        f"{expected.database}: restored beside the live server, not into it",
        server.system_identifier != expected.system_identifier,
        f"not system {expected.system_identifier}",
        f"system {server.system_identifier}",
        Cause("scratch_failed", str(server.directory), "this is the live server"),
    )


def _restore(expected: DatabaseManifest, staged: Path, roles: Path, server: Scratch, findings: Findings) -> None:
    name = expected.database
    script = decoded(roles.read_bytes()).replace(f"CREATE ROLE {postgresql.OS_USER};\n", "")
    try:
        postgresql.query(server.source, script, RESTORE_SECONDS)
    except BackupError as error:
        raise BackupError("restore_failed", f"roles of database {name}", error.cause.detail) from error
    arguments = ["--create", "--exit-on-error", "--no-tablespaces", f"--jobs={JOBS}", "--dbname=postgres", str(staged)]
    returncode, words = postgresql.program("pg_restore", expected.major, server.source, arguments, RESTORE_SECONDS)
    words = words or (f"pg_restore ended with {returncode}" if returncode else "")
    failed = Cause("restore_failed", f"database {name}", words)
    findings.require(f"{name}: restore", not words, "no complaint", words or "none", failed)
