"""What the keeper records of further copies: a removable disk, a partner's SFTP server, an S3 bucket."""

from dataclasses import dataclass
from datetime import datetime

from backup.status.records import SCHEMA, Cause, Outcome, Step


@dataclass(frozen=True)
class CopyDisk:
    """One of the disks that take turns: when it was last plugged in, and when all was last copied to it."""

    label: str
    seen_at: datetime | None = None
    complete_at: datetime | None = None


@dataclass(frozen=True)
class CopyState:
    """How the further copy ``name`` of the backups of ``host`` stands; ``kind``: disk, sftp or s3.

    ``place`` is where the last round copied to (the label of the disk), empty before the first.  ``sets`` and
    ``snapshots`` are what is there.  Everything that its retention keeps was last there at ``complete_at``.
    """

    server: str
    host: str
    name: str
    kind: str
    started_at: datetime
    place: str = ""
    outcome: Outcome = Outcome.RUNNING
    finished_at: datetime | None = None
    steps: tuple[Step, ...] = ()
    sets: int = 0
    snapshots: int = 0
    oldest_set_at: datetime | None = None
    newest_set_at: datetime | None = None
    complete_at: datetime | None = None
    removed: int = 0
    disks: tuple[CopyDisk, ...] = ()
    cause: Cause | None = None
    schema: int = SCHEMA
