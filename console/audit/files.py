"""Where the parts of the audit log lie, how they are read, and the one lock around every change."""

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

BLOCK = 64 * 1024
RAW_LINE = re.compile(rb"[^\n]*\n|[^\n]+")


@dataclass(frozen=True)
class AuditFiles:
    """The directory of an audit log: ``log/``, ``seals/``, ``keys/`` and the lock file."""

    root: Path

    def log(self, day: date) -> Path:
        """Return the file of one day (UTC)."""
        return self.root / "log" / f"{day.isoformat()}.jsonl"

    def seal(self, day: date) -> Path:
        """Return the seal of one day."""
        return self.root / "seals" / f"{day.isoformat()}.seal"

    def signature(self, day: date) -> Path:
        """Return the signature of one day's seal."""
        return self.root / "seals" / f"{day.isoformat()}.seal.p256.sig"

    @property
    def private_key(self) -> Path:
        """Return the file of the sealing key."""
        return self.root / "keys" / "p256.pem"

    @property
    def public_key(self) -> Path:
        """Return the file of the public key that an auditor is given."""
        return self.root / "keys" / "p256.pub.pem"

    def log_days(self) -> list[date]:
        """Return the days that have a log file, oldest first."""
        return sorted(date.fromisoformat(path.stem) for path in (self.root / "log").glob("????-??-??.jsonl"))

    def seal_days(self) -> list[date]:
        """Return the days that have a seal, oldest first."""
        return sorted(date.fromisoformat(path.stem) for path in (self.root / "seals").glob("????-??-??.seal"))

    def create(self) -> None:
        """Make the directories; nobody but the console's user may look into them."""
        for name in ("log", "seals", "keys"):
            (self.root / name).mkdir(mode=0o700, parents=True, exist_ok=True)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the one lock of this audit log, across threads and processes."""
        descriptor = os.open(self.root / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def last_lines(path: Path, count: int) -> list[bytes]:
    """Return the last ``count`` raw lines of a file, oldest first, without reading all of it.

    The last one has no newline when a write was cut off.
    """
    with path.open("rb") as file:
        position = file.seek(0, os.SEEK_END)
        tail = b""
        while position > 0 and tail.count(b"\n") <= count:
            step = min(BLOCK, position)
            position -= step
            file.seek(position)
            tail = file.read(step) + tail
    return RAW_LINE.findall(tail)[-count:]


def write_durably(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Put a whole file in place at once; it survives a power cut or is not there."""
    temporary = path.with_name(f".{path.name}.new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    sync_directory(path.parent)


def sync_directory(directory: Path) -> None:
    """Make a new name in ``directory`` durable."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
