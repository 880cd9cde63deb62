"""The seam between the job, the restore test and the sources."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import ClassVar, Protocol

from backup.errors import BackupError
from backup.night.backup_set import Part
from backup.night.recorder import Recorder, StepNotes
from backup.process import Producer
from backup.repositories import repository
from backup.repositories.repository import Added, Snapshot
from backup.repositories.restic import LONG_SECONDS, QUICK_SECONDS, Repository
from backup.status import Cause
from backup.verification.findings import Findings


class Source(Protocol):
    """One thing that a policy backs up.  Implementations are frozen dataclasses."""

    kind: ClassVar[str]

    @property
    def name(self) -> str:
        """The name of its part, unique in a policy and fit for a file name, such as ``his``."""

    @property
    def place(self) -> str:
        """What people read, such as ``database his (/var/run/postgresql, port 5432)``."""

    def require(self) -> None:
        """See before anything is stored that it can be captured; raises BackupError."""

    def capture(self, work: "Work") -> Part:
        """Store it and return its part; raises BackupError.

        A stream goes through ``work.stream`` into a snapshot of its own.  Files that it writes to
        ``work.staging`` and paths that it names with ``work.add_paths`` go into the sealing snapshot.
        """

    def prove(self, part: Part, stored: "Stored", findings: Findings) -> None:
        """Restore ``part`` below ``stored.place`` and compare it with its manifest.

        Notes phases and assertions in ``findings``; raises BackupError.  It must do with what the manifest says:
        the source may be gone, as may be this host.
        """


@dataclass(frozen=True)
class Work:
    """What a source needs to be captured: the set that is being made."""

    local: Repository
    host: str
    tags: tuple[str, ...]
    recorder: Recorder
    held: Sequence[int]
    staging: Path
    notes: StepNotes = field(default_factory=StepNotes)
    paths: list[Path] = field(default_factory=list)
    excludes: list[str] = field(default_factory=list)
    moments: list[datetime] = field(default_factory=list)

    def stream(self, filename: str, producer: Producer, kind: str = "dump", tags: Sequence[str] = ()) -> Added:
        """Store what ``producer`` writes as the file ``filename`` in a snapshot of its own, tagged ``kind=``.

        There is no snapshot unless the producer ended well.  Raises ProducerFailedError, BackupError.
        """
        added = repository.backup_stream(
            self.local,
            host=self.host,
            tags=[*self.tags, f"kind={kind}", *tags],
            filename=filename,
            producer=producer,
            progress=lambda fraction, done: self.recorder.show("dump", fraction, done),
            keep_open=self.held,
        )
        self.notes.numbers["bytes"] = self.notes.numbers.get("bytes", 0) + added.bytes_processed
        self.notes.numbers["bytes_added"] = self.notes.numbers.get("bytes_added", 0) + added.bytes_added
        self.recorder.count(added)
        return added

    def add_paths(self, paths: Sequence[Path], excludes: Sequence[str] = ()) -> None:
        """Have the sealing snapshot hold ``paths`` but for ``excludes`` (restic's patterns, for all paths alike)."""
        self.paths.extend(paths)
        self.excludes.extend(excludes)

    def data_is_from(self, moment: datetime) -> None:
        """Tell the time of this source's data when it is not that of the seal."""
        self.moments.append(moment)


@dataclass(frozen=True)
class Stored:
    """A sealed set in a repository, and a scratch directory of the part's own that others may pass through."""

    repository: Repository
    snapshot: Snapshot
    listed: Sequence[Snapshot]
    staging: Path
    place: Path

    def fetch(self, part: Part, findings: Findings) -> Path:
        """Write a stream's file below ``place`` (0600) and return its path; its size must be the original's.

        Raises BackupError: restore_failed when its snapshot is not there, dump_damaged for another size.
        """
        if part.snapshot_id is None or part.filename is None:
            raise ValueError(f"not a stream: {part.name}")
        target = self.place / part.filename
        got = repository.dump(self.repository, self.id_here(part), f"/{part.filename}", target, LONG_SECONDS)
        findings.bytes_restored += got
        findings.require(
            f"{part.name}: size of the dump",
            got == part.bytes,
            f"{part.bytes} bytes",
            f"{got} bytes",
            Cause("dump_damaged", f"{part.kind} {part.name}", f"{got} of {part.bytes} bytes"),
        )
        return target

    def staged(self, name: str) -> Path:
        """Write the staged file ``name`` of the set below ``place`` (0600) and return its path; raises BackupError.

        The name comes from the set: one that leads elsewhere is refused (``manifest_missing``).
        """
        if name.startswith("/") or ".." in name.split("/"):
            raise BackupError("manifest_missing", f"snapshot {self.snapshot.id[:8]}", f"it leads elsewhere: {name}")
        target = self.place / name
        repository.dump(self.repository, self.snapshot.id, str(self.staging / name), target, QUICK_SECONDS)
        return target

    def id_here(self, part: Part) -> str:
        """Return the id that the part's snapshot has in this repository: a copy has its own."""
        for item in self.listed:
            if part.snapshot_id in {item.id, item.original}:
                return item.id
        detail = f"the snapshot {str(part.snapshot_id)[:8]} of {part.name} is not there"
        raise BackupError("restore_failed", self.repository.place, detail)
