"""Orthanc as a part of a restore: index and storage together in a new directory, with what to do to use it."""

import os
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from backup.errors import BackupError
from backup.night.backup_set import Part
from backup.report import size
from backup.restore import files
from backup.restore.files import Selection, unfinished
from backup.restore.record import RestoreRecorder
from backup.restore.restorer import Asked
from backup.sources.orthanc import index
from backup.sources.orthanc.source import md5
from backup.sources.work import Stored
from backup.status import Cause

NEEDED = {"storage", "index", "bytes", "attachments", "studies", "sha256"}


@dataclass(frozen=True)
class OrthancPlan:
    """An Orthanc and its new directory; the part's bytes are index and attachments."""

    part: Part
    directory: Path

    @property
    def what(self) -> str:
        """The original's storage."""
        return f"Orthanc {self.part.manifest['storage']}"

    @property
    def target(self) -> str:
        """The new directory."""
        return str(self.directory)

    @property
    def confirmation(self) -> str | None:
        """Nothing live changes."""

    def lines(self) -> list[str]:
        """Return what would be done, for people."""
        found = self.part.manifest
        held = f"index and {found['attachments']} files, {found['studies']} studies, {size(self.part.bytes)}"
        return [f"{self.what}: {held}, in {self.directory}"]

    def to_json(self) -> dict[str, Any]:
        """Return what would be done, for machines."""
        return {name: self.part.manifest[name] for name in ("attachments", "studies")}

    def needs(self) -> list[tuple[Path, float]]:
        """Return the size of it all."""
        return [(self.directory, self.part.bytes)]

    def restore(self, stored: Stored, recorder: RestoreRecorder, hints: list[str]) -> None:
        """Restore both, and compare the index with its manifest and every file with the index."""
        partial = unfinished(self.directory)
        shutil.rmtree(partial, ignore_errors=True)
        place = f"Orthanc ({self.part.manifest['storage']})"
        with recorder.step("files") as notes:
            inside = f"{stored.snapshot.id}:{self.part.manifest['storage']}"
            selection = Selection(stored.repository, inside)
            done = files.restore(selection, partial, lambda fraction, got: recorder.show("files", fraction, got))
            notes.numbers |= {"files": done["files_restored"], "bytes": done["bytes_restored"]}
        with recorder.step("fetch") as notes:
            shutil.copyfile(stored.staged(f"{self.part.name}.index"), partial / "index")
            owner = partial.stat()
            os.chown(partial / "index", owner.st_uid, owner.st_gid)
            (partial / "index").chmod(0o600)
            notes.numbers["bytes"] = (partial / "index").stat().st_size
        with recorder.step("compare") as notes:
            missing = _compare(self.part, partial, place)
            if missing:
                detail = f"{len(missing)} files that the index names were deleted in Orthanc while it was backed up"
                notes.warning = Cause("source_unreadable", place, f"{detail}: {', '.join(missing[:3])}")
        if self.directory.exists():
            self.directory.rmdir()
        partial.rename(self.directory)
        live = f"the live one ({self.part.manifest['index']}) was not touched, and keeps what came in since"
        hints += [
            f'to use it: set "StorageDirectory" and "IndexDirectory" of Orthanc to "{self.directory}"',
            f"  then: chown -R orthanc:orthanc {self.directory} && systemctl restart orthanc",
            f"or look into it first with an Orthanc of its own on other ports; {live}",
        ]


def plan(asked: Asked, part: Part) -> OrthancPlan:
    """Work out where it goes; raises BackupError: manifest_missing, target_exists."""
    if not part.manifest.keys() >= NEEDED:
        raise BackupError("manifest_missing", part.name, "it does not say where Orthanc's files are")
    whole = replace(part, bytes=part.bytes + int(part.manifest["bytes"]))
    return OrthancPlan(whole, asked.new_path(part.name))


def _compare(part: Part, directory: Path, place: str) -> list[str]:
    """Return the files that are missing; raises BackupError ``manifest_mismatch`` for any other difference."""
    got = index.describe(directory / "index")
    differing = [
        f"{name}: {part.manifest.get(name)} became {value}"
        for name, value in got.items()
        if part.manifest.get(name) != value
    ]
    missing = []
    for path, item in index.attachments(directory / "index").items():
        found = directory / path
        if not found.exists():
            missing.append(item.uuid)
        elif found.stat().st_size != item.size or (item.md5 and md5(found) != item.md5):
            differing.append(f"{item.uuid} has other content")
    if differing:
        raise BackupError("manifest_mismatch", place, "; ".join(differing[:3]))
    return missing
