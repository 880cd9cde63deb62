"""The dump file itself: whole, and of the time that its manifest says."""

import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

from backup.sources.mariadb.manifest import Manifest
from backup.status import Cause, parse_time
from backup.verification.findings import Findings

LAST_LINE = re.compile(rb"-- Dump completed on (\d{4}-\d\d-\d\d) +(\d+:\d\d:\d\d)\n\Z")
LONGEST = timedelta(days=1)
"""How long a dump may take: its last line has the time of its end."""


def require_whole(expected: Manifest, staged: Path, findings: Findings, place: str) -> None:
    """Raise BackupError ``dump_damaged`` without its last line, ``dump_misdated`` with one of another time."""
    with staged.open("rb") as stream:
        stream.seek(max(0, os.fstat(stream.fileno()).st_size - 200))
        found = LAST_LINE.search(stream.read())
    damaged = Cause("dump_damaged", place, "its last line is missing")
    said = b" ".join(found.groups()).decode() if found else "no such line"
    findings.require(f"{expected.database}: dump is whole", bool(found), "a last line with its time", said, damaged)
    ended = datetime.strptime(said, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    began = parse_time(expected.as_of)
    misdated = Cause("dump_misdated", place, f"it is of {said} UTC, the manifest of {expected.as_of}")
    findings.require(
        f"{expected.database}: time of the dump",
        began - timedelta(seconds=1) <= ended <= began + LONGEST,
        f"soon after {expected.as_of}",
        f"{said} UTC",
        misdated,
    )
