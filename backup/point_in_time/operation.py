"""Goes back to a moment, step by step on record."""

import contextlib
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from backup.config.policy import Config
from backup.errors import BackupError
from backup.night.recorder import Now, Show, now_utc
from backup.point_in_time import recover, wal
from backup.point_in_time.plan import PointPlan
from backup.point_in_time.recover import EndedEarlyError, Recovered, told
from backup.point_in_time.unpack import unpack, verify_base
from backup.postgres import manifest, postgresql, scratch
from backup.postgres.manifest import DatabaseManifest
from backup.postgres.postgresql import Database
from backup.repositories.restic import LONG_SECONDS, Repository, demand, run
from backup.restore import database, files, operation, programs, server
from backup.restore import postgresql as restore_postgresql
from backup.restore.database import DatabaseTarget
from backup.restore.operation import Done, Intent
from backup.restore.record import RestoreRecorder
from backup.status import format_time

ARCHIVE_SECONDS = 60.0
"""How long the live server may take to archive the WAL that it is writing."""


def execute(config: Config, plan: PointPlan, *, now: Now = now_utc, show: Show) -> Done:
    """Restore what ``plan`` says; the record's ``as_of`` is the exact time reached.  Raises as a restore of a set."""

    def act(place: Path, recorder: RestoreRecorder, hints: list[str]) -> None:
        if plan.target:
            _database(plan, plan.target, place, recorder, hints)
        elif plan.directory:
            _directory(plan, plan.directory, recorder, hints)

    seal = plan.base.seal.id
    intent = Intent(plan.request, plan.sets.repository.name, seal, plan.what, plan.where, None, plan.until)
    return operation.on_record(config, intent, act, now=now, show=show)


def _database(
    plan: PointPlan, target: DatabaseTarget, place: Path, recorder: RestoreRecorder, hints: list[str]
) -> None:
    server.sweep(plan.live)
    data, directories = _prepare(plan, place, recorder)
    name = plan.live.database
    with _recovering(plan, data, directories, recorder, hints) as recovered, recorder.step("dump"):
        if name not in server.databases(recovered.source):
            raise BackupError("not_in_backup", f"base {plan.base.snapshot_id[:8]}", f"database {name}")
        there = server.named(recovered.source, name)
        expected, dump, roles = _dump(there, place, plan.base.manifest.major)
    working = database.load(dump, roles, target, recorder)
    restore_postgresql.finish(expected, working, target, recorder, hints)


def _dump(source: Database, place: Path, major: int) -> tuple[DatabaseManifest, Path, str]:
    """Dump a database of the recovered server, whose only user we are; return its manifest, the dump, the roles."""
    dump = place / f"{source.database}.dump"
    dump.touch(mode=0o600)
    programs.give_to_server_user(dump)
    tool, everything = str(postgresql.binary("pg_dump", major)), str(postgresql.binary("pg_dumpall", major))
    at = f"recovered {source.place}"
    programs.run([tool, "--format=custom", "--compress=0", f"--file={dump}"], source, code="recovery_failed", place=at)
    roles = programs.run([everything, "--roles-only"], source, code="recovery_failed", place=at)
    return manifest.compute(source), dump, roles


def _directory(plan: PointPlan, target: Path, recorder: RestoreRecorder, hints: list[str]) -> None:
    home = files.unfinished(target)
    shutil.rmtree(home, ignore_errors=True)
    scratch.passage(home)
    data, directories = _prepare(plan, home, recorder)
    with _recovering(plan, data, directories, recorder, hints):
        pass
    os.sync()
    data.rename(target)
    shutil.rmtree(home, ignore_errors=True)
    hints.append(f"the data directory {target} is that of PostgreSQL {plan.base.manifest.major}, cleanly shut down")


def _prepare(plan: PointPlan, place: Path, recorder: RestoreRecorder) -> tuple[Path, list[Path]]:
    """Bring the base and the WAL below ``place``; return the data directory and where the WAL is."""
    data, fetched = place / "data", place / "wal"
    with recorder.step("fetch") as notes:
        unpack(plan.sets.repository, plan.base.snapshot_id, plan.base.filename, data)
        notes.numbers["bytes"] = plan.base.bytes
    with recorder.step("base"):
        words = verify_base(data, plan.base.manifest.major)
        if words:
            raise BackupError("base_damaged", f"snapshot {plan.base.snapshot_id[:8]}", words)
    with recorder.step("wal") as notes:
        fetched.mkdir(mode=0o700)
        programs.give_to_server_user(fetched)
        for stretch in plan.stretches:
            _fetch(plan.sets.repository, stretch, fetched)
        directories = [fetched, *([plan.spool] if _switch_live(plan) else [])]
        names = _names(directories)
        notes.numbers["segments"] = len(names)
        if plan.until is None:
            _refuse_gap(plan, *_whole(plan, data, directories))
    return data, directories


