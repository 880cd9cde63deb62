"""What a person, or a script, asks to have back."""

from dataclasses import dataclass
from datetime import datetime

from backup.status import Purpose

AUTO = "auto"
LATEST = "latest"


@dataclass(frozen=True)
class Request:
    """One restore as it was asked for.

    ``chosen_set`` is ``latest``, the beginning of a run's or a snapshot's id, or a time: the newest set that is not
    younger.  ``repository`` is ``auto`` (local, else offsite), ``local`` or ``offsite``.  ``everything`` means all
    parts and all files.  ``parts`` are parts of any kind, ``entries`` paths of a share or names of devices.
    ``target`` is a new database's name or a directory.  ``until`` is a point in time for PostgreSQL, ``latest`` for as
    far as the stored WAL goes.
    """

    policy: str
    chosen_set: str = LATEST
    repository: str = AUTO
    databases: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    entries: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    all_files: bool = False
    everything: bool = False
    target: str | None = None
    in_place: bool = False
    keep: bool = True
    purpose: Purpose = Purpose.RESTORE
    operator: str = ""
    until: datetime | str | None = None

    @property
    def named(self) -> tuple[str, ...]:
        """The parts that are asked for by name."""
        return self.databases + self.parts

    @property
    def wants_files(self) -> bool:
        """Whether files are among what is asked for."""
        return self.everything or self.all_files or bool(self.paths)
