"""What going back to a moment takes: the base before it, the WAL up to it, where the result goes.  Changes nothing."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from backup.config.policy import Config
from backup.errors import BackupError
from backup.point_in_time import wal
from backup.point_in_time.base import SPOOL, BaseManifest, BaseSource, read_manifest
from backup.point_in_time.recover import told
from backup.postgres.postgresql import Database
from backup.report import size
from backup.repositories.repository import Snapshot
from backup.restore import postgresql, server, sets, space
from backup.restore.database import DatabaseTarget
from backup.restore.request import LATEST, Request
from backup.restore.sets import Sets
from backup.restore.space import Need
from backup.status import format_time
from backup.verification import verify

FACTOR = 1.2


@dataclass(frozen=True)
class Base:
    """A base backup in a repository: its own snapshot, and the one that seals its set."""

    snapshot_id: str
    seal: Snapshot
    filename: str
    bytes: int
    manifest: BaseManifest


@dataclass(frozen=True)
class PointPlan:
    """Ready to be done.  ``target`` is a database on the live server; without one, a data directory is left."""

    request: Request
    sets: Sets
    base: Base
    stretches: tuple[wal.Stretch, ...]
    until: datetime | None
    live: Database
    target: DatabaseTarget | None
    directory: Path | None
    needs: tuple[Need, ...]

    @property
    def what(self) -> str:
        """What comes back, for the record."""
        return f"database {self.live.database}" if self.target else "the whole PostgreSQL cluster"

    @property
    def where(self) -> str:
        """Where to, for the record."""
        return f"database {self.target.name}" if self.target else str(self.directory)

    @property
    def spool(self) -> Path:
        """Where this host's WAL of the same cluster is that no repository has yet."""
        return SPOOL / str(self.live.port) / self.base.manifest.system_identifier

    def confirmation(self) -> str | None:
        """Return what a person must type; None when nothing live changes."""
        return self.target.name if self.target and self.request.in_place else None

    def lines(self, timezone: str) -> str:
        """Return what would be done, for people."""
        zone = ZoneInfo(timezone)
        until = f"{self.until.astimezone(zone):%Y-%m-%d %H:%M:%S}" if self.until else "the end of the WAL"
        finished = f"{self.base.manifest.finished_at.astimezone(zone):%Y-%m-%d %H:%M:%S}"
        found = [
            f"from {self.sets.repository.place}: base of {finished}, {size(self.base.bytes)}",
            f"then the WAL of {len(self.stretches)} snapshot(s), up to {until} ({timezone})",
            f"{self.what}, as {self.where}",
        ]
        if self.target and self.target.in_place and self.target.aside:
            found.append(f"the live database {self.target.name} becomes {self.target.aside}; its connections are ended")
        found += [
            f"space at {need.path}: {size(need.needed_bytes)} needed, {size(need.free_bytes)} free"
            for need in self.needs
        ]
        return "\n".join(found)

    def to_json(self) -> dict[str, Any]:
        """Return what would be done as plain JSON values."""
        return {
            "schema": 1,
            "repository": self.sets.repository.name,
            "base": {"snapshot_id": self.base.snapshot_id, "bytes": self.base.bytes, **self.base.manifest.to_json()},
            "wal": [item.snapshot.id for item in self.stretches],
            "until": format_time(self.until) if self.until else LATEST,
            "what": self.what,
            "target": self.where,
            "in_place": self.request.in_place,
            "confirm": self.confirmation(),
            "space": [{**vars(need), "path": str(need.path)} for need in self.needs],
        }


def make(config: Config, request: Request, now: datetime) -> PointPlan:
    """Choose the base and the WAL.

    Raises BackupError: what ``restore.plan.make`` raises, base_missing, wal_gap; configuration_wrong for a request that
    makes no sense.
    """
    until = request.until if isinstance(request.until, datetime) else None
    directory = Path(request.target) if request.target and request.target.startswith("/") else None
    _require_sense(request, directory, until, now)
    found = sets.open_sets(config, request.policy, request.repository)
    base = choose_base(found, until)
    known = wal.stretches(found.listed, base.manifest.system_identifier)
    stretches = tuple(wal.chain(known, base.manifest.wal_start, until))
    name = request.databases[0] if request.databases else "postgres"
    live = _live(config, request.policy, name)
    stamp = f"{now.astimezone(ZoneInfo(config.timezone)):%Y%m%d%H%M}"
    target = None
    if directory is None:
        target = postgresql.database_target(request, live, until or now, config.timezone, stamp)
    elif directory.exists():
        raise BackupError("target_exists", str(directory), "the data directory must be new")
    place = directory.parent if directory else verify.SCRATCH_PARENT
    wanted: list[tuple[Path, float]] = [(place, FACTOR * base.bytes + _wal_bytes(base, stretches))]
    if target:
        wanted += [(server.data_directory(live), FACTOR * base.manifest.data_bytes), (place, base.manifest.data_bytes)]
    needs = tuple(space.needs(wanted))
    space.require(needs)
    return PointPlan(request, found, base, stretches, until, live, target, directory, needs)


def _wal_bytes(base: Base, stretches: tuple[wal.Stretch, ...]) -> float:
    """Return at most what the WAL takes: a segment for each number between the first and the last."""
    in_a_log = 0x1_0000_0000 // base.manifest.segment_bytes

    def number(name: str) -> int:
        return int(name[8:16], 16) * in_a_log + int(name[16:], 16)

    return sum(number(item.last) - number(item.first) + 1 for item in stretches) * float(base.manifest.segment_bytes)


def _require_sense(request: Request, directory: Path | None, until: datetime | None, now: datetime) -> None:
    problem = None
    if request.wants_files or len(request.databases) > 1:
        problem = "a point in time is for one database, or for a whole cluster as a new data directory"
    elif not request.databases and directory is None:
        problem = "a database is needed, or the absolute path of a new data directory as target"
    elif directory and request.in_place:
        problem = "in place and a target exclude each other"
    elif until and until > now:
        problem = f"{format_time(until)} is in the future"
    if problem:
        raise BackupError("configuration_wrong", "restore", problem)


def _live(config: Config, policy: str, name: str) -> Database:
    """Return the database on this host's server that has bases."""
    for source in config.policy(policy).sources:
        if isinstance(source, BaseSource):
            return server.named(source.server, name)
    return Database(name)


def choose_base(found: Sets, until: datetime | None) -> Base:
    """Return the newest base of a sealed set that was finished before ``until``, or raise BackupError base_missing."""
    bases = {item.tag("run"): item for item in found.listed if item.tag("kind") == wal.BASE_KIND}
    for seal in found.sealed:
        own = bases.get(seal.tag("run"))
        if own is None or (until is not None and own.time > until):
            continue
        for part in sets.read_manifest(found.repository, seal).parts:
            if part.kind != BaseSource.kind or part.snapshot_id not in {own.id, own.original} or not part.filename:
                continue
            manifest = read_manifest(part)
            if until is None or manifest.finished_at <= until:
                return Base(own.id, seal, part.filename, part.bytes, manifest)
    detail = f"none was finished before {told(until)}" if bases and until else "the sets have none"
    raise BackupError("base_missing", found.repository.place, detail)
