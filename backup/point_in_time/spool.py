"""The spool of finished WAL on this host: what is in it, what was dropped, what may go."""

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from backup.errors import BackupError
from backup.point_in_time import wal
from backup.point_in_time.archive import DROPPED

READ_BYTES = 1 << 20


@dataclass(frozen=True)
class Spool:
    """The WAL of one cluster, in the directory of its identifier."""

    directory: Path

    @property
    def system(self) -> str:
        """The cluster's identifier."""
        return self.directory.name

    def segments(self) -> list[str]:
        """Return the names of the whole segments, in order."""
        return sorted(path.name for path in self.directory.iterdir() if wal.is_segment(path.name))

    def require_readable(self, names: Iterable[str]) -> None:
        """Read segments to their end; raises BackupError ``source_unreadable``.

        A snapshot's tags promise whole segments; restic leaves out what it cannot read, and then the spool lets it go.
        """
        for name in names:
            try:
                with (self.directory / name).open("rb") as stream:
                    while stream.read(READ_BYTES):
                        pass
            except OSError as error:
                detail = error.strerror or str(error)
                raise BackupError("source_unreadable", str(self.directory / name), detail) from error

    def bytes(self) -> int:
        """Return what the spool takes on disk."""
        return sum(512 * path.lstat().st_blocks for path in self.directory.iterdir())

    def dropped(self) -> list[str]:
        """Return what there was no room for: the time and the name of each file."""
        with contextlib.suppress(FileNotFoundError):
            return (self.directory / DROPPED).read_text(encoding="ascii").splitlines()
        return []

    def settle(self, start: str) -> None:
        """Forget what was dropped before ``start``, where a base backup begins: the way to any later point is whole."""
        later = [line for line in self.dropped() if line.split()[-1] >= start]
        if not later:
            (self.directory / DROPPED).unlink(missing_ok=True)

    def remove(self, names: Iterable[str]) -> int:
        """Remove segments; return how many."""
        removed = 0
        for name in names:
            (self.directory / name).unlink()
            removed += 1
        return removed


def spools(root: Path) -> list[Spool]:
    """Return the spools below the directory of one server port."""
    if not root.is_dir():
        return []
    return [Spool(path) for path in sorted(root.iterdir()) if path.is_dir() and path.name.isdigit()]


def needed_from(starts: Iterable[str]) -> str:
    """Return the first segment that a spool keeps, of the segments where its stored bases start: the last but one's.

    So every snapshot of the spool reaches over at least one base, and none is needed twice.
    """
    newest = sorted(starts)[-2:]
    return newest[0] if len(newest) == 2 else ""


def removable(segments: Iterable[str], needed: str, stored: Iterable[Iterable[wal.Stretch]]) -> list[str]:
    """Return what may go: before ``needed``, and in a snapshot of every repository (``stored``: each one's)."""
    places = [list(stretches) for stretches in stored]
    return [
        name
        for name in segments
        if name < needed and all(any(item.first <= name <= item.last for item in stretches) for stretches in places)
    ]
