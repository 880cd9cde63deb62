"""Copies Orthanc's SQLite index while Orthanc runs, and reads what it names.

Orthanc opens its index with ``locking_mode=EXCLUSIVE``: no other program can read it, not even by SQLite's online
backup.  Then the file and its write-ahead log are copied as they are, the log last.  SQLite's log makes that sound:
until the log is begun anew (its header then has other salts), every change since is in it, so reading the log back
over the file gives a committed state, whatever the file's copy caught of a checkpoint.
"""

import contextlib
import hashlib
import shutil
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backup.errors import BackupError
from backup.sources import sqlite

TRIES = 10
WAL_HEADER_BYTES = 32
ATTACHMENTS = "SELECT uuid, compressedSize, compressedMD5 FROM AttachedFiles ORDER BY uuid"
LEVELS = ("patients", "studies", "series", "instances")
"""Orthanc's resource types 0 to 3."""


@dataclass(frozen=True)
class Attachment:
    """A file in the storage directory: below ``uuid[0:2]/uuid[2:4]/``; ``md5`` is empty where Orthanc kept none."""

    uuid: str
    size: int
    md5: str

    @property
    def path(self) -> str:
        """The path below the storage directory."""
        return f"{self.uuid[0:2]}/{self.uuid[2:4]}/{self.uuid}"


def copy_index(index: Path, target: Path, scratch: Path) -> None:
    """Copy a committed state of ``index`` to the one file ``target`` (0600).

    Raises BackupError: source_missing, local_disk_full, dump_failed when it was too busy.
    """
    try:
        locked = _is_locked(index)
    except sqlite3.Error as error:
        raise BackupError("source_damaged", str(index), str(error)) from error
    if not locked:
        sqlite.copy_database(index, target, scratch)
        return
    size = sum(part.stat().st_size for part in (index, _log(index)) if part.exists())
    if shutil.disk_usage(scratch).free < 2 * size:
        raise BackupError("local_disk_full", str(scratch), f"{2 * size} bytes are needed to copy {index}")
    place = scratch / "index"
    try:
        for _ in range(TRIES):
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir(mode=0o700)
            before = _log_header(index)
            if not before:
                # Without a log only Orthanc knows what it is writing to the file.
                continue
            shutil.copyfile(index, place / index.name)
            shutil.copyfile(_log(index), place / _log(index).name)
            if _log_header(index) == before:
                sqlite.copy_database(place / index.name, target, scratch)
                return
    except OSError as error:
        raise BackupError("dump_failed", str(index), error.strerror or repr(error)) from error
    finally:
        shutil.rmtree(place, ignore_errors=True)
    raise BackupError("dump_failed", str(index), f"it changed during each of {TRIES} copies")


def _is_locked(index: Path) -> bool:
    with contextlib.closing(sqlite3.connect(f"{index.absolute().as_uri()}?mode=ro", 0.0, uri=True)) as database:
        try:
            database.execute("SELECT 1 FROM sqlite_schema").fetchone()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
                return True
            if error.sqlite_errorcode & 0xFF in {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY}:
                return False
            raise
    return False


def _log(index: Path) -> Path:
    return index.with_name(f"{index.name}-wal")


def _log_header(index: Path) -> bytes:
    """Return the log's header, which has the salts of this life of the log; empty when there is no log."""
    try:
        with _log(index).open("rb") as stream:
            return stream.read(WAL_HEADER_BYTES)
    except FileNotFoundError:
        return b""


def describe(copy: Path) -> dict[str, Any]:
    """Return what the copied index names, in numbers and one hash: attachments, bytes, patients, studies, …

    Raises BackupError ``source_damaged``.
    """
    with contextlib.closing(sqlite3.connect(copy)) as database:
        problems = sqlite.integrity(database)
        if problems:
            raise BackupError("source_damaged", str(copy.name), problems)
        try:
            digest, count, total = hashlib.sha256(), 0, 0
            for uuid, size, md5 in database.execute(ATTACHMENTS):
                digest.update(f"{uuid} {size} {md5}\n".encode())
                count += 1
                total += size
            version = database.execute("SELECT value FROM GlobalProperties WHERE property = 1").fetchone()
            levels = dict(database.execute("SELECT resourceType, COUNT(*) FROM Resources GROUP BY 1"))
        except sqlite3.Error as error:
            raise BackupError("source_damaged", str(copy.name), f"not an index of Orthanc: {error}") from error
    return {
        "database_version": version[0] if version else "",
        "attachments": count,
        "bytes": total,
        "sha256": digest.hexdigest(),
        **{name: levels.get(number, 0) for number, name in enumerate(LEVELS)},
    }


def attachments(copy: Path) -> dict[str, Attachment]:
    """Return all attachments that the copied index names, by their path below the storage directory."""
    with contextlib.closing(sqlite3.connect(copy)) as database:
        found = (Attachment(uuid, size, md5 or "") for uuid, size, md5 in database.execute(ATTACHMENTS))
        return {item.path: item for item in found}
