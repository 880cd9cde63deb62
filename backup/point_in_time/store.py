"""``xinglin backup wal``: every quarter of an hour the spool goes into both repositories.

It does not wait for a running backup, nor does one wait for it: both only add, and have restic's own shared locks.
What cannot be stored stays in the spool.
"""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from backup import report
from backup.config.policy import Config, Policy
from backup.errors import BackupError
from backup.night.recorder import Now, now_utc
from backup.point_in_time import wal
from backup.point_in_time.archive import DROPPED
from backup.point_in_time.base import BaseSource
from backup.point_in_time.spool import Spool, needed_from, removable, spools
from backup.postgres import postgresql
from backup.repositories import locks, repository, rest_server
from backup.repositories.repository import Snapshot
from backup.repositories.restic import Repository
from backup.status import Cause, Outcome, format_time, parse_time

logger = logging.getLogger(__name__)

UNARCHIVED = """
SELECT coalesce(last_failed_wal, ''), to_char(last_failed_time AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
FROM pg_stat_archiver WHERE last_failed_time > coalesce(last_archived_time, '-infinity');
"""


@dataclass(frozen=True)
class WalState:
    """How the WAL of a host's clusters stands; ``stored_until``: the newest file that is in a repository, by port."""

    host: str
    at: datetime
    outcome: Outcome
    segments: int = 0
    bytes: int = 0
    stored_until: dict[str, datetime] = field(default_factory=dict)
    dropped: tuple[str, ...] = ()
    cause: Cause | None = None

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "schema": 1,
            **vars(self),
            "at": format_time(self.at),
            "stored_until": {name: format_time(moment) for name, moment in self.stored_until.items()},
            "dropped": list(self.dropped),
            "cause": self.cause and vars(self.cause),
        }


def state_lines(state: WalState) -> str:
    """Return the state in words."""
    lines = [f"WAL: {state.outcome.value}; {state.segments} files, {report.size(state.bytes)} in the spool"]
    lines += [f"  {name}: stored until {format_time(moment)}" for name, moment in state.stored_until.items()]
    if state.cause:
        lines += [f"  {line}" for line in report.explained(state.cause).splitlines()]
    return "\n".join(lines)


def state_file(config: Config) -> Path:
    """Return where the state is."""
    return config.state_directory / "wal.json"


