"""The copy at the offsite vault: everything sealed, kept and not there yet goes there, and its arrival is looked up.

A failure here never undoes a good local backup: it is a warning, and the next run copies what is missing.  So is
what the vault's keeper has set aside or lost: it is not listed there.
"""

import contextlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from backup.config.policy import Config, Policy
from backup.errors import BackupError
from backup.night.recorder import Now, Recorder, StepNotes
from backup.night.retry import Sleep, persistently
from backup.repositories import locks, repository, rest_server, space
from backup.repositories.repository import Snapshot
from backup.repositories.restic import Repository
from backup.rules import retention
from backup.status import Cause, Outcome

PAUSES_SECONDS = (30.0,)
"""Only one more try: a vault that is away may stay away for days, and the next run copies all the same."""


def missing_offsite(local: Sequence[Snapshot], offsite: Sequence[Snapshot], kept: Collection[str]) -> list[Snapshot]:
    """Return the members of sealed local sets that are ``kept`` and of which the vault lists no copy."""
    sealed = {snapshot.tag("run") for snapshot in local if snapshot.tag("kind") == "set"}
    there = {snapshot.original or snapshot.id for snapshot in offsite}
    return [
        snapshot
        for snapshot in local
        if snapshot.tag("run") in sealed
        and snapshot.id in kept
        and snapshot.id not in there
        and (snapshot.original or snapshot.id) not in there
    ]


@dataclass(frozen=True)
class Vault:
    """One run's copy; ``listed`` are the policy's snapshots in the local repository."""

    config: Config
    policy: Policy
    recorder: Recorder
    held: Sequence[int]
    listed: Sequence[Snapshot]
    now: Now
    sleep: Sleep

    def bring_up_to_date(self) -> Cause | None:
        """Copy what the vault lacks and check its structure; return what is not well, or None."""
        if self.config.offsite is None:
            return None
        try:
            local = self.config.repository("local", self.policy.limits)
            offsite = self.config.repository("offsite", self.policy.limits)
            with self.recorder.step("copy", failure=Outcome.WARNING) as notes, _named_offsite():
                persistently(lambda: self._copy(local, offsite, notes), notes, self.sleep, PAUSES_SECONDS)
            with self.recorder.step("check_offsite", failure=Outcome.WARNING), _named_offsite():
                repository.check(offsite, keep_open=self.held)
        except BackupError as error:
            return error.cause
        return None

    def _copy(self, local: Repository, offsite: Repository, notes: StepNotes) -> None:
        rest_server.require(offsite)
        locks.remove_stale(offsite, self.held)
        tags = [f"policy={self.policy.name}"]
        there = repository.snapshots(offsite, tags)
        before = after = missing_offsite(self.listed, there, self._kept())
        if before:
            _require_space(offsite, before, notes)
            repository.copy(local, offsite, [snapshot.id for snapshot in before], keep_open=self.held)
            there = repository.snapshots(offsite, tags)
            after = missing_offsite(self.listed, there, self._kept())
        notes.numbers |= {"snapshots_copied": len(before) - len(after), "snapshots_missing": len(after)}
        if after:
            names = ", ".join(snapshot.id[:8] for snapshot in after[:5])
            raise BackupError("offsite_incomplete", offsite.place, f"{len(after)}: {names}")
        arrived = next((item.id for item in there if item.original == self.recorder.run.snapshot_id), None)
        self.recorder.update(offsite_snapshot_id=arrived)

    def _kept(self) -> Collection[str]:
        """Return what the vault's own rule keeps: what its keeper would remove tonight is not copied."""
        zone = ZoneInfo(self.config.timezone)
        return retention.decide(self.listed, self.policy.retention, now=self.now(), zone=zone).keep.keys()


def _require_space(offsite: Repository, missing: Sequence[Snapshot], notes: StepNotes) -> None:
    """Raise BackupError ``repository_full`` when what the missing snapshots once added does not fit."""
    free = space.free_bytes(offsite)
    if free is not None:
        needed = sum(item.summary.bytes_added_packed for item in missing if item.summary) + space.SPARE_BYTES
        notes.numbers |= {"bytes_free": free, "bytes_needed": needed}
        space.require(offsite, needed, free)


@contextlib.contextmanager
def _named_offsite() -> Iterator[None]:
    """Name an unreachable vault as such: it means something else to the clinic than an unreachable appliance."""
    try:
        yield
    except BackupError as error:
        cause = error.cause
        if cause.code == "repository_unreachable" and cause.place.startswith("offsite "):
            raise BackupError("offsite_unreachable", cause.place, cause.detail) from error
        raise
