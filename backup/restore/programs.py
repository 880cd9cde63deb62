"""Runs PostgreSQL's programs to their end as its OS user."""

import os
import pwd
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from backup.errors import BackupError
from backup.postgres import postgresql
from backup.postgres.postgresql import Database
from backup.process import end

LONG_SECONDS = 12 * 3600.0


def run(argv: Sequence[str], source: Database, *, code: str, place: str, seconds: float = LONG_SECONDS) -> str:
    """Run ``argv`` against ``source`` and return its stdout.

    Raises BackupError ``code`` at ``place`` with the program's words unless it ended well and without a complaint.
    """
    with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        process = postgresql.as_server_user(argv, source, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr)
        try:
            returncode = process.wait(seconds)
        except subprocess.TimeoutExpired as error:
            raise BackupError("timed_out", place, f"{Path(argv[0]).name}: limit {seconds:.0f} s") from error
        finally:
            end(process)
        words = postgresql.said(stderr)
        if returncode or words:
            raise BackupError(code, place, words or f"{Path(argv[0]).name} ended with {returncode}")
        stdout.seek(0)
        return stdout.read().decode("utf-8", "replace")


def give_to_server_user(path: Path) -> None:
    """Make the server's OS user the owner of ``path``, so that its programs can read it."""
    if os.geteuid() == 0:
        account = pwd.getpwnam(postgresql.OS_USER)
        os.chown(path, account.pw_uid, account.pw_gid)
