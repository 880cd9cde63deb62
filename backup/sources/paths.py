"""Directories and files: they go into the sealing snapshot, and a sample of them is hashed just before."""

import contextlib
import fnmatch
import hashlib
import itertools
import math
import os
import random
import re
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

from backup.config.reader import Reader, a_list, a_path
from backup.errors import BackupError
from backup.night.backup_set import Part
from backup.repositories import repository
from backup.repositories.repository import is_plain
from backup.sources.work import Stored, Work
from backup.status import Assertion, Cause, Verdict
from backup.verification.findings import Findings

SAMPLE_FILES = 200
SAMPLE_FILE_BYTES = 16 * 1024 * 1024
SAMPLE_BYTES = 64 * 1024 * 1024


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
class PathsSource:
    """Directories and files; ``excludes`` are restic patterns."""

    paths: tuple[Path, ...]
    excludes: tuple[str, ...] = ()
    kind: ClassVar[str] = "paths"

    @classmethod
    def read(cls, reader: Reader, data: Mapping[str, Any], where: str) -> Self | None:
        """Read ``{"paths": […], "excludes": […]}``."""
        if reader.mapping(data, where, {cls.kind}, {"excludes"}) is None:
            return None
        full = {"excludes": []} | dict(data)
        absolute = "a list of absolute paths"
        return cls(
            paths=reader.value(full, "paths", where, lambda items: tuple(map(a_path, a_list(items))), absolute),
            excludes=reader.value(full, "excludes", where, lambda items: tuple(map(str, items)), "a list of patterns"),
        )

    @property
    def name(self) -> str:
        """The first path, as a file name."""
        return str(self.paths[0]).strip("/").replace("/", "-") or "root"

    @property
    def place(self) -> str:
        """All paths."""
        return ", ".join(str(path) for path in self.paths)

    def require(self) -> None:
        """See that each path is there: restic skips a missing one silently.  Raises BackupError ``source_missing``."""
        for path in self.paths:
            if not path.exists():
                raise BackupError("source_missing", str(path), "the backup policy names it")

    def capture(self, work: Work) -> Part:
        """Name the paths and hash a sample of what is below them."""
        work.add_paths(self.paths, self.excludes)
        chosen = sample(self.paths, self.excludes, random.Random(work.recorder.run.run_id))  # noqa: S311
        manifest = {"paths": [str(path) for path in self.paths], "sample": [asdict(item) for item in chosen]}
        return Part(self.kind, self.name, None, None, 0, manifest)

    def prove(self, part: Part, stored: Stored, findings: Findings) -> None:
        """Restore the sample and compare."""
        try:
            sampled = [SampledFile(**item) for item in part.manifest["sample"]]
        except (KeyError, TypeError) as error:
            raise BackupError("manifest_missing", part.name, f"not a manifest: {error!r}") from error
        with findings.phase("files"):
            compare_sample(part.name, sampled, stored, findings)


def compare_sample(name: str, sampled: Sequence[SampledFile], stored: Stored, findings: Findings) -> None:
    """Restore the sampled files from the sealing snapshot and compare content, owner and mode."""
    identifier, expected = f"{name}: sample of files", f"{len(sampled)} files with the same SHA-256, owner and mode"
    if not sampled:
        nothing = "no file was there that could be hashed"
        findings.assertions.append(Assertion(identifier, Verdict.SKIPPED, expected, "not compared", nothing))
        return
    target = stored.place / "files"
    target.mkdir(mode=0o700)
    repository.restore(stored.repository, stored.snapshot.id, [item.path for item in sampled], target)
    findings.bytes_restored += sum(item.size for item in sampled)
    differing: list[str] = []
    equal = changed = 0
    for item in sampled:
        path = target / item.path.lstrip("/")
        try:
            found = path.lstat()
        except OSError:
            differing.append(f"{item.path} is missing")
            continue
        if found.st_mtime_ns != item.mtime_ns:
            changed += 1
        elif (found.st_size, sha256(path)) != (item.size, item.sha256):
            differing.append(f"{item.path} has other content")
        elif (stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid) != (
            stat.S_IMODE(item.mode),
            item.uid,
            item.gid,
        ):
            differing.append(f"{item.path} has another owner or mode")
        else:
            equal += 1
    got = f"{equal} the same, {changed} changed while the backup ran, {len(differing)} not"
    if changed == len(sampled):
        findings.assertions.append(Assertion(identifier, Verdict.SKIPPED, expected, "not compared", got))
        return
    findings.require(
        identifier,
        not differing,
        expected,
        got,
        Cause("manifest_mismatch", differing[0].split(" ")[0] if differing else "", "; ".join(differing[:5])),
    )