def read_state(config: Config) -> WalState | None:
    """Read the state; None when there is none that can be read."""
    try:
        data = json.loads(state_file(config).read_text(encoding="utf-8"))
        return WalState(
            host=data["host"],
            at=parse_time(data["at"]),
            outcome=Outcome(data["outcome"]),
            segments=data["segments"],
            bytes=data["bytes"],
            stored_until={name: parse_time(moment) for name, moment in data["stored_until"].items()},
            dropped=tuple(data["dropped"]),
            cause=data["cause"] and Cause(**data["cause"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def store(config: Config, *, now: Now = now_utc) -> WalState:
    """Store what the spools hold, remove what is no longer needed, and return the state, which is also on disk.

    FAILED: WAL is lost, not archived or not in the local repository.  WARNING: the vault lacks it.  Raises BackupError
    ``already_running`` when another one works.
    """
    with locks.mutex(config.state_directory / "wal.lock") as held:
        work = _Storing(config, [held])
        for policy in config.policies:
            for source in policy.sources:
                if isinstance(source, BaseSource):
                    work.cluster(policy, source)
        state = work.state(now())
        temporary = state_file(config).with_suffix(".new")
        temporary.write_text(json.dumps(state.to_json(), ensure_ascii=False, indent=1), encoding="utf-8")
        temporary.chmod(0o640)
        temporary.replace(state_file(config))
        return state


@dataclass
class _Storing:
    """One pass over all clusters: goes on after a failure, remembers the worst."""

    config: Config
    held: Sequence[int]
    failed: Cause | None = None
    warned: Cause | None = None
    segments: int = 0
    bytes: int = 0
    stored_until: dict[str, datetime] = field(default_factory=dict)
    dropped: list[str] = field(default_factory=list)

    def state(self, moment: datetime) -> WalState:
        outcome = Outcome.FAILED if self.failed else Outcome.WARNING if self.warned else Outcome.SUCCESS
        return WalState(
            host=self.config.host,
            at=moment,
            outcome=outcome,
            segments=self.segments,
            bytes=self.bytes,
            stored_until=self.stored_until,
            dropped=tuple(self.dropped),
            cause=self.failed or self.warned,
        )

    def cluster(self, policy: Policy, source: BaseSource) -> None:
        for spool in spools(source.spool):
            if spool.segments():
                self._spool(policy, source, spool)
        self._archiver(source)

    def _spool(self, policy: Policy, source: BaseSource, spool: Spool) -> None:
        places: list[list[wal.Stretch]] = []
        try:
            local = self.config.repository("local")
            rest_server.require(local)
            listed = self._store_locally(local, policy, spool)
            places.append(wal.stretches(listed, spool.system))
            newest = spool.directory / places[0][-1].last
            self.stored_until[source.name] = _modified(newest)
            if self.config.offsite is not None:
                places.append(self._copy(local, policy, spool, listed))
            starts = _starts(listed, spool.system)
            removed = spool.remove(removable(spool.segments(), needed_from(starts), places))
            if starts:
                spool.settle(max(starts))
            logger.info("%s: stored until %s, %d removed", spool.directory, places[0][-1].last, removed)
        except BackupError as error:
            away = error.cause.place.startswith("offsite ")
            self.warned, self.failed = (error.cause, self.failed) if away else (self.warned, error.cause)
        dropped = spool.dropped()
        if dropped:
            first, detail = dropped[0], f"{len(dropped)} files, the first: {dropped[0]}"
            self.failed = self.failed or Cause("wal_dropped", source.place, detail)
            logger.error("%s: no room: %s", spool.directory, first)
        self.dropped += dropped
        self.segments += len(spool.segments())
        self.bytes += spool.bytes()

    def _store_locally(self, local: Repository, policy: Policy, spool: Spool) -> list[Snapshot]:
        tags = [f"policy={policy.name}"]
        listed = repository.snapshots(local, tags)
        segments = spool.segments()
        known = wal.stretches(listed, spool.system)
        if any(item.first <= segments[0] and item.last >= segments[-1] for item in known):
            return listed
        spool.require_readable(name for name in segments if not any(item.first <= name <= item.last for item in known))
        own = [*tags, f"kind={wal.KIND}", f"system={spool.system}", f"from={segments[0]}", f"to={segments[-1]}"]
        # What comes meanwhile is in the snapshot as well, but not promised by its tags.
        added = repository.backup_paths(
            local,
            host=self.config.host,
            tags=own,
            paths=[spool.directory],
            excludes=[str(spool.directory / DROPPED), f"{spool.directory}/.*.new"],
            keep_open=self.held,
        )
        if added.unreadable:
            raise BackupError(added.unreadable.code, added.unreadable.place, added.unreadable.detail)
        return repository.snapshots(local, tags)

    def _copy(self, local: Repository, policy: Policy, spool: Spool, listed: Sequence[Snapshot]) -> list[wal.Stretch]:
        """Bring offsite what only the local repository has of the WAL, as long as no later snapshot holds it."""
        offsite = self.config.repository("offsite")
        rest_server.require(offsite)
        tags = [f"policy={policy.name}"]
        there = wal.stretches(repository.snapshots(offsite, tags), spool.system)
        known = wal.stretches(listed, spool.system)
        passed_over = wal.superfluous(known)
        missing = [
            item.snapshot.id
            for item in known
            if item.snapshot.id not in passed_over
            and not any(copy.first <= item.first and copy.last >= item.last for copy in there)
        ]
        if missing:
            repository.copy(local, offsite, missing, keep_open=self.held)
            there = wal.stretches(repository.snapshots(offsite, tags), spool.system)
        return there

    def _archiver(self, source: BaseSource) -> None:
        """See whether PostgreSQL waits for an archive_command that fails."""
        try:
            source.require()
            failing = postgresql.query(source.server, UNARCHIVED).strip()
        except BackupError as error:
            # A server that is down is told by others; it writes no WAL.
            if error.cause.code == "wal_not_archived":
                self.failed = self.failed or error.cause
            return
        if failing:
            self.failed = self.failed or Cause("wal_not_archived", source.place, f"failing: {failing}")


def _starts(listed: Sequence[Snapshot], system: str) -> list[str]:
    """Return where the bases of sealed sets start."""
    sealed = {item.tag("run") for item in listed if item.tag("kind") == "set"}
    return [
        str(item.tag("from"))
        for item in listed
        if item.tag("kind") == wal.BASE_KIND and item.tag("system") == system and item.tag("run") in sealed
    ]


def _modified(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime_ns // 1_000_000 / 1000, UTC)
