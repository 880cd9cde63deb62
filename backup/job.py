"""The nightly job: one policy's sources into the local repository, then a copy to the offsite vault.

It may be killed at any moment.  The next run heals: records of dead runs are closed, stale locks removed, and
what a dead run had stored is found again by restic's deduplication.
"""

import contextlib
import errno
import logging
import os
import random
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from backup import backup_set, locks, manifest, postgresql, process, repository, rest_server
from backup.backup_set import BackupSet, Dump
from backup.errors import BackupError
from backup.offsite import bring_offsite_up_to_date
from backup.policy import PERIOD, Config, Policy, PostgresqlSource
from backup.recorder import Now, Recorder, Show, StepNotes, boot_id, heal, now_utc
from backup.restic import Repository
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
        for path in policy.paths:
            if not path.exists():
                raise BackupError("source_missing", str(path), f"policy {policy.name} names it")
        rest_server.require(local)
        for source in policy.databases:
            postgresql.query(source, "SELECT 1;")
        locks.remove_stale(local, held)
    tags = (f"run={recorder.run.run_id}", f"policy={policy.name}")
    work = _Work(local, config.host, tags, recorder, held)
    with _staging(config.state_directory) as staging:
        as_of = now()
        dumps = []
        for source in policy.databases:
            with recorder.step("dump") as notes:
                dump, moment = _dump(work, source, staging, notes)
                dumps.append(dump)
                as_of = min(as_of, moment)
        with recorder.step("backup") as notes:
            sealed = BackupSet(
                run_id=recorder.run.run_id,
                host=config.host,
                policy=policy.name,
                as_of=as_of,
                dumps=tuple(dumps),
                paths=tuple(str(path) for path in policy.paths),
                sample=backup_set.sample(policy.paths, policy.excludes, random.Random(recorder.run.run_id)),  # noqa: S311
            )
            backup_set.write(staging / backup_set.MANIFEST_NAME, sealed)
            added = repository.backup_paths(
                local,
                host=config.host,
                tags=[*tags, "kind=set"],
                paths=[staging, *policy.paths],
                excludes=policy.excludes,
                progress=lambda fraction, done: recorder.show("backup", fraction, done),
                keep_open=held,
            )
            notes.numbers |= {"files": added.files, "bytes": added.bytes_processed, "bytes_added": added.bytes_added}
            notes.warning = added.unreadable
            _require_listed(local, tags[0], [*(dump.snapshot_id for dump in dumps), added.snapshot_id])
            _count(recorder, added)
            recorder.update(snapshot_id=added.snapshot_id)
    return _check(local, recorder, held, now()) or added.unreadable


def _count(recorder: Recorder, added: repository.Added) -> None:
    recorder.update(
        bytes_processed=recorder.run.bytes_processed + added.bytes_processed,
        bytes_added=recorder.run.bytes_added + added.bytes_added,
        files=recorder.run.files + added.files,
    )


@contextlib.contextmanager
def _staging(state_directory: Path) -> Iterator[Path]:
    """Yield an empty 0700 directory that always has the same name, as restic groups snapshots by their paths."""
    staging = state_directory / "staging"
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(mode=0o700, parents=True)
    try:
        yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)


@dataclass(frozen=True)
class _Work:
    local: Repository
    host: str
    tags: tuple[str, ...]
    recorder: Recorder
    held: Sequence[int]


def _dump(work: _Work, source: PostgresqlSource, staging: Path, notes: StepNotes) -> tuple[Dump, datetime]:
    filename = f"{source.database}.dump"
    with postgresql.exported_snapshot(source) as snapshot, tempfile.TemporaryFile() as stderr:
        with postgresql.dump_stream(source, snapshot, stderr) as (read_end, producer):
            try:
                added = repository.backup_stream(
                    work.local,
                    host=work.host,
                    tags=[*work.tags, "kind=dump"],
                    filename=filename,
                    read_end=read_end,
                    producer=producer,
                    progress=lambda fraction, done: work.recorder.show("dump", fraction, done),
                    keep_open=work.held,
                )
            except process.ProducerFailedError as error:
                words = postgresql.said(stderr) or f"pg_dump ended with {error.returncode}"
                raise BackupError("dump_failed", source.place, words) from error
        found = manifest.compute(source, snapshot.id)
        manifest.require_tables(found, source)
        for kind in ("roles", "tablespaces"):
            postgresql.dump_globals(source, snapshot, kind, staging / f"{source.database}.{kind}.sql")
    notes.numbers |= {"bytes": added.bytes_processed, "bytes_added": added.bytes_added}
    notes.numbers |= {"tables": len(found.tables), "rows": found.rows}
    _count(work.recorder, added)
    return Dump(added.snapshot_id, filename, added.bytes_processed, found), snapshot.as_of


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
