"""A share's archive as a part of a restore: listed, and extracted below a directory, one path of it or all."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any

from backup.errors import BackupError
from backup.night.backup_set import Part
from backup.report import size
from backup.restore.files import unfinished
from backup.restore.record import RestoreRecorder
from backup.restore.restorer import Asked
from backup.sources.smb.source import read_archive
from backup.sources.smb.tar import Entry
from backup.sources.work import Stored


@dataclass(frozen=True)
class SharePlan:
    """Some entries of the archive (``wanted`` is empty: all), ``files`` with ``bytes`` together."""

    part: Part
    directory: Path
    wanted: tuple[str, ...]
    files: int
    bytes: int

    @property
    def what(self) -> str:
        """The share, and which paths of it."""
        return f"share {self.part.manifest['share']}" + "".join(f" {path}" for path in self.wanted)

    @property
    def target(self) -> str:
        """The new directory."""
        return str(self.directory)

    @property
    def confirmation(self) -> str | None:
        """Nothing live changes."""

    def lines(self) -> list[str]:
        """Return what would be done, for people."""
        told = [f"{self.what}: {self.files} files, {size(self.bytes)}, below {self.directory}"]
        return told + [f"  not in the backup, it could not be read: {path}" for path in self.part.manifest["unread"]]

    def to_json(self) -> dict[str, Any]:
        """Return what would be done, for machines."""
        return {"share": self.part.manifest["share"], "paths": list(self.wanted), "files": self.files}

    def needs(self) -> list[tuple[Path, float]]:
        """Return the files' size."""
        return [(self.directory, self.bytes)]

    def restore(self, stored: Stored, recorder: RestoreRecorder, hints: list[str]) -> None:
        """Extract while the archive streams by, and compare every file with the listing."""
        place = f"share {self.part.manifest['share']}"
        expected = {item.path: item for item in listing(self.part, stored) if chosen(item.path, self.wanted)}
        partial = unfinished(self.directory)
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(mode=0o700, parents=True)
        wrong: list[str] = []

        def keep(path: str) -> IO[bytes] | None:
            return _create(partial, path) if path in expected else None

        def take(entry: Entry) -> None:
            wanted = expected.pop(entry.path, None)
            if wanted is None:
                return
            if wanted != entry:
                wrong.append(f"{wanted.line().strip()} became {entry.line().strip()}")
            path = _inside(partial, entry.path)
            if entry.path.endswith("/"):
                path.mkdir(mode=0o700, parents=True, exist_ok=True)
            elif path.exists():
                os.utime(path, (entry.mtime, entry.mtime))

        with recorder.step("extract") as notes:
            broken = read_archive(self.part, stored, take, keep)
            if broken:
                raise BackupError("dump_damaged", place, broken)
            wrong += [f"{path} is missing" for path in expected]
            if wrong:
                raise BackupError("manifest_mismatch", place, "; ".join(wrong[:3]))
            notes.numbers |= {"files": self.files, "bytes": self.bytes}
        partial.rename(self.directory)
        hints.append(f"the files are below {self.directory}, for root only; hand them over with: chown -R, chmod -R")
        hints.append(f"to copy them back to the share: smbclient {self.part.manifest['share']} -A CREDENTIALS_FILE")
        hints.append(f"  then: prompt OFF; recurse ON; lcd {self.directory}; mput *   (it overwrites without asking)")


def plan(asked: Asked, part: Part) -> SharePlan:
    """Work out what would be extracted; raises BackupError: manifest_missing, not_in_backup, target_exists."""
    if not {"share", "unread"} <= part.manifest.keys():
        raise BackupError("manifest_missing", part.name, "it does not say of which share it is")
    wanted = tuple(path.replace("\\", "/").strip("/") for path in asked.request.entries)
    absent, files, total = set(wanted), 0, 0
    with tempfile.TemporaryDirectory() as place:
        for item in listing(part, asked.stored(Path(place))):
            if chosen(item.path, wanted):
                absent -= {path for path in wanted if chosen(item.path, (path,))}
                files += bool(item.sha256)
                total += item.size
    if absent:
        raise BackupError("not_in_backup", f"share {part.manifest['share']}", ", ".join(sorted(absent)))
    return SharePlan(part, asked.new_path(part.name), wanted, files, total)


def listing(part: Part, stored: Stored) -> Iterator[Entry]:
    """Yield what the archive holds, by its listing in the set; raises BackupError."""
    with stored.staged(f"{part.name}.files.jsonl").open(encoding="utf-8") as lines:
        for line in lines:
            yield Entry(**json.loads(line))


def contents(part: Part, stored: Stored) -> Iterator[str]:
    """Yield a line for each entry."""
    for item in listing(part, stored):
        yield f"{item.size:>14}  {item.path}"


def chosen(path: str, wanted: tuple[str, ...]) -> bool:
    """Tell whether an entry is one of ``wanted`` or below it; Windows tells no case apart, so neither do we."""
    mine = path.rstrip("/").casefold()
    return not wanted or any(mine == each.casefold() or mine.startswith(f"{each.casefold()}/") for each in wanted)


def _inside(directory: Path, path: str) -> Path:
    """Return where an entry goes; raises BackupError ``dump_damaged`` for one that would go elsewhere."""
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts:
        raise BackupError("dump_damaged", str(directory), f"an entry leads out of the directory: {path}")
    return directory.joinpath(*parts)


def _create(directory: Path, path: str) -> IO[bytes]:
    target = _inside(directory, path)
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Exclusive: an archive with the same path twice must not write through what it made before.
    return os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "wb")
