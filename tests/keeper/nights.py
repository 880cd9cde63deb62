"""Invented nights of a policy, as restic would list them."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from backup.repositories.repository import Snapshot, Summary

FIRST = datetime(2026, 3, 1, 18, 0, tzinfo=UTC)
"""02:00 in Shanghai."""
DAY = timedelta(days=1)
DUMP_BYTES = 40_000_000


def identity(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def summary(at: datetime, **numbers: int) -> Summary:
    """A quiet night of the ransomware drill's clinic: 20 001 files, one of them changed."""
    quiet = {
        "files_new": 1,
        "files_changed": 1,
        "files_unmodified": 20_000,
        "bytes_processed": 157_000_000,
        "bytes_added": 520_000,
        "bytes_added_packed": 100_000,
    } | numbers
    total = quiet["files_new"] + quiet["files_changed"] + quiet["files_unmodified"]
    return Summary(backup_start=at, files_processed=total, **quiet)


def seal(at: datetime, **numbers: int) -> Snapshot:
    return snapshot("set", at, ("/var/lib/xinglin/backup/staging", "/srv/his"), "his", summary(at, **numbers))


def dump(at: datetime, size: int = DUMP_BYTES, added: int = 800_000, packed: int = 200_000) -> Snapshot:
    numbers = Summary(at, 1, 0, 0, 1, size, added, packed)
    return snapshot("dump", at, ("/his.dump",), "his", numbers)


def snapshot(kind: str, at: datetime, paths: tuple[str, ...], policy: str, numbers: Summary) -> Snapshot:
    run = f"run={at:%Y%m%dT%H%M%SZ}-{policy}-0a1b2c"
    return Snapshot(
        identity(kind, at, policy), at, "his1", (run, f"policy={policy}", f"kind={kind}"), paths, None, numbers
    )


def quiet(count: int, **numbers: int) -> list[Snapshot]:
    """The first night stores everything, the others what a quiet night brings."""
    first = [
        dump(FIRST, added=DUMP_BYTES, packed=9_000_000),
        seal(FIRST, files_new=20_000, files_changed=0, files_unmodified=0, bytes_added=157_000_000),
    ]
    return first + [item for n in range(1, count) for item in night(n, **numbers)] if count else []


def night(number: int, **numbers: int) -> list[Snapshot]:
    at = FIRST + number * DAY
    return [dump(at), seal(at, **numbers)]


def copied(item: Snapshot) -> Snapshot:
    return replace(item, id=identity("copy", item.id), original=item.id)
