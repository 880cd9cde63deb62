"""The seam between a restore and the kinds of parts: each kind plans its own parts, and does what it planned."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from backup.config.policy import Config
from backup.errors import BackupError
from backup.night.backup_set import BackupSet, Part
from backup.repositories.repository import Snapshot
from backup.restore.record import RestoreRecorder
from backup.restore.request import Request
from backup.restore.sets import Sets, staging
from backup.sources.work import Stored


@dataclass(frozen=True)
class Asked:
    """What was asked for and the set it comes from; ``moment`` is now, ``directory`` where new directories go."""

    config: Config
    request: Request
    sets: Sets
    snapshot: Snapshot
    sealed: BackupSet
    moment: datetime
    directory: Path

    def stored(self, place: Path) -> Stored:
        """Return the set with ``place`` as the directory to fetch into."""
        return Stored(self.sets.repository, self.snapshot, self.sets.listed, staging(self.snapshot), place)

    def stamp(self) -> str:
        """Return the present minute as the facility's clocks show it, for names."""
        return f"{self.moment.astimezone(ZoneInfo(self.config.timezone)):%Y%m%d%H%M}"

    def taken_at(self) -> str:
        """Return the minute of the set's data, likewise."""
        return f"{self.sealed.as_of.astimezone(ZoneInfo(self.config.timezone)):%Y%m%d%H%M}"

    def new_name(self) -> str | None:
        """Return the target when it is a name and no directory."""
        target = self.request.target
        return target if target and not target.startswith("/") else None

    def new_path(self, name: str) -> Path:
        """Return the path ``name`` below the target directory; raises BackupError ``target_exists``."""
        path = self.directory / name
        if path.exists() or path.is_symlink():
            raise BackupError("target_exists", str(path), "it would be overwritten")
        return path


class PartPlan(Protocol):
    """One part's restore, worked out.  Implementations are frozen dataclasses."""

    @property
    def part(self) -> Part:
        """The part that comes back."""

    @property
    def what(self) -> str:
        """What comes back, for people and the record, such as ``database his``."""

    @property
    def target(self) -> str:
        """Where to, such as ``database his_restored_202611220200`` or a path."""

    @property
    def confirmation(self) -> str | None:
        """The live thing that is replaced, which a person must type; None when nothing live changes."""

    def lines(self) -> list[str]:
        """Return what would be done, for people."""

    def to_json(self) -> dict[str, Any]:
        """Return what would be done, for machines."""

    def needs(self) -> list[tuple[Path, float]]:
        """Return how many bytes each path's file system must hold."""

    def restore(self, stored: Stored, recorder: RestoreRecorder, hints: list[str]) -> None:
        """Do it, with ``stored.place`` as a scratch directory of its own; raises BackupError.

        Nothing that is not whole may have a whole one's name; what was live before is kept.
        """


@dataclass(frozen=True)
class Restorer:
    """A kind of part: how it is planned and what it is called on the command line.

    ``in_place`` tells whether it can replace what lives; ``names`` gives the names by which people know a part.
    ``entries`` is what can be chosen of it, in Chinese, if anything, and ``contents`` lists it.
    """

    plan: Callable[[Asked, Part], PartPlan]
    in_place: bool = False
    is_database: bool = False
    names: Callable[[Part], Sequence[str]] = lambda part: (part.name,)
    entries: str = ""
    contents: Callable[[Part, Stored], Iterable[str]] = lambda *_: ()
