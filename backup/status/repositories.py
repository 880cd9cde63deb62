"""What a repository's server records: how each host's repository stands, and its own space.

Sizes are bytes.
"""

from dataclasses import dataclass
from datetime import datetime

from backup.status.records import SCHEMA, Cause, Outcome, Step

PARTS = 28
"""A repository's data is read back in this many parts, one a night."""


@dataclass(frozen=True)
class Anomaly:
    """One thing about a snapshot that a healthy night does not show; ``code`` is explained in ``backup.causes``."""

    code: str
    policy: str
    snapshot_id: str
    at: datetime
    detail: str


@dataclass(frozen=True)
class RepositoryState:
    """How the repository of ``host`` on ``server`` stands after the keeper's last round; ``kind``: local or offsite.

    ``sizes`` has the day (YYYY-MM-DD) and the size then, newest last.  All data has been read back since
    ``read_through_at`` (None: not all has been read yet).  ``set_aside`` are snapshots that wait for their copy from
    the other repository.  Retention has been paused since ``paused_since`` because of ``anomalies``; ``removed``
    counts the snapshots that the last retention removed.
    """

    server: str
    host: str
    kind: str
    started_at: datetime
    outcome: Outcome = Outcome.RUNNING
    finished_at: datetime | None = None
    steps: tuple[Step, ...] = ()
    sets: int = 0
    snapshots: int = 0
    oldest_set_at: datetime | None = None
    newest_set_at: datetime | None = None
    size_bytes: int = 0
    sizes: tuple[tuple[str, int], ...] = ()
    parts: int = PARTS
    parts_read: int = 0
    read_through_at: datetime | None = None
    broken_packs: tuple[str, ...] = ()
    set_aside: tuple[str, ...] = ()
    paused_since: datetime | None = None
    anomalies: tuple[Anomaly, ...] = ()
    removed: int = 0
    cause: Cause | None = None
    schema: int = SCHEMA


@dataclass(frozen=True)
class RefusedDelete:
    """Somebody with the key of ``host``, at the network address ``address``, asked to delete ``path`` and may not."""

    at: datetime
    host: str
    address: str
    path: str


@dataclass(frozen=True)
class SpaceState:
    """The space of the repositories' file system; ``ballast_bytes`` is 0 after the ballast was given up."""

    server: str
    at: datetime
    path: str
    total_bytes: int
    free_bytes: int
    ballast_bytes: int = 0
    released_at: datetime | None = None
    growth_bytes_per_day: float | None = None
    days_until_full: float | None = None
    refused_deletes: tuple[RefusedDelete, ...] = ()
    schema: int = SCHEMA
