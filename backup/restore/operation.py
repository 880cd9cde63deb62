"""Does what a plan says, step by step on record; it may be killed at any moment."""

import os
import pwd
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from backup.config.policy import Config
from backup.errors import BackupError
from backup.night.recorder import Now, Show, now_utc
from backup.postgres import scratch
from backup.repositories import locks
from backup.restore import files
from backup.restore.plan import FilesPlan, Plan
from backup.restore.record import RestoreRecorder, heal
from backup.restore.request import Request
from backup.restore.restorer import PartPlan
from backup.status import Cause, Outcome, RestoreRecord, new_id
from backup.verification import verify


@dataclass(frozen=True)
class Done:
    """A finished restore: its record, and for people what to do next, such as how to take it back."""

    record: RestoreRecord
    hints: tuple[str, ...]


@contextmanager
def exclusive(config: Config) -> Iterator[None]:
    """Be the only restore of this host; raises BackupError ``restore_running``."""
    try:
        with locks.mutex(config.state_directory / "restore.lock"):
            yield
    except BackupError as error:
        if error.cause.code != "already_running":
            raise
        raise BackupError("restore_running", error.cause.place, error.cause.detail) from error


def heal_dead(config: Config) -> list[RestoreRecord]:
    """Close the records of restores that died, unless one goes on, and return them."""
    try:
        with exclusive(config):
            return heal(config.restores, config.host)
    except BackupError as error:
        if error.cause.code != "restore_running":
            raise
        return []


@dataclass(frozen=True)
class Intent:
    """What goes on record about a restore before it begins."""

    request: Request
    repository: str
    snapshot_id: str
    what: str
    target: str
    as_of: datetime | None
    until: datetime | None = None


Act = Callable[[Path, RestoreRecorder, list[str]], None]
"""Restores, with a scratch directory of its own, and adds hints for people; raises BackupError."""


def execute(config: Config, plan: Plan, *, now: Now = now_utc, show: Show, scratch_parent: Path | None = None) -> Done:
    """Restore what ``plan`` says and return the record, which is also in ``config.restores``.

    FAILED: what was there before is unchanged, but for files in place, whose old versions are kept.  Raises
    BackupError ``restore_running``; KeyboardInterrupt, after it recorded INTERRUPTED.
    """

    def act(place: Path, recorder: RestoreRecorder, hints: list[str]) -> None:
        # Beside, the files make the directory that parts go to; in place, what can fail its comparison goes first.
        if plan.files and not plan.files.in_place:
            _restore_files(plan.files, recorder, hints)
        for item in plan.parts:
            _restore_part(plan, item, place, recorder, hints)
        if plan.files and plan.files.in_place:
            _restore_files(plan.files, recorder, hints)

    asked = plan.asked
    intent = Intent(
        asked.request, asked.sets.repository.name, asked.snapshot.id, plan.what, plan.target, asked.sealed.as_of
    )
    return on_record(config, intent, act, now=now, show=show, scratch_parent=scratch_parent)


def on_record(
    config: Config, intent: Intent, act: Act, *, now: Now, show: Show, scratch_parent: Path | None = None
) -> Done:
    """Do ``act`` as the only restore of this host, with a record that is true all the time; raises as ``execute``."""
    with exclusive(config):
        heal(config.restores, config.host)
        recorder = RestoreRecorder(config.restores, _record(config, intent, now), now, show)
        hints: list[str] = []
        try:
            with scratch.directory(scratch_parent or verify.SCRATCH_PARENT) as place:
                act(place, recorder, hints)
        except BackupError as error:
            return Done(recorder.finish(Outcome.FAILED, error.cause), tuple(hints))
        except KeyboardInterrupt:
            recorder.finish(Outcome.INTERRUPTED, Cause("restore_interrupted", config.host, "it was told to stop"))
            raise
        except OSError as error:
            place_of = str(error.filename or intent.target)
            cause = Cause("target_failed", place_of, error.strerror or repr(error))
            return Done(recorder.finish(Outcome.FAILED, cause), tuple(hints))
        return Done(recorder.finish(Outcome.SUCCESS, None), tuple(hints))


def _record(config: Config, intent: Intent, now: Now) -> RestoreRecord:
    started = now()
    return RestoreRecord(
        restore_id=new_id(intent.request.policy, started),
        host=config.host,
        policy=intent.request.policy,
        repository=intent.repository,
        what=intent.what,
        target=intent.target,
        in_place=intent.request.in_place,
        purpose=intent.request.purpose,
        operator=intent.request.operator or operator(),
        started_at=started,
        snapshot_id=intent.snapshot_id,
        as_of=intent.as_of,
        until=intent.until,
    )


def operator() -> str:
    """Return who does it: the person behind sudo, else this process's user."""
    return os.environ.get("SUDO_USER") or pwd.getpwuid(os.getuid()).pw_name


def _restore_part(plan: Plan, item: PartPlan, place: Path, recorder: RestoreRecorder, hints: list[str]) -> None:
    own = scratch.passage(place / f"{item.part.kind}-{item.part.name}")
    item.restore(plan.asked.stored(own), recorder, hints)
    shutil.rmtree(own)


def _restore_files(item: FilesPlan, recorder: RestoreRecorder, hints: list[str]) -> None:
    if item.keep:
        with recorder.step("keep") as notes:
            # Looked at again: files may have changed while a person thought.
            notes.numbers["files"] = files.keep_old(files.preview(item.selection, item.target).changed, item.keep)
        if notes.numbers["files"]:
            hints.append(f"old versions of overwritten files are below {item.keep}")
            unpack = f"tar --extract --directory {item.target} --no-overwrite-dir"
            hints.append(f"to undo: tar --create --directory {item.keep} . | {unpack}")
    with recorder.step("files") as notes:

        def show(fraction: float | None, done: int) -> None:
            recorder.show("files", fraction, done)

        if item.in_place:
            done = files.restore(item.selection, item.target, show)
        else:
            done = files.restore_beside(item.selection, item.target, show)
        notes.numbers |= {"files": done["files_restored"], "bytes": done["bytes_restored"]}
