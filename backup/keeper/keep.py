"""The keeper's round: each host's repository is guarded, checked, healed, thinned out; none stops the others.

It may be killed at any moment; the next round finds what is half done.
"""

import logging
import shutil
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from backup.errors import BackupError
from backup.keeper import heal, memory, observe, opening, tools
from backup.keeper.aside import SMALL_KINDS, Aside, Waiting, size_of
from backup.keeper.config import KeeperConfig, Kept
from backup.keeper.memory import Memory
from backup.keeper.round import Round
from backup.night.recorder import Now, StepNotes, now_utc
from backup.repositories import locks, repository
from backup.repositories.repository import Snapshot
from backup.rules.retention import decide
from backup.status import PARTS, Cause, Outcome, RepositoryState, format_time, parse_time, read_repositories

logger = logging.getLogger(__name__)

PRUNE_AT_LEAST_EVERY = timedelta(days=7)
REPACK_AT_MOST = 8 * 1024**3
SPARE_BYTES = 512 * 1024**2
"""With less free space than this prune writes nothing anew: it only deletes what is wholly unneeded."""


def keep_all(config: KeeperConfig, hosts: Sequence[str] = (), *, now: Now = now_utc) -> list[RepositoryState]:
    """Keep the repositories of ``hosts`` (none: of all) and return their states, which are also on disk.

    Raises BackupError ``already_running``; KeyboardInterrupt between two steps.
    """
    config.memories.mkdir(parents=True, exist_ok=True)
    config.cache_directory.mkdir(parents=True, exist_ok=True)
    with locks.mutex(config.mutex) as held:
        chosen = [config.host(name) for name in hosts] or config.hosts
        return [_Keeping(config, kept, [held], now).keep() for kept in chosen]