def sample(paths: Sequence[Path], excludes: Sequence[str], chance: random.Random) -> tuple[SampledFile, ...]:
    """Hash up to 200 files of up to 16 MiB, 64 MiB in all, chosen evenly from all below ``paths``.

    A file that an exclude pattern could mean, that restic's pattern files cannot name, that has a set-id bit or is
    below a directory with one, or that is unreadable or changes meanwhile is not chosen.
    """
    found, left = [], SAMPLE_BYTES
    for path in _choose(_files(paths, excludes), chance):
        if is_plain(path) and (hashed := _hash(Path(path), min(left, SAMPLE_FILE_BYTES))):
            found.append(hashed)
            left -= hashed.size
    return tuple(sorted(found, key=lambda item: item.path))


def _choose(paths: Iterable[str], chance: random.Random) -> list[str]:
    """Choose 200 evenly, with nearly no work for those that are not chosen: there may be a hundred thousand.

    Li's Algorithm L: it draws how many to pass over, not a number for each.
    """
    rest = iter(paths)
    chosen = list(itertools.islice(rest, SAMPLE_FILES))
    weight = 1.0
    while True:
        weight *= (1 - chance.random()) ** (1 / SAMPLE_FILES)
        skip = int(math.log(1 - chance.random()) / math.log1p(-min(weight, 0.999999)))
        path = next(itertools.islice(rest, skip, None), None)
        if path is None:
            chance.shuffle(chosen)
            return chosen
        chosen[chance.randrange(SAMPLE_FILES)] = path


def _files(paths: Iterable[Path], excludes: Sequence[str]) -> Iterator[str]:
    excluded = _matcher(excludes)
    for root in paths:
        if any(_is_special(parent) for parent in root.parents):
            continue
        if root.is_file() and not root.is_symlink():
            yield str(root)
        elif root.is_dir() and not root.is_symlink():
            yield from _below(str(root), excluded)


def _below(root: str, excluded: Callable[[str], bool]) -> Iterator[str]:
    waiting = [root]
    while waiting:
        directory = waiting.pop()
        if _is_special(Path(directory)):
            continue
        with contextlib.suppress(OSError), os.scandir(directory) as entries:
            for entry in entries:
                if excluded(entry.path):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                elif entry.is_file(follow_symlinks=False):
                    yield entry.path


def _is_special(path: Path) -> bool:
    """Tell whether ``path`` has a set-id bit: a locked-down service (RestrictSUIDSGID=) cannot restore that."""
    try:
        return bool(path.lstat().st_mode & (stat.S_ISUID | stat.S_ISGID))
    except FileNotFoundError:
        return True


def _matcher(excludes: Sequence[str]) -> Callable[[str], bool]:
    """Return what tells whether a pattern could mean a path, by its whole or by its name."""
    if not excludes:
        return lambda path: False  # noqa: ARG005
    plain = (pattern.removeprefix("!").rstrip("/").replace("**", "*") for pattern in excludes)
    match = re.compile("|".join(map(fnmatch.translate, plain))).match
    return lambda path: bool(match(path) or match(path.rpartition("/")[2]))


def _hash(path: Path, most_bytes: int) -> SampledFile | None:
    try:
        before = path.lstat()
        if not stat.S_ISREG(before.st_mode) or before.st_size > most_bytes or _is_special(path):
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
