"""One PostgreSQL dump into the live server: under a working name, compared with its manifest, then named."""

import secrets
from dataclasses import dataclass
from pathlib import Path

from backup.errors import BackupError
from backup.postgres import manifest, postgresql
from backup.postgres.compare import compare
from backup.postgres.manifest import DatabaseManifest
from backup.postgres.postgresql import Database
from backup.restore import programs, roles, server
from backup.restore.record import RestoreRecorder
from backup.status import Verdict

JOBS = 2


@dataclass(frozen=True)
class DatabaseTarget:
    """Where a database goes: ``live`` is the database of the original's name on the live server.

    In place, ``aside`` is the name that the live one gets; None: there is no live one.
    """

    live: Database
    name: str
    in_place: bool
    aside: str | None


def load(dump: Path, roles_script: str, target: DatabaseTarget, recorder: RestoreRecorder) -> Database:
    """Load the dump into a new database with a working name, and return that.  Missing roles are made first.

    Raises BackupError: dump_damaged, or target_failed; the working database is gone then.
    """
    major = server.major(target.live)
    tool = str(postgresql.binary("pg_restore", major))
    programs.give_to_server_user(dump)
    with recorder.step("read"):
        # Listing the contents would not do: pg_restore -l is content with a truncated dump.
        place = f"database {target.live.database}"
        programs.run([tool, "--file=/dev/null", str(dump)], target.live, code="dump_damaged", place=place)
    with recorder.step("restore") as notes:
        names, script = roles.missing(roles_script, server.roles(target.live))
        working = server.named(target.live, server.WORKING + secrets.token_hex(4))
        try:
            postgresql.query(server.maintenance(target.live), script)
            server.create(target.live, dump, working.database)
            command = [tool, "--exit-on-error", "--no-tablespaces", f"--jobs={JOBS}"]
            command += [f"--dbname={working.database}", str(dump)]
            programs.run(command, target.live, code="target_failed", place=f"database {target.name}")
        except BaseException:
            server.drop(target.live, working.database)
            raise
        notes.numbers |= {"roles_made": len(names), "bytes": dump.stat().st_size}
    return working


def compare_with(expected: DatabaseManifest, working: Database, recorder: RestoreRecorder) -> BackupError | None:
    """Compare the restored database with the original's manifest; return what is not as it was, or None."""
    with recorder.step("compare") as notes:
        queries = {table: facts.query for table, facts in expected.tables.items()}
        restored = manifest.compute(working, queries=queries)
        answers = compare(expected, restored)
        notes.numbers |= {"tables": len(restored.tables), "rows": restored.rows}
        other_server = expected.server_version.partition(".")[0] != restored.server_version.partition(".")[0]
        # A newer server brings newer extensions.
        passed_over = f"{expected.database}: extensions" if other_server else ""
        for answer in answers:
            if answer.status is Verdict.FAILED and answer.id != passed_over:
                detail = answer.detail or f"expected {answer.expected}, got {answer.got}"
                error = BackupError("manifest_mismatch", answer.id, detail)
                notes.warning = error.cause
                return error
    return None


def put_in_place(working: Database, target: DatabaseTarget, recorder: RestoreRecorder) -> str:
    """Give the restored database its name, in place of the live one if that was asked for; return how to undo it.

    Raises BackupError ``target_failed``.
    """
    with recorder.step("switch"):
        if target.in_place and target.aside:
            server.switch(target.live, target.name, target.aside, working.database)
        else:
            server.rename(target.live, working.database, target.name)
    return undo(target)


def undo(target: DatabaseTarget) -> str:
    """Return the commands that take the restore back."""
    psql = f"runuser -u postgres -- psql -h {target.live.socket_directory} -p {target.live.port} -d postgres"
    if not (target.in_place and target.aside):
        return f"{psql} -c 'DROP DATABASE {server.quoted(target.name)}'"
    wrong = server.quoted(f"{target.name}_undone")
    name, aside = server.quoted(target.name), server.quoted(target.aside)
    return (
        f"{psql} -c 'BEGIN; ALTER DATABASE {name} RENAME TO {wrong}; ALTER DATABASE {aside} RENAME TO {name}; COMMIT'"
    )