class _Keeping:
    """One round at one repository."""

    def __init__(self, config: KeeperConfig, kept: Kept, held: Sequence[int], now: Now) -> None:
        self.config = config
        self.kept = kept
        self.now = now
        self.held = held
        self.directory = config.path(kept.host)
        self.memory_path = config.memories / f"{kept.host}.json"
        self.memory: Memory = memory.read(self.memory_path)
        earlier = next((item for item in read_repositories(config.repositories) if item.host == kept.host), None)
        empty = RepositoryState(config.server, kept.host, config.kind, now())
        state = replace(
            earlier or empty,
            server=config.server,
            kind=config.kind,
            started_at=now(),
            outcome=Outcome.RUNNING,
            finished_at=None,
            steps=(),
            parts=PARTS,
            removed=0,
            cause=None,
        )
        self.round = Round(config.repositories, state, now)

    def remember(self, **changes: object) -> None:
        """Change the memory and write it."""
        self.memory = replace(self.memory, **changes)  # type: ignore[arg-type]
        memory.write(self.memory_path, self.memory)

    def keep(self) -> RepositoryState:
        """Do all steps; whatever goes wrong is in the state that it returns."""
        try:
            work = heal.Work(
                self.config.repository(self.kept.host),
                self.config.other(self.kept),
                Aside(self.directory),
                self.kept.policies,
                self.config.zone,
                self.held,
            )
            self._steps(work)
        except BackupError as error:
            if self.round.outcome is Outcome.SUCCESS:
                self.round.worsen(Outcome.FAILED, error.cause)
        except OSError as error:
            place = str(error.filename or self.directory)
            self.round.worsen(Outcome.FAILED, Cause("unknown", place, error.strerror or repr(error)))
        except KeyboardInterrupt:
            self.round.worsen(Outcome.WARNING, Cause("interrupted", self.kept.host, "the keeper was told to stop"))
            self.round.finish(size_of(self.directory), self.config.zone)
            raise
        return self.round.finish(size_of(self.directory), self.config.zone)

    def _steps(self, work: heal.Work) -> None:
        with self.round.step("open") as notes:
            renewed = opening.open_or_renew(work, self.memory.seen, self.now())
            if renewed:
                notes.warning = Cause("repository_renewed", work.target.place, str(work.aside.directory))
        with self.round.step("list") as notes:
            listed = self._list(work, notes)
        with self.round.step("guard") as notes:
            self._guard(work, listed, notes)
        damaged = self._check(work)
        healed = self._heal(work) if damaged else []
        came = self._copy_back(work)
        if healed or came:
            with self.round.step("check_again"):
                self._require_clean(work)
        with self.round.step("settle") as notes:
            waiting = heal.settle(work, self.memory.given_up, self.now())
            self._tell_healing(work, healed, waiting, notes)
        self._list(work, StepNotes())
        if waiting or self.memory.anomalies:
            logger.info("%s: nothing is removed while somebody must look first", self.kept.host)
            return
        self._thin_out(work)

    def _list(self, work: heal.Work, notes: StepNotes) -> list[Snapshot]:
        listed = repository.snapshots(work.target)
        sets = [parse_time(format_time(item.time)) for item in listed if item.tag("kind") == "set"]
        notes.numbers |= {"snapshots": len(listed), "sets": len(sets)}
        self.round.update(
            snapshots=len(listed),
            sets=len(sets),
            oldest_set_at=min(sets, default=None),
            newest_set_at=max(sets, default=None),
        )
        return listed

    def _guard(self, work: heal.Work, listed: Sequence[Snapshot], notes: StepNotes) -> None:
        """Look at the snapshots that were not there last time; an anomaly stays until a person decides."""
        found = observe.look(work.target, listed, self.memory, self.now())
        anomalies = (*self.memory.anomalies, *found.anomalies)
        since = self.memory.paused_since or (self.now() if anomalies else None)
        self.remember(seen=found.seen, extensions=found.extensions, anomalies=anomalies, paused_since=since)
        self.round.update(anomalies=anomalies, paused_since=since)
        notes.numbers |= {"judged": found.judged, "anomalies": len(anomalies)}
        if anomalies:
            words = "; ".join(f"{item.code} {item.snapshot_id[:8]}: {item.detail}" for item in anomalies[:3])
            notes.warning = Cause("retention_paused", work.target.place, words[:300])

    def _check(self, work: heal.Work) -> bool:
        """Check the structure and read the parts that are due; True when something is broken."""
        with self.round.step("check") as notes:
            broken = bool(heal.set_broken_aside(work.aside, self.memory.seen, SMALL_KINDS, self.now()))
            for part in self.memory.parts_to_read(self.now()):
                findings = tools.check(work.target, self.held, f"{part}/{PARTS}")
                if findings.errors or broken:
                    self.round.update(broken_packs=findings.broken_packs)
                    words = findings.words or "keys, snapshots or indexes are broken"
                    notes.warning = Cause("repository_damaged", work.target.place, words)
                    return True
                self.remember(parts=dict(self.memory.parts) | {part: self.now()})
                notes.numbers |= {"data_part": part, "data_parts": PARTS}
        self._tell_parts()
        return False

    def _tell_parts(self) -> None:
        read = self.memory.parts_read(self.now())
        self.round.update(parts_read=read, read_through_at=self.memory.read_through_at)

    def _heal(self, work: heal.Work) -> list[str]:
        with self.round.step("heal") as notes:
            found = heal.mend(work, self.memory.seen, self.now())
            # Every file was read for it.
            self.remember(parts=dict.fromkeys(range(1, PARTS + 1), self.now()))
            self._tell_parts()
            packs = [item for item in found if item.startswith("data/")]
            notes.numbers |= {"broken_files": len(found), "broken_packs": len(packs)}
            self.round.update(broken_packs=work.aside.packs(), set_aside=_ids(work))
        return found or ["index"]

    def _copy_back(self, work: heal.Work) -> int:
        """Bring back what retention keeps and only the other repository has."""
        if work.other is None:
            return 0
        try:
            with self.round.step("copy_back", failure=Outcome.WARNING) as notes:
                came, left = heal.copy_back(work, work.other, self.now())
                notes.numbers |= {"snapshots_copied": came, "snapshots_missing": len(left)}
                if left:
                    names = ", ".join(item.id[:8] for item in left[:5])
                    notes.warning = Cause("copies_missing", work.target.place, f"{len(left)}: {names}")
                return came
        except BackupError:
            # It is on record; what is here is kept all the same.
            return 0

    def _require_clean(self, work: heal.Work) -> None:
        findings = tools.check(work.target, self.held)
        if findings.errors:
            raise BackupError("repository_damaged", work.target.place, findings.words)

    def _tell_healing(self, work: heal.Work, healed: list[str], waiting: Sequence[Waiting], notes: StepNotes) -> None:
        self.round.update(broken_packs=work.aside.packs(), set_aside=_ids(work))
        if waiting:
            words = f"{len(waiting)} snapshots wait for their copy: {', '.join(item.id[:8] for item in waiting[:5])}"
            notes.warning = Cause("repository_healing", work.target.place, words)
        elif healed:
            notes.warning = Cause("repository_healed", work.target.place, ", ".join(healed)[:300])

    def _thin_out(self, work: heal.Work) -> None:
        with self.round.step("retention") as notes:
            removed = self._retain(work)
            notes.numbers |= {"removed": removed}
            self.round.update(removed=removed)
        due = self.memory.pruned_at is None or self.now() - self.memory.pruned_at >= PRUNE_AT_LEAST_EVERY
        if not removed and not due:
            return
        with self.round.step("prune") as notes:
            before = size_of(self.directory)
            free = shutil.disk_usage(self.directory).free
            tools.prune(work.target, self.held, 0 if free < SPARE_BYTES else min(REPACK_AT_MOST, free // 2))
            self._require_clean(work)
            self.remember(pruned_at=self.now())
            notes.numbers |= {"bytes_freed": before - size_of(self.directory)}
        self._list(work, StepNotes())

    def _retain(self, work: heal.Work) -> int:
        listed = repository.snapshots(work.target)
        arrived = {item.id: _arrived(self.directory / "snapshots" / item.id, self.now()) for item in listed}
        going: list[str] = []
        for policy, retention in self.kept.policies.items():
            own = [item for item in listed if item.tag("policy") == policy]
            decision = decide(own, retention, now=self.now(), zone=self.config.zone, arrived=arrived)
            for snapshot_id, reason in decision.remove.items():
                logger.info("%s: %s goes: %s", self.kept.host, snapshot_id[:8], reason)
            going += decision.remove
        if going:
            tools.forget(work.target, self.held, going)
        return len(going)


def _ids(work: heal.Work) -> tuple[str, ...]:
    return tuple(item.id for item in work.aside.waiting().values())


def _arrived(path: Path, now: datetime) -> datetime:
    """Return when a snapshot came into this repository, by this machine's clock."""
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, now.tzinfo)
    except FileNotFoundError:
        return now
