"""What a restore would write, where, how much, whether it fits and how long it would take.  Changes nothing."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from backup import manifest, verify
from backup.backup_set import BackupSet, Part
from backup.errors import BackupError
from backup.manifest import DatabaseManifest
from backup.policy import Config
from backup.postgresql import Database
from backup.repository import Snapshot
from backup.restore import files, server, space
from backup.restore.database import DatabaseTarget
from backup.restore.files import Preview, Selection
from backup.restore.request import Request
from backup.restore.sets import Sets, choose, open_sets, read_manifest, staging
from backup.restore.space import Need

RESTORED = Path("/var/lib/xinglin/restored")
KEPT = Path("/var/lib/xinglin/restore-before")
ROOT = Path("/")
SIZE_FACTOR = 1.2
"""A restored database with its log needs about this much of the original's size."""


@dataclass(frozen=True)
class DatabasePlan:
    """A PostgreSQL dump, what it must restore to, and where."""

    part: Part
    expected: DatabaseManifest
    target: DatabaseTarget


@dataclass(frozen=True)
class StreamPlan:
    """Another kind of dump: it is written to a file."""

    part: Part
    target: Path


@dataclass(frozen=True)
class FilesPlan:
    """Files and their target; ``keep`` is where old versions of overwritten ones go (None: nowhere)."""

    selection: Selection
    target: Path
    in_place: bool
    keep: Path | None
    preview: Preview


@dataclass(frozen=True)
class Plan:
    """A whole restore, ready to be done."""

    request: Request
    sets: Sets
    snapshot: Snapshot
    sealed: BackupSet
    databases: tuple[DatabasePlan, ...]
    streams: tuple[StreamPlan, ...]
    files: FilesPlan | None
    needs: tuple[Need, ...]
    expected_seconds: float | None

    @property
    def bytes(self) -> int:
        """What will be read from the repository."""
        parts = [item.part for item in self.databases] + [item.part for item in self.streams]
        dumps = sum(part.bytes for part in parts)
        return dumps + (self.files.preview.bytes if self.files else 0)

    @property
    def what(self) -> str:
        """What comes back, for the record."""
        named = [f"database {item.part.name}" for item in self.databases]
        named += [f"{item.part.kind} {item.part.name}" for item in self.streams]
        if self.files:
            named += self.files.selection.paths or ["all files"]
        return ", ".join(named)

    @property
    def target(self) -> str:
        """Where to, for the record."""
        targets = [f"database {item.target.name}" for item in self.databases]
        targets += [str(item.target) for item in self.streams]
        targets += [str(self.files.target)] if self.files else []
        return ", ".join(dict.fromkeys(targets))

    @property
    def left_out(self) -> list[str]:
        """What an in-place restore of everything does not put back by itself: copies that were staged."""
        if not (self.request.in_place and self.request.everything):
            return []
        passed_over = {"paths", "postgresql", "postgresql_base"}
        return [
            f"{part.kind} {part.name}"
            for part in self.sealed.parts
            if part.snapshot_id is None and part.kind not in passed_over
        ]

    def confirmation(self, host: str) -> str | None:
        """Return what a person must type: the one database's name, else the host's; None when nothing live changes."""
        if not self.request.in_place:
            return None
        return self.databases[0].target.name if len(self.databases) == 1 and not self.files else host


def make(config: Config, request: Request, moment: datetime) -> Plan:
    """Find the set and work out what the restore would do.

    Raises BackupError: what the repository raises, set_missing, not_in_backup, target_exists, target_space, and
    configuration_wrong for a request that makes no sense.
    """
    _require_sense(request)
    sets = open_sets(config, request.policy, request.repository)
    snapshot = choose(sets, request.chosen_set, config.timezone)
    sealed = read_manifest(sets.repository, snapshot)
    stamp = f"{moment.astimezone(ZoneInfo(config.timezone)):%Y%m%d%H%M}"
    directory = _directory(request) or RESTORED / f"{request.policy}-{stamp}"
    parts = _parts(request, sealed)
    databases = tuple(_database(config, request, part, sealed, stamp) for part in parts if part.kind == "postgresql")
    streams = tuple(
        StreamPlan(part, directory / part.filename) for part in parts if part.kind != "postgresql" and part.filename
    )
    chosen_files = None
    if request.wants_files:
        keep = KEPT / f"{moment.astimezone(ZoneInfo(config.timezone)):%Y%m%d%H%M%S}"
        excludes = (str(staging(snapshot)),) if request.in_place else ()
        selection = Selection(sets.repository, snapshot.id, request.paths, excludes)
        chosen_files = _files(request, selection, directory, keep)
    needs = tuple(_needs(databases, streams, chosen_files))
    space.require(needs)
    plan = Plan(request, sets, snapshot, sealed, databases, streams, chosen_files, needs, None)
    rate = space.throughput(config)
    return Plan(**{**vars(plan), "expected_seconds": plan.bytes / rate if rate else None})


