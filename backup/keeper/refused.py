"""Finds refused deletions in rest-server's log: a host never deletes, so whoever asks holds a stolen key.

rest-server 0.13 (``--log -``) writes one line a request in the combined log format; its user field is always ``-``, but
with ``--private-repos`` a 403 (unlike a 401) was answered to the user whose name the path begins with.
"""

import contextlib
import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from backup import process
from backup.errors import BackupError
from backup.status import RefusedDelete

UNIT = "xinglin-repository.service"
LINE = re.compile(
    r"(?P<address>\S+) - \S+ \[(?P<at>[^\]]{20,32})\] "
    r'"DELETE /(?P<host>[^/\s"]{1,255})/(?P<path>[^\s"]{1,300}) HTTP/[\d.]+" (?P<status>403|405) '
)
PROBES = frozenset({f"data/{'0' * 64}", f"snapshots/{'0' * 64}"})
"""What every host asks in vain each night, to see that it is refused."""
FOUND_AT_MOST = 200
"""So many refused deletions are enough of an alarm."""
PORT = re.compile(r":\d+$")


def parse(line: str) -> RefusedDelete | None:
    """Read one line of the log; None for everything that is not a refused deletion."""
    found = LINE.match(line)
    if not found or found["path"] in PROBES:
        return None
    try:
        at = datetime.strptime(found["at"], "%d/%b/%Y:%H:%M:%S %z").astimezone(UTC)
    except ValueError:
        return None
    return RefusedDelete(at, found["host"], PORT.sub("", found["address"]), found["path"])


@contextlib.contextmanager
def reading_journal(cursor_file: Path, unit: str = UNIT) -> Iterator[list[RefusedDelete]]:
    """Yield what the journal of ``unit`` has since the last time (the first time: all); ``cursor_file`` remembers.

    It remembers only when the block ended well: what could not be stored, on a full disk for one, is found again.
    Raises BackupError ``journal_unreadable``: an alarm that cannot be heard must be said so.
    """
    fresh = cursor_file.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    if cursor_file.exists():
        shutil.copyfile(cursor_file, fresh)
    yield _read(fresh, unit)
    if fresh.exists():
        fresh.replace(cursor_file)


def _read(cursor_file: Path, unit: str) -> list[RefusedDelete]:
    found: list[RefusedDelete] = []
    words: list[str] = []

    def take(source: process.Source, line: str) -> None:
        if source is process.Source.STDERR:
            words.append(line)
        elif len(found) < FOUND_AT_MOST and (refused := parse(line)):
            found.append(refused)

    command = ["journalctl", "--quiet", "--no-pager", "--output=cat", f"--unit={unit}", f"--cursor-file={cursor_file}"]
    returncode = process.run(command, {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}, on_line=take, timeout_seconds=120)
    if returncode:
        raise BackupError("journal_unreadable", unit, " ".join(words)[:300] or f"journalctl ended with {returncode}")
    return found
