"""Reads a tar stream as it passes by: every entry with its size, time and SHA-256.  Standard library only."""

import contextlib
import hashlib
import json
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import IO

CHUNK_BYTES = 1 << 18


class TarBrokenError(Exception):
    """The stream is not a whole tar archive."""


@dataclass(frozen=True)
class Entry:
    """One file or directory (``sha256`` is then empty); ``mtime`` in seconds."""

    path: str
    size: int
    mtime: float
    sha256: str

    def line(self) -> str:
        """Return it as one line of JSON, with its end."""
        return json.dumps(asdict(self), ensure_ascii=False) + "\n"


class _Stream:
    """Gives tarfile whole blocks; it takes a short read for the end."""

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self._read = read
        self.bytes = 0

    def read(self, size: int) -> bytes:
        parts = []
        while size > 0 and (part := self._read(size)):
            parts.append(part)
            size -= len(part)
        got = b"".join(parts)
        self.bytes += len(got)
        return got


def _ignore(path: str) -> None:
    """Tell nobody."""


def nowhere(path: str) -> None:
    """Keep no content."""


def entries(
    read: Callable[[int], bytes],
    begin: Callable[[str], None] = _ignore,
    keep: Callable[[str], IO[bytes] | None] = nowhere,
) -> Iterator[Entry]:
    """Yield the entries of the archive that ``read(size)`` gives, then read on to its end.

    ``begin`` gets each path before its content is read; ``keep`` may give a file for the content, which is closed then.

    Raises TarBrokenError when the stream ends before the archive does.
    """
    stream = _Stream(read)
    try:
        with tarfile.open(fileobj=stream, mode="r|", bufsize=CHUNK_BYTES, errorlevel=2) as archive:  # type: ignore[call-overload]
            for member in archive:
                # A stream need not remember what it has passed.
                archive.members = []
                begin(_path(member))
                yield Entry(_path(member), member.size, float(member.mtime), _hash(archive, member, keep))
    except tarfile.TarError as error:
        raise TarBrokenError(f"{error} after {stream.bytes} bytes") from error
    while stream.read(CHUNK_BYTES):
        pass


def _path(member: tarfile.TarInfo) -> str:
    path = member.name.removeprefix("./")
    return f"{path}/" if member.isdir() else path


def _hash(archive: tarfile.TarFile, member: tarfile.TarInfo, keep: Callable[[str], IO[bytes] | None]) -> str:
    content = archive.extractfile(member) if member.isreg() else None
    if content is None:
        return ""
    digest, left = hashlib.sha256(), member.size
    with keep(_path(member)) or contextlib.nullcontext() as kept:
        while left and (part := content.read(min(CHUNK_BYTES, left))):
            digest.update(part)
            if kept:
                kept.write(part)
            left -= len(part)
    if left:
        raise TarBrokenError(f"{member.name}: {left} bytes are missing")
    return digest.hexdigest()
