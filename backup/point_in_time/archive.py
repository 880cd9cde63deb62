"""PostgreSQL's ``archive_command``: one finished WAL file, durably into the spool.  Standard library only.

    python -I -m backup.point_in_time.archive SPOOL %p %f

PostgreSQL runs it as its own OS user in the data directory, and again and again until it ends with 0.  It never
overwrites a file with another content, and a file has its name only when it is on disk as a whole.

The spool shares the clinic's disk.  When it is full of files that could not be stored elsewhere, the clinic's work
goes first: the file is not kept but noted in ``dropped``, which the next ``xinglin backup wal`` makes an alarm of; a
point in time can then be reached again from the next base backup on.
"""

import filecmp
import os
import shutil
import struct
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

BLOCK = 65536
MOST_BYTES = 20 * 1024**3
"""The spool takes no more than this; a day of five-minute files is at most 4.8 GB."""
RESERVE_SHARE = 0.05
"""This much of the file system is never taken."""
CONTROL = Path("global/pg_control")
DROPPED = "dropped"


def system_identifier(control: Path = CONTROL) -> str:
    """Return the cluster's identifier: the first eight bytes of its control file."""
    return str(struct.unpack("=Q", control.read_bytes()[:8])[0])


def archive(spool: Path, source: Path, name: str) -> bool:
    """Put the file ``source`` into the spool of its cluster as ``name``; False: there was no room, it is noted.

    Raises OSError, ValueError when another file of this name is there.
    """
    directory = spool / system_identifier()
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    target = directory / name
    if target.exists():
        if filecmp.cmp(source, target, shallow=False):
            _flush(target)
            _flush(directory)
            return True
        raise ValueError(f"{target} exists with another content")
    if not _has_room(directory, source.stat().st_size):
        _note(directory / DROPPED, name)
        return False
    temporary = directory / f".{name}.new"
    _copy(source, temporary)
    temporary.rename(target)
    _flush(directory)
    return True


def _has_room(directory: Path, size: int) -> bool:
    disk = shutil.disk_usage(directory)
    if disk.free - size < RESERVE_SHARE * disk.total:
        return False
    return sum(512 * path.stat().st_blocks for path in directory.iterdir()) + size <= MOST_BYTES


def _copy(source: Path, target: Path) -> None:
    """Copy with holes for zeros: PostgreSQL fills a file that ends early with them."""
    zeros = bytes(BLOCK)
    with source.open("rb") as reader, target.open("wb") as writer:
        os.fchmod(writer.fileno(), 0o600)
        while block := reader.read(BLOCK):
            if block == zeros:
                writer.seek(BLOCK, os.SEEK_CUR)
            else:
                writer.write(block)
        writer.truncate(reader.tell())
        found = os.fstat(reader.fileno())
        writer.flush()
        os.utime(writer.fileno(), ns=(found.st_atime_ns, found.st_mtime_ns))
        os.fsync(writer.fileno())


def _note(path: Path, name: str) -> None:
    with path.open("a", encoding="ascii") as stream:
        stream.write(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {name}\n")
        stream.flush()
        os.fsync(stream.fileno())


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def main(arguments: Sequence[str]) -> int:
    """Archive one file; 0: PostgreSQL may forget it, 1: it must try again."""
    spool, source, name = arguments
    try:
        kept = archive(Path(spool), Path(source), name)
    except (OSError, ValueError) as error:
        print(f"xinglin: {name} is not archived: {error}", file=sys.stderr)
        return 1
    if not kept:
        print(f"xinglin: no room for {name}: point in time has a gap from here to the next base", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
