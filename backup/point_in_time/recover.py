"""Replays WAL onto a base backup in a server of its own, up to a moment, and tells the exact time it reached."""

import contextlib
import re
import shlex
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from backup.errors import BackupError
from backup.postgres import postgresql, scratch
from backup.postgres.postgresql import Database
from backup.process import GRACE_SECONDS, end
from backup.restore.programs import give_to_server_user
from backup.status import format_time

PORT = 54398
RECOVERY_SECONDS = 12 * 3600.0
ENDED_EARLY = "recovery ended before configured recovery target was reached"
LAST = re.compile(r"last completed transaction was at log time (?P<time>\S+ \S+)")
SETTINGS = {
    "listen_addresses": "",
    "port": str(PORT),
    "archive_mode": "off",
    "hot_standby": "off",
    "autovacuum": "off",
    "fsync": "off",
    "ssl": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    "logging_collector": "off",
    "log_destination": "stderr",
    "log_min_messages": "info",
    "recovery_target_action": "promote",
    "recovery_target_timeline": "latest",
}
"""On the command line, so that nothing in the data directory overrides them."""


@dataclass(frozen=True)
class Recovered:
    """The server that holds the cluster as it was; ``reached`` is the last transaction's time (None: none)."""

    source: Database
    reached: datetime | None


class EndedEarlyError(Exception):
    """The WAL ended before the moment that was asked for; ``reached`` is the last transaction's time."""

    def __init__(self, reached: datetime | None) -> None:
        super().__init__(f"the WAL ends at {reached}")
        self.reached = reached


@contextlib.contextmanager
def server(
    data: Path, home: Path, major: int, wal_directories: Sequence[Path], until: datetime | None
) -> Iterator[Recovered]:
    """Recover the data directory to ``until`` (None: as far as the WAL goes), yield its server, stop that cleanly.

    ``home`` is a new directory for its socket and its log.  Raises EndedEarlyError; BackupError ``recovery_failed``.
    """
    home.mkdir(mode=0o700)
    give_to_server_user(home)
    for name, content in (("pg_hba.conf", "local all postgres peer\n"), ("pg_ident.conf", ""), ("postgresql.conf", "")):
        (home / name).write_text(content, encoding="ascii")
        give_to_server_user(home / name)
    (data / "recovery.signal").touch(mode=0o600)
    give_to_server_user(data / "recovery.signal")
    options = SETTINGS | {
        "config_file": str(home / "postgresql.conf"),
        "hba_file": str(home / "pg_hba.conf"),
        "ident_file": str(home / "pg_ident.conf"),
        "unix_socket_directories": str(home),
        "restore_command": restore_command(wal_directories),
        "recovery_target_time": until.isoformat() if until else "",
    }
    source = Database("postgres", home, PORT)
    process = scratch.launch(data, home, major, options)
    try:
        yield Recovered(source, _await(process, source, home / "log"))
        # Fast shutdown: it writes a checkpoint, so that the directory can be started elsewhere at once.
        process.send_signal(signal.SIGINT)
        process.wait(RECOVERY_SECONDS)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGQUIT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(GRACE_SECONDS)
        end(process)


def restore_command(directories: Sequence[Path]) -> str:
    """Return a shell line that takes a file from the first directory that has it."""
    places = " ".join(shlex.quote(str(path)) for path in directories)
    return f'for d in {places}; do if [ -f "$d/%f" ]; then exec cp "$d/%f" "%p"; fi; done; exit 1'


def _await(process: "subprocess.Popen[bytes]", source: Database, log: Path) -> datetime | None:
    question = (
        "SELECT to_char(pg_last_xact_replay_timestamp(), 'YYYY-MM-DD HH24:MI:SS.US+00') WHERE NOT pg_is_in_recovery();"
    )
    deadline = time.monotonic() + RECOVERY_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            answer = postgresql.query(source, question)
        except BackupError as error:
            if error.cause.code != "database_unreachable":
                raise
            time.sleep(0.2)
            continue
        return datetime.fromisoformat(answer.strip()) if answer.strip() else None
    words = log.read_text(encoding="utf-8", errors="replace")
    if ENDED_EARLY in words:
        found = LAST.search(words)
        raise EndedEarlyError(datetime.fromisoformat(found["time"]) if found else None)
    complaints = [line for line in words.splitlines() if re.search(r"\b(?:FATAL|PANIC|ERROR):", line)]
    raise BackupError("recovery_failed", str(log.parent), " ".join(complaints[-3:])[:300] or "the server did not start")


def told(moment: datetime | None) -> str:
    """Return a moment for a cause's detail."""
    return format_time(moment) if moment else "none"
