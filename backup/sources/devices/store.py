"""The last good configuration of each device, kept on this host for the night that it does not answer."""

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Stand:
    """What is kept of one device; times in the status format.  ``files`` are (name, size, sha256)."""

    name: str
    platform: str
    fetched_at: str
    changed_at: str
    meaning: str
    files: tuple[tuple[str, int, str], ...]


def keep(directory: Path, name: str, meaning: str, files: Mapping[str, bytes], *, platform: str, moment: str) -> Stand:
    """Keep a good configuration (0600) and return what is kept; ``files`` by suffix."""
    before = kept(directory, name)
    changed_at = before.changed_at if before and before.meaning == meaning else moment
    listed = []
    for suffix, content in files.items():
        path = directory / f"{name}.{suffix}"
        _write(path, content)
        listed.append((path.name, len(content), hashlib.sha256(content).hexdigest()))
    stand = Stand(name, platform, moment, changed_at, meaning, tuple(listed))
    _write(directory / f"{name}.json", json.dumps(asdict(stand)).encode())
    return stand


def kept(directory: Path, name: str) -> Stand | None:
    """Return what is kept of a device, if its files are what they were."""
    try:
        data = json.loads((directory / f"{name}.json").read_text(encoding="utf-8"))
        stand = Stand(**{**data, "files": tuple((file, size, sha256) for file, size, sha256 in data["files"])})
        sound = all(hashlib.sha256((directory / file).read_bytes()).hexdigest() == sha for file, _, sha in stand.files)
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return stand if sound else None


def stage(directory: Path, stand: Stand, target: Path) -> None:
    """Copy a device's files to ``target``."""
    for file, _, _ in stand.files:
        shutil.copyfile(directory / file, target / file)
        (target / file).chmod(0o600)


def _write(path: Path, content: bytes) -> None:
    new = path.with_name(f".{path.name}.new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    new.rename(path)