def _fetch(repository: Repository, stretch: wal.Stretch, target: Path) -> None:
    inside = f"{stretch.snapshot.id}:{stretch.snapshot.paths[0]}"
    command = ["restore", "--no-lock", inside, "--target", str(target), "--sparse", "--verify"]
    demand(run(command, repository, timeout_seconds=LONG_SECONDS), repository)


def _switch_live(plan: PointPlan) -> bool:
    """Have the live server, if it is the same cluster, archive what it has; tell whether its spool can be used."""
    if not plan.spool.is_dir():
        return False
    newest = max((item.snapshot.time for item in plan.stretches), default=None)
    if plan.until and newest and plan.until <= newest:
        return True
    try:
        script = "SELECT (SELECT system_identifier FROM pg_control_system()), pg_walfile_name(pg_switch_wal());"
        system, name = postgresql.query(server.maintenance(plan.live), script).strip().split("|")
    except BackupError:
        return True
    deadline = time.monotonic() + ARCHIVE_SECONDS
    while system == plan.base.manifest.system_identifier and time.monotonic() < deadline:
        if (plan.spool / name).exists():
            break
        time.sleep(0.1)
    return True


def _names(directories: Sequence[Path]) -> list[str]:
    return sorted({path.name for place in directories for path in place.iterdir() if wal.is_segment(path.name)})


@contextlib.contextmanager
def _recovering(
    plan: PointPlan, data: Path, directories: Sequence[Path], recorder: RestoreRecorder, hints: list[str]
) -> Iterator[Recovered]:
    """Replay the WAL and yield the server; raises BackupError ``wal_gap``, ``wal_ends_early``, ``recovery_failed``."""
    major = plan.base.manifest.major
    with contextlib.ExitStack() as stack:
        with recorder.step("recover"):
            try:
                recovered = stack.enter_context(
                    recover.server(data, data.with_name("server"), major, directories, plan.until)
                )
            except EndedEarlyError as error:
                hole, whole_until = _whole(plan, data, directories)
                if plan.until is None or whole_until < plan.until:
                    _refuse_gap(plan, hole, whole_until)
                    detail = f"asked for: {told(plan.until)}, the last transaction there: {told(error.reached)}"
                    raise BackupError("wal_ends_early", plan.sets.repository.place, detail) from error
                # Nothing was committed between the moment and the end of the last file, which is younger.
                recovered = stack.enter_context(
                    recover.server(data, data.with_name("server-2"), major, directories, None)
                )
            recorder.update(as_of=recovered.reached or plan.base.manifest.finished_at)
        last = format_time(recovered.reached) if recovered.reached else "none since the base"
        hints.append(f"the last transaction that is in it: {last}")
        yield recovered


def _whole(plan: PointPlan, data: Path, directories: Sequence[Path]) -> tuple[tuple[str, str] | None, datetime]:
    """Return the first hole in the WAL, if any, and when the last file before it was finished."""
    places = [*directories, data / "pg_wal"]
    names = _names(places)
    hole = wal.first_hole(names, plan.base.manifest.wal_start, plan.base.manifest.segment_bytes)
    before = [name for name in _names(directories) if hole is None or name < hole[0]]
    if not before:
        return hole, plan.base.manifest.finished_at
    last = next(path for place in directories if (path := place / before[-1]).exists())
    return hole, datetime.fromtimestamp(last.stat().st_mtime, UTC)


def _refuse_gap(plan: PointPlan, hole: tuple[str, str] | None, whole_until: datetime) -> None:
    """Raise BackupError ``wal_gap`` when there is a hole."""
    if hole is not None:
        missing, following = hole
        detail = f"{missing} is missing, the next there is {following}; whole until {format_time(whole_until)}"
        raise BackupError("wal_gap", plan.sets.repository.place, detail)
