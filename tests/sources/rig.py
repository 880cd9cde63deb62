"""Captures a source into a real repository, seals the set, and proves it, as the job and the restore test do."""

from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path

from backup.night.backup_set import Part
from backup.night.recorder import Recorder, now_utc
from backup.repositories import repository
from backup.repositories.restic import Repository
from backup.sources.work import Source, Stored, Work
from backup.status import BackupRun, Trigger
from backup.verification.findings import Findings
from tests.backup.conftest import scratch_place

TAGS = ("run=r1", "policy=p")


@dataclass
class Rig:
    """One set in the making, and what it became."""

    local: Repository
    root: Path
    number: int = 0
    works: list[Work] = field(default_factory=list)

    def work(self) -> Work:
        """Return a new set's work with an empty staging directory."""
        self.number += 1
        staging = self.root / f"staging{self.number}"
        staging.mkdir(mode=0o700)
        run = BackupRun("r1", "his1", "p", Trigger.MANUAL, "boot", 1, now_utc())
        (self.root / "runs").mkdir(exist_ok=True)
        recorder = Recorder(self.root / "runs", run, now_utc, lambda *_: None)
        self.works.append(Work(self.local, "his1", TAGS, recorder, (), staging))
        return self.works[-1]

    def capture(self, source: Source) -> tuple[Part, Stored]:
        """Capture ``source`` in a set of its own and seal it."""
        return source.capture(self.work()), self.seal()

    def seal(self) -> Stored:
        """Seal the newest set."""
        work = self.works[-1]
        added = repository.backup_paths(
            self.local,
            host="his1",
            tags=[*TAGS, "kind=set"],
            paths=[work.staging, *work.paths],
            excludes=work.excludes,
        )
        listed = repository.snapshots(self.local)
        sealed = next(item for item in listed if item.id == added.snapshot_id)
        return Stored(self.local, sealed, listed, work.staging, self.root)

    def prove(self, source: Source, part: Part, stored: Stored, *, self_test: bool = False) -> Findings:
        """Prove the part in a scratch place of its own; raises BackupError."""
        findings = Findings(lambda _: None, self_test=self_test)
        with self.place() as place:
            source.prove(part, replace(stored, place=place), findings)
        return findings

    def place(self) -> AbstractContextManager[Path]:
        """Return a scratch place that servers' own users can pass through."""
        return scratch_place()
