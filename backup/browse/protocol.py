"""What the console and the browse service say to each other over a Unix socket: one request, one answer.

The request is one JSON line, so is the answer; after the answer to ``file`` come exactly ``size`` bytes of content.
A connection that ends before that broke off.  Standard library only.

Requests: ``snapshots`` of a host · ``list`` one directory of a snapshot, ``ENTRIES`` names at a time, those after the
name ``after`` · ``entry``, what a directory's list says of one file · ``file``, its content as well.
An answer that is not ``ok`` holds a cause of ``backup.causes``.
"""

import json
import re
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from backup.errors import BackupError
from backup.status import Cause, format_time, parse_time

REQUEST_BYTES = 16 * 1024
ANSWER_BYTES = 8 * 1024 * 1024
CHUNK_BYTES = 256 * 1024
ENTRIES = 1000
SNAPSHOTS = 5000
PATH_BYTES = 4096
NAME_BYTES = 255

HOST = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}")
SNAPSHOT_ID = re.compile(r"[0-9a-f]{64}")


class Ask(StrEnum):
    """What may be asked."""

    SNAPSHOTS = "snapshots"
    LIST = "list"
    ENTRY = "entry"
    FILE = "file"


@dataclass(frozen=True)
class Request:
    """One question.  ``path`` is absolute inside the snapshot."""

    ask: Ask
    host: str
    snapshot: str = ""
    path: str = ""
    after: str = ""

    def line(self) -> bytes:
        """Return the request as it goes over the socket."""
        return _line(asdict(self))


@dataclass(frozen=True)
class Listed:
    """One snapshot.  ``bytes`` and ``files`` are what the backup read, not what it added."""

    id: str
    time: datetime
    tags: tuple[str, ...]
    paths: tuple[str, ...]
    bytes: int
    files: int

    def tag(self, key: str) -> str | None:
        """Return the value of the tag ``key=value``."""
        return next((tag.removeprefix(f"{key}=") for tag in self.tags if tag.startswith(f"{key}=")), None)


@dataclass(frozen=True)
class Entry:
    """One name in a directory.  ``kind`` is restic's: file, dir, symlink, fifo, socket, dev, chardev, irregular."""

    name: str
    kind: str
    size: int
    mtime: datetime | None


@dataclass(frozen=True)
class Listing:
    """One page of a directory, by name; ``more``: there are names after the last one."""

    entries: tuple[Entry, ...]
    more: bool


def parse_request(line: bytes) -> Request:
    """Read and check a request; raises BackupError ``browse_refused`` that names the first thing wrong."""
    try:
        data = json.loads(line)
        values = {key: data[key] for key in ("ask", "host", "snapshot", "path", "after")}
    except (ValueError, KeyError, TypeError) as error:
        raise refused("the request", "not a request of this protocol") from error
    if len(data) != len(values) or not all(isinstance(value, str) for value in values.values()):
        raise refused("the request", "not a request of this protocol")
    if values["ask"] not in set(Ask):
        raise refused("the request", "nothing that may be asked")
    request = Request(**{**values, "ask": Ask(values["ask"])})
    check(request)
    return request


def check(request: Request) -> None:
    """Raise BackupError ``browse_refused`` unless every part of the request has its form."""
    if not HOST.fullmatch(request.host):
        raise refused("host", "not a host name")
    if request.ask is Ask.SNAPSHOTS:
        if request.snapshot or request.path or request.after:
            raise refused("the request", "too many parts")
        return
    if not SNAPSHOT_ID.fullmatch(request.snapshot):
        raise refused("snapshot", "not a snapshot's id of 64 hexadecimal digits")
    _check_path(request.path)
    if request.after:
        if request.ask is not Ask.LIST:
            raise refused("after", "only a list has one")
        _check_name(request.after)


def _check_path(path: str) -> None:
    if not path.startswith("/"):
        raise refused("path", "not absolute")
    if len(_utf8(path)) > PATH_BYTES:
        raise refused("path", "too long")
    if path != "/":
        for name in path[1:].split("/"):
            _check_name(name)


def _check_name(name: str) -> None:
    if name in {"", ".", ".."} or "/" in name or "\0" in name or len(_utf8(name)) > NAME_BYTES:
        raise refused("path", "a name in it is empty, too long, or leads elsewhere")


def _utf8(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise refused("path", "not text") from error


def refused(place: str, detail: str) -> BackupError:
    """Return the error for a request that has no business here."""
    return BackupError("browse_refused", place, detail)


def listed_to_json(item: Listed) -> dict[str, Any]:
    """Return a snapshot as JSON values."""
    return {**asdict(item), "time": format_time(item.time)}


def listed_from_json(data: dict[str, Any]) -> Listed:
    """Build a snapshot; raises KeyError, TypeError or ValueError."""
    changed = {"time": parse_time(data["time"]), "tags": tuple(data["tags"]), "paths": tuple(data["paths"])}
    return Listed(**{**data, **changed})


def entry_to_json(item: Entry) -> dict[str, Any]:
    """Return a directory entry as JSON values."""
    return {**asdict(item), "mtime": None if item.mtime is None else format_time(item.mtime)}


def entry_from_json(data: dict[str, Any]) -> Entry:
    """Build a directory entry; raises KeyError, TypeError or ValueError."""
    return Entry(**{**data, "mtime": None if data["mtime"] is None else parse_time(data["mtime"])})


def answer(**values: object) -> bytes:
    """Return a good answer's line."""
    return _line({"ok": True, **values})


def failure(cause: Cause) -> bytes:
    """Return the answer that tells why there is none."""
    return _line({"ok": False, **asdict(cause)})


def parse_answer(line: bytes) -> dict[str, Any]:
    """Return a good answer's values; raises BackupError with the cause of a bad one, ValueError for anything else."""
    data = json.loads(line)
    if not isinstance(data, dict) or not line.endswith(b"\n"):
        raise ValueError("not an answer of this protocol")
    if data.get("ok") is not True:
        raise BackupError(*(str(data.get(key, "–")) for key in ("code", "place", "detail")))
    return data


def _line(data: dict[str, Any]) -> bytes:
    # ASCII, so that a lone surrogate of a hostile name cannot stop the answer.
    return json.dumps(data).encode("ascii") + b"\n"
