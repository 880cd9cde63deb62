"""What is broken is moved aside, never deleted, until what it held is back.

The name of every pack, index, key and snapshot file is the SHA-256 of its content, so a broken one is found without
restic and without the password.  Beside the repository ``his1`` lies ``his1.aside/<time>/``, one directory a healing:
``data``, ``index``, ``keys``, ``snapshots`` with files, or ``repository``, a whole one that could not be opened.
"""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from backup.status import format_time, from_json, to_json

SMALL_KINDS = ("keys", "snapshots", "index")
TEMPORARY = ("-tmp-", ".rest-server-temp")


@dataclass(frozen=True)
class Waiting:
    """A snapshot that was set aside; ``lasting`` is its original's id, by which its copy is known."""

    id: str
    lasting: str
    policy: str
    time: datetime


def broken_files(repository: Path, kinds: tuple[str, ...]) -> list[Path]:
    """Return the files of these kinds whose content is not what their name says; those of ``data`` take a full read."""
    return [path for kind in kinds for path in _files(repository / kind) if not _is_whole(path)]


def _files(directory: Path) -> Iterator[Path]:
    for parent, _, names in os.walk(directory):
        yield from (Path(parent, name) for name in sorted(names) if not any(mark in name for mark in TEMPORARY))


def _is_whole(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest() == path.name
    except FileNotFoundError:
        # Removed meanwhile, which is no damage.
        return True
    except OSError:
        return False


def size_of(repository: Path) -> int:
    """Return the bytes of all files of a repository."""
    total = 0
    for parent, _, names in os.walk(repository):
        for name in names:
            try:
                total += Path(parent, name).stat().st_size
            except FileNotFoundError:
                continue
    return total


class Aside:
    """The directory beside one repository."""

    def __init__(self, repository: Path) -> None:
        self.repository = repository
        self.directory = repository.with_name(f"{repository.name}.aside")

    def put(self, path: Path, moment: datetime) -> None:
        """Move one file of the repository aside."""
        kind = path.relative_to(self.repository).parts[0]
        self._move(path, self._batch(moment) / kind / path.name)

    def note(self, waiting: Waiting, moment: datetime) -> Path:
        """Return where a snapshot that is set aside at ``moment`` is noted."""
        return self._batch(moment) / "snapshots" / f"{waiting.id}.json"

    def put_snapshot(self, waiting: Waiting, note: Path) -> None:
        """Move a snapshot aside; what is known of it is written first, so that nothing is forgotten by a power cut."""
        note.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with note.open("w", encoding="utf-8") as stream:
            json.dump(to_json(waiting), stream)
            stream.flush()
            os.fsync(stream.fileno())
        source = self.repository / "snapshots" / waiting.id
        if source.exists():
            self._move(source, note.with_suffix(""))

    def put_whole(self, moment: datetime) -> None:
        """Move the whole repository aside."""
        self._move(self.repository, self._batch(moment) / "repository")

    def waiting(self) -> dict[Path, Waiting]:
        """Return the snapshots that are aside, by the path of their note."""
        found = {}
        for note in sorted(self.directory.glob("*/snapshots/*.json")):
            try:
                found[note] = from_json(Waiting, json.loads(note.read_text(encoding="utf-8")))
            except ValueError:
                # Half written before a power cut: the snapshot is still in its place.
                note.unlink()
        return found

    def packs(self) -> tuple[str, ...]:
        """Return the names of the packs that are aside."""
        return tuple(sorted({path.name for path in self.directory.glob("*/data/*")}))

    def wholes(self) -> list[Path]:
        """Return the whole repositories that are aside."""
        return sorted(self.directory.glob("*/repository"))

    def put_back(self, note: Path) -> bool:
        """Move a snapshot's file back into the repository if it is whole; its note stays until ``drop``."""
        aside = note.with_suffix("")
        if not aside.exists() or not _is_whole(aside):
            return False
        self._move(aside, self.repository / "snapshots" / aside.name)
        return True

    def drop(self, note: Path) -> None:
        """Forget a snapshot that is back."""
        note.with_suffix("").unlink(missing_ok=True)
        note.unlink(missing_ok=True)

    def drop_settled(self) -> None:
        """Remove the batches in which no snapshot waits any more, but no whole repository."""
        for batch in sorted(self.directory.glob("*")):
            if not list(batch.glob("snapshots/*.json")) and not (batch / "repository").exists():
                shutil.rmtree(batch)
        if self.directory.exists() and not list(self.directory.iterdir()):
            self.directory.rmdir()

    def _batch(self, moment: datetime) -> Path:
        return self.directory / re.sub(r"[-:]|\.\d+", "", format_time(moment))

    @staticmethod
    def _move(source: Path, target: Path) -> None:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        source.rename(target)
