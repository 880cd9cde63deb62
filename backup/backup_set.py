"""One night's backup set: what belongs together and what a restore must give back.

A run makes one snapshot for each dump, then one that *seals* the set: it holds the policy's paths, the server's
roles, and this manifest, which names the dumps' snapshots.  Only a sealed set is a backup.  A run that died
before its seal left snapshots that nobody will ever take for one.
"""

import fnmatch
import hashlib
import json
import os
import random
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path, PurePath

from backup import manifest
from backup.repository import is_plain
from backup.status import format_time, parse_time

SCHEMA = 1
SAMPLE_FILES = 200
SAMPLE_FILE_BYTES = 16 * 1024 * 1024
MANIFEST_NAME = "manifest.json"


@dataclass(frozen=True)
class Dump:
    """One database's dump: its own snapshot, the file in it, its size, and what it must restore to."""

    snapshot_id: str
    filename: str
    bytes: int
    manifest: manifest.DatabaseManifest


@dataclass(frozen=True)
class SampledFile:
    """One file as it was just before the backup read it."""

    path: str
    size: int
    mtime_ns: int
    mode: int
    uid: int
    gid: int
    sha256: str


@dataclass(frozen=True)
class BackupSet:
    """The manifest of a whole set; ``as_of`` is the time of its oldest data."""

    run_id: str
    host: str
    policy: str
    as_of: datetime
    dumps: tuple[Dump, ...] = ()
    paths: tuple[str, ...] = ()
    sample: tuple[SampledFile, ...] = ()
    schema: int = field(default=SCHEMA)


def write(target: Path, backup_set: BackupSet) -> None:
    """Write the manifest as JSON (0600)."""
    target.touch(mode=0o600)
    data = asdict(backup_set) | {"as_of": format_time(backup_set.as_of)}
    target.write_text(json.dumps(data, ensure_ascii=False, indent=1), encoding="utf-8")


def read(source: Path) -> BackupSet:
    """Read a manifest; raises OSError, or ValueError for anything else."""
    data = json.loads(source.read_text(encoding="utf-8"))
    try:
        if data["schema"] != SCHEMA:
            raise ValueError(f"schema {data['schema']}, known: {SCHEMA}")
        return BackupSet(
            **{
                **data,
                "as_of": parse_time(data["as_of"]),
                "paths": tuple(data["paths"]),
                "sample": tuple(SampledFile(**item) for item in data["sample"]),
                "dumps": tuple(
                    Dump(**{**item, "manifest": manifest.from_json(item["manifest"])}) for item in data["dumps"]
                ),
            }
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a manifest: {error!r}") from error


def sample(paths: Sequence[Path], excludes: Sequence[str], chance: random.Random) -> tuple[SampledFile, ...]:
    """Hash up to 200 files of up to 16 MiB, chosen evenly from all below ``paths``.

    A file that an exclude pattern could mean, that restic's pattern files cannot name, that has a set-id bit or is
    below a directory with one, or that is unreadable or changes meanwhile is not chosen.
    """
    chosen: list[Path] = []
    for count, path in enumerate(_files(paths, excludes)):
        if len(chosen) < SAMPLE_FILES:
            chosen.append(path)
        elif (place := chance.randrange(count + 1)) < SAMPLE_FILES:
            chosen[place] = path
    return tuple(found for path in sorted(chosen) if (found := _hash(path)) is not None)


def _files(paths: Iterable[Path], excludes: Sequence[str]) -> Iterator[Path]:
    for root in paths:
        if any(_is_special(parent) for parent in root.parents):
            continue
        if root.is_file() and not root.is_symlink():
            yield root
        for directory, names, files in os.walk(root):
            if _is_special(Path(directory)):
                names.clear()
                continue
            names[:] = sorted(name for name in names if not _excluded(PurePath(directory, name), excludes))
            for name in sorted(files):
                path = Path(directory, name)
                if is_plain(str(path)) and not _excluded(path, excludes):
                    yield path


def _is_special(path: Path) -> bool:
    """Tell whether ``path`` has a set-id bit: a locked-down service (RestrictSUIDSGID=) cannot restore that."""
    try:
        return bool(path.lstat().st_mode & (stat.S_ISUID | stat.S_ISGID))
    except FileNotFoundError:
        return True


def _excluded(path: PurePath, excludes: Sequence[str]) -> bool:
    return any(
        fnmatch.fnmatchcase(candidate, pattern.removeprefix("!").rstrip("/").replace("**", "*"))
        for pattern in excludes
        for candidate in (str(path), path.name)
    )


def _hash(path: Path) -> SampledFile | None:
    try:
        before = path.lstat()
        if not stat.S_ISREG(before.st_mode) or before.st_size > SAMPLE_FILE_BYTES or _is_special(path):
            return None
        digest = sha256(path)
        after = path.lstat()
    except OSError:
        return None
    if (before.st_mtime_ns, before.st_size) != (after.st_mtime_ns, after.st_size):
        return None
    return SampledFile(
        str(path), before.st_size, before.st_mtime_ns, before.st_mode, before.st_uid, before.st_gid, digest
    )


def sha256(path: Path) -> str:
    """Return the hex SHA-256 of a file's content."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
