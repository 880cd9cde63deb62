"""Network devices' configurations as a part of a restore: files in a directory, and the words how to put them back."""

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from backup.errors import BackupError
from backup.night.backup_set import Part
from backup.restore.files import unfinished
from backup.restore.record import RestoreRecorder
from backup.restore.restorer import Asked
from backup.sources.devices.put_back import put_back
from backup.sources.devices.source import DIRECTORY, DevicesSource
from backup.sources.work import Stored
from backup.verification.findings import Findings

WORDS = "README-恢复说明.txt"


@dataclass(frozen=True)
class DevicesPlan:
    """Some devices' files; ``part`` holds only those."""

    part: Part
    directory: Path

    @property
    def _devices(self) -> list[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = self.part.manifest["devices"]
        return found

    @property
    def what(self) -> str:
        """The devices."""
        return "devices " + ", ".join(str(entry["name"]) for entry in self._devices)

    @property
    def target(self) -> str:
        """The new directory."""
        return str(self.directory)

    @property
    def confirmation(self) -> str | None:
        """Nothing live changes."""

    def lines(self) -> list[str]:
        """Return what would be done, for people."""
        told = [f"configurations of {len(self._devices)} devices, below {self.directory}, with how to put them back"]
        return told + [f"  {line}" for line in contents(self.part)]

    def to_json(self) -> dict[str, Any]:
        """Return what would be done, for machines."""
        return {"devices": [entry["name"] for entry in self._devices]}

    def needs(self) -> list[tuple[Path, float]]:
        """Return the files' size."""
        return [(self.directory, sum(file["size"] for entry in self._devices for file in entry["files"]))]

    def restore(self, stored: Stored, recorder: RestoreRecorder, hints: list[str]) -> None:
        """Fetch the files, compare them with the manifest, and write the words beside them."""
        with recorder.step("fetch") as notes:
            findings = Findings(lambda _: None)
            DevicesSource(()).prove(self.part, stored, findings)
            notes.numbers["bytes"] = findings.bytes_restored
        partial = unfinished(self.directory)
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(mode=0o700, parents=True)
        for path in (stored.place / DIRECTORY).iterdir():
            shutil.copyfile(path, partial / path.name)
            (partial / path.name).chmod(0o600)
        words = [put_back(str(entry["name"]), str(entry["platform"])) for entry in self._devices]
        (partial / WORDS).write_text("\n".join(words), encoding="utf-8")
        partial.rename(self.directory)
        hints.append(
            f"how to put each one back onto its device is in {self.directory / WORDS}; nothing was sent to them"
        )


def plan(asked: Asked, part: Part) -> DevicesPlan:
    """Work out which devices; raises BackupError: manifest_missing, not_in_backup, target_exists."""
    if not isinstance(part.manifest.get("devices"), list):
        raise BackupError("manifest_missing", part.name, "it names no devices")
    known = {str(entry["name"]): entry for entry in part.manifest["devices"] if entry["files"]}
    wanted = asked.request.entries or tuple(known)
    absent = sorted(set(wanted) - known.keys())
    if absent or not known:
        detail = f"{', '.join(absent)}; it has: {', '.join(known) or 'none'}"
        raise BackupError("not_in_backup", f"set {asked.sealed.run_id}", detail)
    chosen = replace(part, manifest=part.manifest | {"devices": [known[name] for name in dict.fromkeys(wanted)]})
    return DevicesPlan(chosen, asked.new_path(part.name))


def contents(part: Part) -> Iterator[str]:
    """Yield a line for each device."""
    for entry in part.manifest["devices"]:
        files = ", ".join(str(file["file"]) for file in entry["files"]) or "no configuration was ever read"
        old = "; it did not answer that night: this is its last good one" if entry["stale"] and entry["files"] else ""
        yield f"{entry['name']} ({entry['platform']}): {files}, of {entry['fetched_at']}{old}"