def _directory(request: Request) -> Path | None:
    return Path(request.target) if request.target and request.target.startswith("/") else None


def _require_sense(request: Request) -> None:
    problem = None
    if not (request.databases or request.wants_files):
        problem = "nothing is chosen: a database, paths, all files, or everything"
    elif request.in_place and request.target:
        problem = "in place and a target exclude each other"
    elif request.target and not _directory(request):
        if request.wants_files:
            problem = "files need a directory as target, with an absolute path"
        elif len(request.databases) != 1:
            problem = "a new name fits one database only"
    elif any(not path.startswith("/") for path in request.paths):
        problem = "paths must be absolute"
    if problem:
        raise BackupError("configuration_wrong", "restore", problem)


def _parts(request: Request, sealed: BackupSet) -> list[Part]:
    streams = [part for part in sealed.parts if part.snapshot_id and part.filename and part.kind != "postgresql_base"]
    if request.everything:
        return streams
    by_name = {part.name: part for part in streams}
    for name in request.databases:
        if name not in by_name:
            known = ", ".join(sorted(by_name)) or "none"
            raise BackupError("not_in_backup", f"set {sealed.run_id}", f"database {name}; it has: {known}")
    return [by_name[name] for name in request.databases]


def live_database(config: Config, policy: str, name: str) -> Database:
    """Return where the database ``name`` lives on this host, as the policy says; else Debian's own server."""
    for source in config.policy(policy).sources:
        if isinstance(source, Database) and source.database == name:
            return Database(name, source.socket_directory, source.port)
    return Database(name)


def database_target(request: Request, live: Database, as_of: datetime, timezone: str, stamp: str) -> DatabaseTarget:
    """Return where a database goes, which must be free; raises BackupError ``target_exists``."""
    there = server.databases(live)
    taken_at = f"{as_of.astimezone(ZoneInfo(timezone)):%Y%m%d%H%M}"
    aside = None
    if request.in_place:
        name = live.database
        aside = f"{name}_before_{stamp}" if name in there else None
    else:
        name = request.target if request.target and not _directory(request) else ""
        name = name or f"{live.database}_restored_{taken_at}"
    for new in ([aside] if aside else []) if request.in_place else [name]:
        server.require_name(new)
        if new in there:
            raise BackupError("target_exists", f"database {new}", f"on {live.socket_directory}, port {live.port}")
    return DatabaseTarget(live, name, request.in_place, aside)


def _database(config: Config, request: Request, part: Part, sealed: BackupSet, stamp: str) -> DatabasePlan:
    try:
        expected = manifest.from_json(part.manifest)
    except (KeyError, TypeError, AttributeError) as error:
        raise BackupError("manifest_missing", f"database {part.name}", f"not a manifest: {error!r}") from error
    live = live_database(config, request.policy, expected.database)
    target = database_target(request, live, sealed.as_of, config.timezone, stamp)
    here, original = server.major(live), int(expected.server_version.partition(".")[0])
    if here < original:
        detail = f"this server is PostgreSQL {here}, the dump is of {original}"
        raise BackupError("target_failed", f"database {target.name}", detail)
    return DatabasePlan(part, expected, target)


def _files(request: Request, selection: Selection, directory: Path, keep: Path) -> FilesPlan:
    target = ROOT if request.in_place else directory
    if not request.in_place and target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise BackupError("target_exists", str(target), "it is not empty")
    found = files.preview(selection, target)
    return FilesPlan(selection, target, request.in_place, keep if request.in_place and request.keep else None, found)


def _needs(
    databases: Iterable[DatabasePlan], streams: Iterable[StreamPlan], chosen_files: FilesPlan | None
) -> Iterable[Need]:
    wanted: list[tuple[Path, float]] = []
    for item in databases:
        wanted.append((verify.SCRATCH_PARENT, item.part.bytes))
        wanted.append((server.data_directory(item.target.live), SIZE_FACTOR * item.expected.size_bytes))
    wanted += [(item.target, item.part.bytes) for item in streams]
    if chosen_files:
        wanted.append((chosen_files.target, chosen_files.preview.bytes))
        if chosen_files.keep:
            wanted.append((chosen_files.keep, chosen_files.preview.changed_bytes))
    return space.needs(wanted)
