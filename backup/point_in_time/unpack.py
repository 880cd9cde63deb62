"""A base backup out of a repository into a data directory, without staging the tar, and PostgreSQL's check of it."""

import os
import subprocess
import tempfile
from pathlib import Path

from backup.errors import BackupError
from backup.postgres import postgresql
from backup.process import end, ending_with_us
from backup.repositories.restic import LONG_SECONDS, Repository, demand, run
from backup.restore.programs import give_to_server_user


def unpack(repository: Repository, snapshot_id: str, filename: str, target: Path) -> None:
    """Unpack the tar ``filename`` of a snapshot into the new directory ``target`` (0700, the server's OS user's).

    Raises BackupError: what the repository raises, ``base_damaged`` when tar cannot read it to its end.
    """
    target.mkdir(mode=0o700)
    give_to_server_user(target)
    command = ["tar", "--extract", "--file=-", "--directory", str(target), "--no-same-owner"]
    read_end, write_end = os.pipe()
    with tempfile.TemporaryFile() as stderr:
        try:
            tar = subprocess.Popen(
                ending_with_us(command, user=postgresql.OS_USER),
                stdin=read_end,
                stdout=subprocess.DEVNULL,
                stderr=stderr,
                cwd="/",
                start_new_session=True,
            )
        finally:
            os.close(read_end)
        try:
            try:
                inside = ["dump", "--no-lock", snapshot_id, f"/{filename}"]
                said = run(inside, repository, stdout=write_end, timeout_seconds=LONG_SECONDS)
            finally:
                os.close(write_end)
            returncode = tar.wait(LONG_SECONDS)
        finally:
            end(tar)
        words = postgresql.said(stderr)
        if returncode:
            raise BackupError("base_damaged", f"snapshot {snapshot_id[:8]}", words or f"tar ended with {returncode}")
        demand(said, repository)


def verify_base(data: Path, major: int) -> str:
    """Return what pg_verifybackup has against a data directory, or nothing."""
    command = [str(postgresql.binary("pg_verifybackup", major)), "--quiet", "--exit-on-error", str(data)]
    done = subprocess.run(
        ending_with_us(command, user=postgresql.OS_USER, death_signal="TERM"),
        env={"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LANG": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        cwd="/",
        timeout=LONG_SECONDS,
        check=False,
    )
    words = " ".join((done.stderr + done.stdout).split())[:300]
    return words or (f"pg_verifybackup ended with {done.returncode}" if done.returncode else "")
