"""A SQLite database as a part of a restore: a new file beside, or its content put into the live file."""

import contextlib
import os
import shutil
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backup.errors import BackupError
from backup.night.backup_set import Part
from backup.report import size
from backup.restore.record import RestoreRecorder
from backup.restore.restorer import Asked
from backup.sources.sqlite import SqliteSource, copy_database
from backup.sources.work import Stored
from backup.verification import verify
from backup.verification.findings import Findings

BUSY_SECONDS = 30.0
LOGS = ("-wal", "-journal", "-shm")


@dataclass(frozen=True)
class SqlitePlan:
    """One database file; in place, ``aside`` is where the old one is kept (None: there is none)."""

    part: Part
    path: Path
    in_place: bool
    aside: Path | None

    @property
    def what(self) -> str:
        """The original's path."""
        return f"SQLite {self.part.manifest['path']}"

    @property
    def target(self) -> str:
        """The file that is written."""
        return str(self.path)

    @property
    def confirmation(self) -> str | None:
        """The live file's path."""
        return str(self.path) if self.in_place else None

    def lines(self) -> list[str]:
        """Return what would be done, for people."""
        tables = self.part.manifest["tables"]
        rows = sum(table["rows"] for table in tables.values())
        told = [f"{self.what}: {size(self.part.bytes)}, {len(tables)} tables, {rows} rows, as {self.path}"]
        if self.aside:
            told.append(f"  the live file as it is now is kept as {self.aside}")
            users = holders(self.path)
            told += [f"  open in: {', '.join(users)}; they see the restored rows at once"] if users else []
        return told

    def to_json(self) -> dict[str, Any]:
        """Return what would be done, for machines."""
        return {"tables": len(self.part.manifest["tables"]), "live_becomes": self.aside and str(self.aside)}

    def needs(self) -> list[tuple[Path, float]]:
        """Return the fetched copy, the file and, in place, the log of its change."""
        return [(verify.SCRATCH_PARENT, self.part.bytes), (self.path, (2 if self.in_place else 1) * self.part.bytes)]

    def restore(self, stored: Stored, recorder: RestoreRecorder, hints: list[str]) -> None:
        """Fetch it, compare it with its manifest, and put it where it goes; raises BackupError."""
        with recorder.step("fetch") as notes:
            SqliteSource(Path(self.part.manifest["path"])).prove(self.part, stored, Findings(lambda _: None))
            notes.numbers["bytes"] = self.part.bytes
        fetched = stored.place / str(self.part.filename)
        if self.aside is None:
            with recorder.step("switch"):
                _place(fetched, self.path, like=None)
            hints.append(f"to undo: rm {self.path}")
            if self.in_place:
                hints.append("the owner of the directory owns the new file; look whether its program may write to it")
            return
        with recorder.step("keep"):
            sound = _keep(self.path, self.aside, stored.place)
        with recorder.step("switch"):
            if sound:
                _overwrite(fetched, self.path)
            else:
                for log in LOGS:
                    with contextlib.suppress(FileNotFoundError):
                        self.path.with_name(f"{self.path.name}{log}").unlink()
                _place(fetched, self.path, like=self.path)
        hints.append(f"to undo: sqlite3 {self.path} '.restore {self.aside}'")
        hints.append(f"the database as it was before is {self.aside}; remove it when nobody needs it any more")


def plan(asked: Asked, part: Part) -> SqlitePlan:
    """Work out where the file goes; raises BackupError: manifest_missing, target_exists."""
    if not {"path", "tables"} <= part.manifest.keys() or not part.filename:
        raise BackupError("manifest_missing", f"SQLite {part.name}", "it does not say what the database held")
    if not asked.request.in_place:
        return SqlitePlan(part, asked.new_path(part.filename), in_place=False, aside=None)
    path = Path(part.manifest["path"])
    aside = path.with_name(f"{path.name}.before_{asked.stamp()}")
    if aside.exists():
        raise BackupError("target_exists", str(aside), "an earlier restore kept the old database there")
    return SqlitePlan(part, path, in_place=True, aside=aside if path.exists() else None)


def holders(path: Path) -> list[str]:
    """Return the programs that have the file open, each as ``name (pid)``."""
    found = []
    wanted = path.stat()
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            for descriptor in (process / "fd").iterdir():
                with contextlib.suppress(FileNotFoundError):
                    seen = descriptor.stat()
                    if (seen.st_dev, seen.st_ino) == (wanted.st_dev, wanted.st_ino):
                        found.append(f"{(process / 'comm').read_text().strip()} ({process.name})")
                        break
    return found


def _keep(live: Path, aside: Path, scratch: Path) -> bool:
    """Keep the live database as ``aside``; return whether it is a sound one.  Raises BackupError ``target_failed``."""
    try:
        with contextlib.closing(sqlite3.connect(f"{live.as_uri()}?mode=ro", BUSY_SECONDS, uri=True)) as database:
            database.execute("SELECT COUNT(*) FROM sqlite_schema").fetchone()
        copy_database(live, aside, scratch)
        _like(live, aside)
    except BackupError as error:
        aside.unlink(missing_ok=True)
        raise BackupError("target_failed", str(live), error.cause.detail) from error
    except sqlite3.DatabaseError as error:
        users = holders(live)
        if users:
            detail = f"{error}; open in {', '.join(users)}: stop that first"
            raise BackupError("target_failed", str(live), detail) from error
        for path in (live, *(live.with_name(f"{live.name}{log}") for log in LOGS)):
            if path.exists():
                shutil.copy2(path, path.with_name(path.name.replace(live.name, aside.name, 1)))
        _like(live, aside)
        return False
    return True


def _overwrite(fetched: Path, live: Path) -> None:
    """Put the content into the live file in one transaction of SQLite's, so that it may be in use all the time."""
    deadline = time.monotonic() + BUSY_SECONDS

    def give_up(status: int, *_: int) -> None:
        if status in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED} and time.monotonic() > deadline:
            users = ", ".join(holders(live)) or "an unknown program"
            raise BackupError(
                "target_failed", str(live), f"locked for {BUSY_SECONDS:.0f} s by {users}: stop that first"
            )

    try:
        with (
            contextlib.closing(sqlite3.connect(fetched)) as source,
            contextlib.closing(sqlite3.connect(live, BUSY_SECONDS)) as target,
        ):
            source.backup(target, progress=give_up)
    except sqlite3.Error as error:
        users = ", ".join(holders(live))
        raise BackupError("target_failed", str(live), f"{error}{f'; open in {users}' if users else ''}") from error


def _place(fetched: Path, target: Path, like: Path | None) -> None:
    """Write the file beside its target, then give it its name; its owner is that of ``like``, else the directory's."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = target.with_name(f".{target.name}.restoring")
    shutil.copyfile(fetched, new)
    new.chmod(0o600)
    if like:
        _like(like, new)
    else:
        found = target.parent.stat()
        os.chown(new, found.st_uid, found.st_gid)
    with new.open("rb") as stream:
        os.fsync(stream.fileno())
    new.rename(target)


def _like(original: Path, copy: Path) -> None:
    found = original.stat()
    os.chown(copy, found.st_uid, found.st_gid)
    copy.chmod(found.st_mode & 0o7777)
