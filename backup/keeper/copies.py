"""Further copies of the repositories here, one after the other; none stops the others, or the keeper's own round.

What the retention of a copy keeps is copied with ``restic copy`` and then looked up in its list; the structure is
checked; what is too old goes, unless the keeper paused retention or is healing.  A copy that was stopped goes on the
next night.
"""

import contextlib
import logging
import shutil
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from backup.errors import BackupError
from backup.keeper import copy_target, heal, memory, tools
from backup.keeper.config import KeeperConfig, Kept
from backup.keeper.copy_config import Copy, Disks, Sftp
from backup.keeper.copy_failure import named_copy
from backup.keeper.round import Recording, heal_interrupted
from backup.night.recorder import Now, StepNotes, now_utc
from backup.repositories import locks, repository
from backup.repositories.repository import Snapshot
from backup.repositories.restic import Repository, demand, run
from backup.rules.retention import decide
from backup.status import (
    Cause,
    CopyDisk,
    CopyState,
    Outcome,
    format_time,
    parse_time,
    read_copies,
    read_repositories,
    write_copy,
)

logger = logging.getLogger(__name__)

ALL_SECONDS = 16 * 3600.0
"""All copies together; each may take an equal share, so that a slow line does not use up another's time."""
REPACK_AT_MOST = 1024**3
SPARE_BYTES = 512 * 1024**2


def copy_all(config: KeeperConfig, names: Sequence[str] = (), *, now: Now = now_utc) -> list[CopyState]:
    """Bring the copies ``names`` (none: all) up to date and return their states, which are also on disk.

    Raises BackupError ``already_running``, ``configuration_wrong``; KeyboardInterrupt.
    """
    known = {copy.name: copy for copy in config.copies}
    if unknown := set(names) - set(known):
        raise BackupError("configuration_wrong", ", ".join(sorted(unknown)), f"known copies: {', '.join(known) or '–'}")
    config.memories.mkdir(parents=True, exist_ok=True)
    config.cache_directory.mkdir(parents=True, exist_ok=True)
    with locks.mutex(config.copies_mutex) as held:
        tidy(config, now())
        chosen = [known[name] for name in names] or config.copies
        share = ALL_SECONDS / max(1, len(chosen))
        return [state for copy in chosen for state in _Copying(config, copy, [held], now, share).copy()]


def tidy(config: KeeperConfig, moment: datetime) -> None:
    """Tell the truth about copies that died, and nothing of those that are no longer made.

    Call it under the copies' mutex.
    """
    hosts, names = {kept.host for kept in config.hosts}, {copy.name for copy in config.copies}
    for state in read_copies(config.copies_directory):
        if state.host not in hosts or state.name not in names:
            (config.copies_directory / f"{state.name}.{state.host}.json").unlink(missing_ok=True)
        elif state.outcome is Outcome.RUNNING:
            write_copy(config.copies_directory, heal_interrupted(state, moment))


