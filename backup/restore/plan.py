"""What a restore would write, where, how much, whether it fits and how long it would take.  Changes nothing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from backup.config.policy import Config
from backup.errors import BackupError
from backup.night.backup_set import Part
from backup.restore import choose, files, space
from backup.restore.files import Preview, Selection
from backup.restore.request import Request
from backup.restore.restorer import Asked, PartPlan
from backup.restore.sets import choose as choose_set
from backup.restore.sets import open_sets, read_manifest, staging
from backup.restore.space import Need

RESTORED = Path("/var/lib/xinglin/restored")
KEPT = Path("/var/lib/xinglin/restore-before")
ROOT = Path("/")


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
    """A whole restore, ready to be done; ``left_out`` is what an in-place restore of everything does not put back."""

    asked: Asked
    parts: tuple[PartPlan, ...]
    left_out: tuple[Part, ...]
    files: FilesPlan | None
    needs: tuple[Need, ...]
    expected_seconds: float | None = None

    @property
    def bytes(self) -> int:
        """What will be read from the repository."""
        return sum(item.part.bytes for item in self.parts) + (self.files.preview.bytes if self.files else 0)

    @property
    def what(self) -> str:
        """What comes back, for the record."""
        named = [item.what for item in self.parts]
        if self.files:
            named += self.files.selection.paths or ["all files"]
        return ", ".join(named)

    @property
    def target(self) -> str:
        """Where to, for the record."""
        targets = [item.target for item in self.parts]
        targets += [str(self.files.target)] if self.files else []
        return ", ".join(dict.fromkeys(targets))

    def confirmation(self, host: str) -> str | None:
        """Return what a person must type: the one live thing's name, else the host's; None: nothing live changes."""
        if not self.asked.request.in_place:
            return None
        only = self.parts[0].confirmation if len(self.parts) == 1 and not self.files else None
        return only or host


def make(config: Config, request: Request, moment: datetime) -> Plan:
    """Find the set and work out what the restore would do.

    Raises BackupError: what the repository raises, set_missing, not_in_backup, target_exists, target_space, and
    configuration_wrong for a request that makes no sense.
    """
    _require_sense(request)
    asked = open_set(config, request, moment)
    parts = tuple(choose.KINDS[part.kind].plan(asked, part) for part in choose.parts(request, asked.sealed))
    chosen_files = _files(asked) if request.wants_files else None
    needs = tuple(_needs(parts, chosen_files))
    space.require(needs)
    left_out = tuple(choose.left_out(request, asked.sealed))
    plan = Plan(asked, parts, left_out, chosen_files, needs)
    rate = space.throughput(config)
    return replace(plan, expected_seconds=plan.bytes / rate) if rate else plan


def open_set(config: Config, request: Request, moment: datetime) -> Asked:
    """Find the set that a request means; raises BackupError: what the repository raises, set_missing."""
    sets = open_sets(config, request.policy, request.repository)
    snapshot = choose_set(sets, request.chosen_set, config.timezone)
    stamp = f"{moment.astimezone(ZoneInfo(config.timezone)):%Y%m%d%H%M}"
    directory = _directory(request) or RESTORED / f"{request.policy}-{stamp}"
    return Asked(config, request, sets, snapshot, read_manifest(sets.repository, snapshot), moment, directory)


def _directory(request: Request) -> Path | None:
    return Path(request.target) if request.target and request.target.startswith("/") else None


def _require_sense(request: Request) -> None:
    problem = None
    if not (request.named or request.wants_files):
        problem = "nothing is chosen: a database, another part, paths, all files, or everything"
    elif request.in_place and request.target:
        problem = "in place and a target exclude each other"
    elif request.target and not _directory(request):
        if request.wants_files:
            problem = "files need a directory as target, with an absolute path"
        elif len(request.named) != 1:
            problem = "a new name fits one database only"
    elif any(not path.startswith("/") for path in request.paths):
        problem = "paths must be absolute"
    elif request.entries and len(request.named) != 1:
        problem = "entries are those of one part: name it with --part"
    if problem:
        raise BackupError("configuration_wrong", "restore", problem)


def _files(asked: Asked) -> FilesPlan:
    request, in_place = asked.request, asked.request.in_place
    excludes = (str(staging(asked.snapshot)),) if in_place else ()
    selection = Selection(asked.sets.repository, asked.snapshot.id, request.paths, excludes)
    target = ROOT if in_place else asked.directory
    if not in_place and target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise BackupError("target_exists", str(target), "it is not empty")
    keep = KEPT / f"{asked.moment.astimezone(ZoneInfo(asked.config.timezone)):%Y%m%d%H%M%S}"
    found = files.preview(selection, target)
    return FilesPlan(selection, target, in_place, keep if in_place and request.keep else None, found)


def _needs(parts: Sequence[PartPlan], chosen_files: FilesPlan | None) -> Iterable[Need]:
    wanted = [need for item in parts for need in item.needs()]
    if chosen_files:
        wanted.append((chosen_files.target, chosen_files.preview.bytes))
        if chosen_files.keep:
            wanted.append((chosen_files.keep, chosen_files.preview.changed_bytes))
    return space.needs(wanted)
