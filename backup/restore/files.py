"""Files out of a sealing snapshot: what a restore would change, old versions kept, then restic's own restore."""

import os
import re
import shutil
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from backup.errors import BackupError
from backup.printable import UNREADABLE, printable
from backup.repositories.repository import Progress
from backup.repositories.restic import LONG_SECONDS, Repository, demand, run

SPECIAL = re.compile(r"([\\*?\[\]])")


@dataclass(frozen=True)
class Selection:
    """Files of one snapshot: all but ``excludes``, or those at and below ``paths``."""

    repository: Repository
    snapshot_id: str
    paths: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()


@dataclass
class Preview:
    """What a restore would do: files it would make, change and leave alone, and the bytes it would write."""

    made: int = 0
    changed: list[str] = field(default_factory=list)
    changed_bytes: int = 0
    unchanged: int = 0
    bytes: int = 0


def command(selection: Selection, target: Path, extra: Sequence[str] = ()) -> list[str]:
    """Return restic's restore of ``selection`` below ``target``; paths are meant literally."""
    built = ["restore", "--no-lock", selection.snapshot_id, "--target", str(target), "--overwrite=always", *extra]
    built += [f"--include={SPECIAL.sub(_escaped, path)}" for path in selection.paths]
    if not selection.paths:
        built += [f"--exclude={SPECIAL.sub(_escaped, path)}" for path in selection.excludes]
    return built


def _escaped(found: re.Match[str]) -> str:
    return "\\" + found[1]


def preview(selection: Selection, target: Path) -> Preview:
    """Ask restic what it would do, which for existing files reads their content.

    Raises BackupError, also ``not_in_backup`` for a path of which the snapshot has nothing.
    """
    found = Preview()
    absent = {path.rstrip("/") or "/" for path in selection.paths}
    alike: set[str] = set()

    def note(message: dict[str, Any]) -> None:
        item = str(message.get("item", ""))
        if message.get("message_type") != "verbose_status" or not item:
            return
        size, action = int(message.get("size", 0)), message.get("action")
        for path in [path for path in absent if item == path or item.startswith(f"{path.rstrip('/')}/")]:
            absent.discard(path)
        here = target / item.lstrip("/")
        if action == "unchanged":
            found.unchanged += 1
        elif item in alike or (UNREADABLE in item and (there := existing(here))):
            found.bytes += size
            if item not in alike:
                alike.add(item)
                changed = [path for path in there if path.is_symlink() or not path.is_dir()]
                found.changed += map(str, changed)
                found.changed_bytes += sum(path.lstat().st_size for path in changed)
        elif not here.is_symlink() and (here.is_dir() or not here.exists()):
            found.made += 0 if here.is_dir() else 1
            found.bytes += size
        else:
            found.changed.append(str(here))
            found.changed_bytes += here.lstat().st_size
            found.bytes += size

    said = run(
        command(selection, target, ["--dry-run", "-vv"]),
        selection.repository,
        timeout_seconds=LONG_SECONDS,
        on_status=note,
    )
    demand(said, selection.repository)
    if absent:
        raise BackupError("not_in_backup", f"snapshot {selection.snapshot_id[:8]}", ", ".join(sorted(absent)))
    return found


def existing(shown: Path) -> list[Path]:
    """Return the existing paths that restic's JSON shows as ``shown``, in which each byte that is no UTF-8 is U+FFFD.

    Names in GBK are such: what they overwrite must be found to be kept.  Several may look the same.
    """
    found = [Path("/")]
    for name in shown.parts[1:]:
        found = [path for parent in found for path in _named(parent, name) if path.exists() or path.is_symlink()]
    return found


def _named(parent: Path, shown: str) -> Iterable[Path]:
    if UNREADABLE not in shown:
        return [parent / shown]
    try:
        return [path for path in parent.iterdir() if printable(path.name) == shown]
    except OSError:
        return []


def keep_old(paths: Sequence[str], directory: Path) -> int:
    """Copy existing files and links below ``directory`` (0700) with all that belongs to them; return how many."""
    directory.mkdir(mode=0o700, parents=True)
    kept = 0
    for path in map(Path, paths):
        try:
            found = path.lstat()
            if not (stat.S_ISREG(found.st_mode) or stat.S_ISLNK(found.st_mode)):
                continue
            target = directory / str(path).lstrip("/")
            _make_like(path.parent, target.parent)
            shutil.copy2(path, target, follow_symlinks=False)
            os.chown(target, found.st_uid, found.st_gid, follow_symlinks=False)
        except FileNotFoundError:
            continue
        kept += 1
    return kept


def _make_like(original: Path, copy: Path) -> None:
    """Make the directory ``copy`` and its parents with the modes and owners of the originals."""
    if not copy.exists():
        _make_like(original.parent, copy.parent)
        copy.mkdir()
        found = original.stat()
        os.chown(copy, found.st_uid, found.st_gid)
        copy.chmod(stat.S_IMODE(found.st_mode))


def restore(selection: Selection, target: Path, progress: Progress) -> dict[str, int]:
    """Restore below ``target`` and read every file back; return restic's numbers.  Raises BackupError."""

    def show(message: dict[str, Any]) -> None:
        if message.get("message_type") == "status":
            progress(message.get("percent_done"), int(message.get("bytes_restored", 0)))

    said = run(
        command(selection, target, ["--verify"]), selection.repository, timeout_seconds=LONG_SECONDS, on_status=show
    )
    try:
        demand(said, selection.repository)
    except BackupError as error:
        code = "restore_failed" if error.cause.code == "unknown" else error.cause.code
        raise BackupError(code, str(target), error.cause.detail) from error
    summary = next((item for item in said.messages if item.get("message_type") == "summary"), {})
    return {name: int(summary.get(name, 0)) for name in ("files_restored", "bytes_restored", "files_skipped")}


def restore_beside(selection: Selection, target: Path, progress: Progress) -> dict[str, int]:
    """Restore into the new directory ``target``, which has its name only when it is complete."""
    partial = unfinished(target)
    shutil.rmtree(partial, ignore_errors=True)
    numbers = restore(selection, partial, progress)
    partial.chmod(0o700)
    if target.exists():
        target.rmdir()
    partial.rename(target)
    return numbers


def unfinished(target: Path) -> Path:
    """Return the name of a directory that is not complete yet."""
    return target.with_name(f".{target.name}.restoring")