class _Copying:
    """One night of one copy, for all hosts."""

    def __init__(self, config: KeeperConfig, copy: Copy, held: Sequence[int], now: Now, seconds: float) -> None:
        self.config = config
        self.plan = copy
        self.held = held
        self.now = now
        self.ends = time.monotonic() + seconds
        self.earlier = {state.host: state for state in read_copies(config.copies_directory) if state.name == copy.name}
        self.disks: list[CopyDisk] = []
        self.disk: CopyDisk | None = None

    def copy(self) -> list[CopyState]:
        """Copy every host's repository."""
        moment = self.now()
        missing: BackupError | None = None
        if isinstance(self.plan.where, Disks):
            self.disks = copy_target.look(self.plan.where, copy_target.merged(self.earlier.values()), moment)
            try:
                self.disk = copy_target.choose(self.plan, self.disks, moment)
            except BackupError as error:
                missing = error
        late = copy_target.overdue(self.plan, self.disks, moment)
        return [self._host(kept, missing, late) for kept in self.config.hosts]

    def _host(self, kept: Kept, missing: BackupError | None, late: Cause | None) -> CopyState:
        empty = CopyState(self.config.server, kept.host, self.plan.name, self.plan.where.kind, self.now())
        state = replace(
            self.earlier.get(kept.host, empty),
            server=self.config.server,
            kind=self.plan.where.kind,
            started_at=self.now(),
            outcome=Outcome.RUNNING,
            finished_at=None,
            steps=(),
            removed=0,
            disks=tuple(self.disks),
            cause=None,
        )
        record = Recording(state, self.now, lambda state: write_copy(self.config.copies_directory, state))
        try:
            if missing:
                record.worsen(Outcome.WARNING, missing.cause)
            else:
                self._steps(kept, record)
            if late and not missing:
                record.worsen(Outcome.WARNING, late)
        except BackupError as error:
            if record.outcome is Outcome.SUCCESS:
                record.worsen(Outcome.FAILED, error.cause)
        except OSError as error:
            cause = Cause("copy_failed", f"{self.plan.name} {error.filename or ''}", error.strerror or repr(error))
            record.worsen(Outcome.FAILED, cause)
        except KeyboardInterrupt:
            record.worsen(Outcome.WARNING, Cause("interrupted", self.plan.name, "the keeper was told to stop"))
            record.close()
            raise
        return record.close()

    def _steps(self, kept: Kept, record: Recording[CopyState]) -> None:
        source = self.config.repository(kept.host)
        target = copy_target.repository_of(self.config, self.plan, kept.host, self.disk.label if self.disk else None)
        with record.step("open") as notes, named_copy(target):
            self._open(source, target, record, notes)
        with record.step("copy") as notes, named_copy(target):
            self._copy(kept, source, target, record, notes)
        with record.step("check") as notes, named_copy(target):
            findings = tools.check(target, self.held, timeout_seconds=self._left())
            if findings.errors:
                raise BackupError("repository_damaged", target.place, findings.words)
        self._complete(record)
        if self._may_remove(kept):
            self._thin_out(kept, target, record)

    def _open(self, source: Repository, target: Repository, record: Recording[CopyState], notes: StepNotes) -> None:
        place = self.disk.label if self.disk else target.url
        before = record.state.snapshots if record.state.place == place else 0
        if self.disk and isinstance(self.plan.where, Disks):
            copy_target.require_writable(self.plan.where.places[self.disk.label])
        if isinstance(self.plan.where, Sftp):
            copy_target.require_reachable(self.plan.where, target.place)
        try:
            repository.require_password(target)
        except BackupError as error:
            if error.cause.code != "repository_missing":
                raise
            repository.init(target, source)
            if before:
                notes.warning = Cause("copy_renewed", target.place, f"{before}")
        record.update(place=place)
        # Under the mutex no restic of ours writes there: what has our name and a dead number is a dead one's.
        demand(run(["unlock"], target, keep_open=self.held), target)

    def _copy(
        self, kept: Kept, source: Repository, target: Repository, record: Recording[CopyState], notes: StepNotes
    ) -> None:
        lacking = before = self._lacking(kept, source, target)
        if before:
            try:
                self._bring(source, target, before)
            except BackupError as error:
                if error.cause.code != "repository_full" or not self._may_remove(kept):
                    self._tell(target, record)
                    raise
                # What is too old makes room.
                self._remove(kept, target)
                self._bring(source, target, self._lacking(kept, source, target))
            lacking = self._lacking(kept, source, target)
        self._tell(target, record)
        notes.numbers |= {"snapshots_copied": len(before) - len(lacking), "snapshots_missing": len(lacking)}
        if lacking:
            names = ", ".join(item.id[:8] for item in lacking[:5])
            raise BackupError("copy_incomplete", target.place, f"{len(lacking)}: {names}")

    def _lacking(self, kept: Kept, source: Repository, target: Repository) -> list[Snapshot]:
        """Return what the copy should have and has not, the newest set first: it is worth most."""
        policies = dict.fromkeys(kept.policies, self.plan.retention)
        here, there = repository.snapshots(target), repository.snapshots(source)
        found = heal.lacking_here(here, there, policies, now=self.now(), zone=self.config.zone)
        return found[::-1]

    def _bring(self, source: Repository, target: Repository, wanted: Sequence[Snapshot]) -> None:
        for start in range(0, len(wanted), heal.COPIED_AT_ONCE):
            ids = [item.id for item in wanted[start : start + heal.COPIED_AT_ONCE]]
            repository.copy(source, target, ids, keep_open=self.held, timeout_seconds=self._left())

    def _tell(self, target: Repository, record: Recording[CopyState]) -> list[Snapshot]:
        listed = repository.snapshots(target)
        sets = [parse_time(format_time(item.time)) for item in listed if item.tag("kind") == "set"]
        record.update(
            snapshots=len(listed),
            sets=len(sets),
            oldest_set_at=min(sets, default=None),
            newest_set_at=max(sets, default=None),
        )
        return listed

    def _complete(self, record: Recording[CopyState]) -> None:
        moment = self.now()
        if self.disk:
            label = self.disk.label
            self.disks = [replace(item, complete_at=moment) if item.label == label else item for item in self.disks]
        record.update(complete_at=moment, disks=tuple(self.disks))

    def _may_remove(self, kept: Kept) -> bool:
        """Tell whether the keeper's own round at this host was well: nothing odd, nothing broken, nothing to decide."""
        states = {state.host: state for state in read_repositories(self.config.repositories)}
        state = states.get(kept.host)
        whole = state is not None and state.outcome in {Outcome.SUCCESS, Outcome.WARNING} and not state.set_aside
        remembered = memory.read(self.config.memories / f"{kept.host}.json")
        return whole and not remembered.anomalies

    def _thin_out(self, kept: Kept, target: Repository, record: Recording[CopyState]) -> None:
        with contextlib.suppress(BackupError), record.step("retention", failure=Outcome.WARNING) as notes:
            try:
                removed = self._remove(kept, target)
            except BackupError as error:
                cause = error.cause
                raise BackupError("copy_not_thinned", target.place, f"{cause.code}: {cause.detail}") from error
            notes.numbers |= {"removed": removed}
            record.update(removed=removed)
            self._tell(target, record)

    def _remove(self, kept: Kept, target: Repository) -> int:
        """Remove what is too old and free its space; return how many snapshots went."""
        listed = repository.snapshots(target)
        going: list[str] = []
        for policy in kept.policies:
            own = [item for item in listed if item.tag("policy") == policy]
            going += decide(own, self.plan.retention, now=self.now(), zone=self.config.zone).remove
        if going:
            tools.forget(target, self.held, going)
            tools.prune(target, self.held, _repack_bytes(target), self._left())
        return len(going)

    def _left(self) -> float:
        """Return the seconds that are left; raises BackupError ``timed_out`` when there are none."""
        left = self.ends - time.monotonic()
        if left <= 0:
            raise BackupError("timed_out", self.plan.name, "no time is left tonight")
        return left


def _repack_bytes(target: Repository) -> int:
    if not target.url.startswith("/"):
        return REPACK_AT_MOST
    free = shutil.disk_usage(Path(target.url)).free
    return 0 if free < SPARE_BYTES else min(REPACK_AT_MOST, free // 2)
