"""The copy at the offsite vault: everything sealed and not there yet goes there, and its arrival is looked up.

A failure here never undoes a good local backup: it is a warning, and the next run copies what is missing.
"""

import contextlib
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from backup import locks, repository, rest_server
from backup.errors import BackupError
from backup.policy import Config, Policy
from backup.recorder import Recorder
from backup.repository import Snapshot
from backup.restic import Repository
from backup.status import Cause, Outcome

MARGIN = timedelta(days=1)
"""Snapshots this close to the end of their retention are not copied any more."""


def missing_offsite(
    local: Sequence[Snapshot], offsite: Sequence[Snapshot], keep_within: timedelta, moment: datetime
) -> list[Snapshot]:
    """Return the members of sealed local sets, young enough to keep, of which the vault lists no copy."""
    sealed = {snapshot.tag("run") for snapshot in local if snapshot.tag("kind") == "set"}
    there = {snapshot.original or snapshot.id for snapshot in offsite}
    return [
        snapshot
        for snapshot in local
        if snapshot.tag("run") in sealed
        and snapshot.time > moment - keep_within + MARGIN
        and snapshot.id not in there
        and (snapshot.original or snapshot.id) not in there
    ]


def bring_offsite_up_to_date(
    config: Config, policy: Policy, recorder: Recorder, held: Sequence[int], moment: datetime
) -> Cause | None:
    """Copy what the vault lacks of this policy and check the vault's structure; return what is not well, or None."""
    if config.offsite is None:
        return None
    try:
        local, offsite = config.repository("local"), config.repository("offsite")
        with recorder.step("copy", failure=Outcome.WARNING) as notes, _named_offsite():
            rest_server.require(offsite)
            locks.remove_stale(offsite, held)
            tags = [f"policy={policy.name}"]
            wanted = repository.snapshots(local, tags)
            before = missing_offsite(wanted, repository.snapshots(offsite, tags), policy.retention.longest, moment)
            if before:
                repository.copy(local, offsite, [snapshot.id for snapshot in before], keep_open=held)
            there = repository.snapshots(offsite, tags)
            after = missing_offsite(wanted, there, policy.retention.longest, moment)
            notes.numbers |= {"snapshots_copied": len(before) - len(after), "snapshots_missing": len(after)}
            _require_all(after, offsite)
            arrived = next((item.id for item in there if item.original == recorder.run.snapshot_id), None)
            recorder.update(offsite_snapshot_id=arrived)
        with recorder.step("check_offsite", failure=Outcome.WARNING), _named_offsite():
            repository.check(offsite, keep_open=held)
    except BackupError as error:
        return error.cause
    return None


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


def _require_all(missing: Sequence[Snapshot], offsite: Repository) -> None:
    if missing:
        names = ", ".join(snapshot.id[:8] for snapshot in missing[:5])
        raise BackupError("offsite_incomplete", offsite.place, f"{len(missing)}: {names}")
