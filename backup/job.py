"""The nightly job: one policy's sources into the local repository, then a copy to the offsite vault.

It may be killed at any moment.  The next run heals: records of dead runs are closed, stale locks removed, and
what a dead run had stored is found again by restic's deduplication.
"""

import contextlib
import errno
import logging
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from backup import backup_set, locks, repository, rest_server
from backup.backup_set import BackupSet, Part
from backup.errors import BackupError
from backup.offsite import bring_offsite_up_to_date
from backup.policy import PERIOD, Config, Policy
from backup.recorder import Now, Recorder, Show, StepNotes, boot_id, heal, now_utc
from backup.repository import Added
from backup.restic import Repository
from backup.sources.work import Source, Work
from backup.status import BackupRun, Cause, Outcome, Trigger, new_id, read_runs

logger = logging.getLogger(__name__)

LATE = timedelta(hours=1)
"""How much later than a period a run may start before it counts as one that catches up."""
CHECK_PARTS = 7
"""Each night one part of the local repository's data is read, so that a week reads all of it."""


def _show_nobody(step: str, fraction: float | None, done_bytes: int) -> None:
    """Show no progress."""


def run_policy(
    config: Config, policy: Policy, trigger: Trigger, *, now: Now = now_utc, show: Show = _show_nobody
) -> BackupRun:
    """Run one policy and return its record, which is also in ``config.runs``.

    FAILED: there is no new backup.  WARNING: there is one, but a file, the check or the offsite copy is not well.
    Raises BackupError ``already_running``; KeyboardInterrupt, after it recorded INTERRUPTED.
    """
    with locks.mutex(config.mutex) as held:
        this_boot = boot_id()
        heal(config.runs, config.host, this_boot)
        started = now()
        run = BackupRun(
            run_id=new_id(policy.name, started),
            host=config.host,
            policy=policy.name,
            trigger=_real_trigger(config, policy, trigger, started),
            boot_id=this_boot,
            pid=os.getpid(),
            started_at=started,
        )
        recorder = Recorder(config.runs, run, now, show)
        try:
            warning = _back_up(config, policy, recorder, [held], now)
            warning = bring_offsite_up_to_date(config, policy, recorder, [held], now()) or warning
        except BackupError as error:
            return recorder.finish(Outcome.FAILED, error.cause)
        except KeyboardInterrupt:
            recorder.finish(Outcome.INTERRUPTED, Cause("interrupted", config.host, "the job was told to stop"))
            raise
        except OSError as error:
            full = error.errno in {errno.ENOSPC, errno.EDQUOT}
            place = str(error.filename or config.state_directory)
            return recorder.finish(
                Outcome.FAILED, Cause("local_disk_full" if full else "unknown", place, error.strerror or repr(error))
            )
        except Exception as error:
            recorder.finish(Outcome.FAILED, Cause("unknown", config.host, repr(error)[:300]))
            raise
        return recorder.finish(Outcome.WARNING if warning else Outcome.SUCCESS, warning)


def _real_trigger(config: Config, policy: Policy, trigger: Trigger, started: datetime) -> Trigger:
    if trigger is not Trigger.SCHEDULE:
        return trigger
    good = [
        run.started_at
        for run in read_runs(config.runs)
        if run.policy == policy.name and run.outcome in {Outcome.SUCCESS, Outcome.WARNING}
    ]
    return Trigger.CATCH_UP if good and started - good[0] > PERIOD + LATE else trigger


def _back_up(config: Config, policy: Policy, recorder: Recorder, held: Sequence[int], now: Now) -> Cause | None:
    with recorder.step("preflight"):
        repository.require_version()
        local = config.repository("local")
        for source in policy.sources:
            source.require()
        rest_server.require(local)
        locks.remove_stale(local, held)
    with _staging(config.staging) as staging:
        tags = (f"run={recorder.run.run_id}", f"policy={policy.name}")
        work = Work(local, config.host, tags, recorder, held, staging)
        work.data_is_from(now())
        parts = []
        for source in policy.sources:
            with _capturing(recorder, source) as notes:
                parts.append(source.capture(replace(work, notes=notes)))
        added = _seal(config, policy, work, parts)
    return _check(local, recorder, held, now()) or added.unreadable


@contextlib.contextmanager
def _capturing(recorder: Recorder, source: Source) -> Iterator[StepNotes]:
    """Give a source a step of its own; naming paths is none."""
    if source.kind == "paths":
        yield StepNotes()
    else:
        with recorder.step("dump") as notes:
            yield notes


def _seal(config: Config, policy: Policy, work: Work, parts: Sequence[Part]) -> Added:
    """Make the snapshot that makes a backup of the parts, and see that the repository has them all."""
    recorder = work.recorder
    with recorder.step("backup") as notes:
        sealed = BackupSet(
            run_id=recorder.run.run_id,
            host=config.host,
            policy=policy.name,
            as_of=min(work.moments),
            parts=tuple(parts),
            paths=tuple(str(path) for path in work.paths),
        )
        backup_set.write(work.staging / backup_set.MANIFEST_NAME, sealed)
        added = repository.backup_paths(
            work.local,
            host=config.host,
            tags=[*work.tags, "kind=set"],
            paths=[work.staging, *work.paths],
            excludes=work.excludes,
            progress=lambda fraction, done: recorder.show("backup", fraction, done),
            keep_open=work.held,
        )
        notes.numbers |= {"files": added.files, "bytes": added.bytes_processed, "bytes_added": added.bytes_added}
        notes.warning = added.unreadable
        streams = [part.snapshot_id for part in parts if part.snapshot_id]
        _require_listed(work.local, work.tags[0], [*streams, added.snapshot_id])
        recorder.count(added)
        recorder.update(snapshot_id=added.snapshot_id)
    return added


@contextlib.contextmanager
def _staging(staging: Path) -> Iterator[Path]:
    """Make ``staging`` an empty 0700 directory, and remove it afterwards."""
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(mode=0o700, parents=True)
    try:
        yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _require_listed(local: Repository, tag: str, snapshot_ids: Sequence[str]) -> None:
    listed = {snapshot.id for snapshot in repository.snapshots(local, [tag])}
    for snapshot_id in snapshot_ids:
        if snapshot_id not in listed:
            raise BackupError("snapshot_not_found", local.place, snapshot_id[:8])


def _check(local: Repository, recorder: Recorder, held: Sequence[int], moment: datetime) -> Cause | None:
    """Check the local repository.  Damage fails the run; a check that could not be made is a warning."""
    part = moment.toordinal() % CHECK_PARTS + 1
    try:
        with recorder.step("check") as notes:
            repository.check(local, subset=f"{part}/{CHECK_PARTS}", keep_open=held)
            notes.numbers |= {"data_part": part, "data_parts": CHECK_PARTS}
    except BackupError as error:
        if error.cause.code == "repository_damaged":
            raise
        return error.cause
    return None
