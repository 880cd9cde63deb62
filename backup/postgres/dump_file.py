"""What a PostgreSQL dump must stand before it is restored: it is whole, and of the time that its set claims."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

from backup.errors import BackupError
from backup.postgres import postgresql
from backup.postgres.manifest import DatabaseManifest
from backup.postgres.postgresql import Database
from backup.status import Cause, format_time, parse_time
from backup.verification.findings import Findings

READ_SECONDS = 6 * 3600.0
LIST_SECONDS = 600.0
BEGUN_WITHIN = timedelta(minutes=10)
"""pg_dump begins right after its snapshot was exported, on the same host's clock."""
_CREATED = re.compile(r"; Archive created at (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)")


def require_whole(expected: DatabaseManifest, staged: Path, findings: Findings) -> None:
    """Read the dump to its end; raises BackupError ``dump_damaged``."""
    # Listing the contents would not do: pg_restore -l is content with a truncated dump.
    returncode, words = _pg_restore(expected, staged, ["--file=/dev/null"], READ_SECONDS)
    words = words or (f"pg_restore ended with {returncode}" if returncode else "")
    findings.require(
        f"{expected.database}: dump can be read to its end",
        not words,
        "no complaint",
        words or "none",
        Cause("dump_damaged", f"database {expected.database}", words),
    )


def require_time(expected: DatabaseManifest, staged: Path, findings: Findings) -> None:
    """See in the dump's own header that it was begun when the manifest says; raises BackupError ``dump_misdated``.

    A set with an old dump under a new date would pass everything else when its manifest is the old one, too.
    """
    as_of = parse_time(expected.as_of)
    returncode, words = _pg_restore(expected, staged, ["--list"], LIST_SECONDS)
    if returncode:
        raise BackupError("dump_damaged", f"database {expected.database}", words)
    found = _CREATED.search(words)
    begun = datetime.fromisoformat(found[1]).replace(tzinfo=UTC) if found else None
    got = format_time(begun) if begun else "no time in its header"
    findings.require(
        f"{expected.database}: time of the dump",
        begun is not None and abs(begun - as_of) <= BEGUN_WITHIN,
        f"begun at {format_time(as_of)}",
        got,
        Cause("dump_misdated", f"database {expected.database}", f"{got} instead of {format_time(as_of)}"),
    )


def _pg_restore(expected: DatabaseManifest, staged: Path, arguments: list[str], seconds: float) -> tuple[int, str]:
    nowhere = Database("postgres", staged.parent)
    return postgresql.program("pg_restore", expected.major, nowhere, [*arguments, str(staged)], seconds)
