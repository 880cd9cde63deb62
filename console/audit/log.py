"""Append to the audit log.  The web process and the worker take turns; each record is on disk before return."""

import logging
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from console.audit.files import AuditFiles, last_lines, sync_directory
from console.audit.record import GENESIS, Record, digest, parse

logger = logging.getLogger(__name__)

RECOVERED = "audit.recovered"
CLOCK_STEPPED_BACK = "clock.stepped_back"
TOLERATED_STEP = timedelta(seconds=2)
# More cut-off lines than this in a row cannot come from crashes: each recovery writes a whole record after one.
SEARCHED_LINES = 16


class AuditError(Exception):
    """The audit log cannot be written.  The action that was to be logged must not happen."""


@dataclass(frozen=True)
class Event:
    """What is about to be recorded."""

    actor: str
    action: str
    target: str
    result: str
    detail: Mapping[str, Any]


@dataclass(frozen=True)
class Head:
    """The end of the log: its last record's number, time and hash, and the hash of the last raw line.

    The two hashes differ only while a closed fragment waits for the record that explains it.
    """

    seq: int
    at: datetime | None
    record_sha256: str
    line_sha256: str


def utc_now() -> datetime:
    """Return the time, aware, in UTC."""
    return datetime.now(UTC)


def milliseconds_since_boot() -> int:
    """Return a clock that no one can set, which also counts while the machine sleeps."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000


@dataclass(frozen=True)
class AuditLog:
    """The audit log under ``root``.  The clocks come in as arguments."""

    root: Path
    now: Callable[[], datetime] = utc_now
    mono: Callable[[], int] = milliseconds_since_boot

    @property
    def files(self) -> AuditFiles:
        """Return where the log's parts lie."""
        return AuditFiles(self.root)

    def append(
        self, *, actor: str, action: str, target: str, result: str = "success", detail: Mapping[str, Any] | None = None
    ) -> Record:
        """Write one record and return it once it is on disk.

        ``actor`` is an account or a service, ``action`` a dotted verb such as ``account.locked``, ``target`` what it
        was done to, ``detail`` whole numbers and texts only: no secret and no patient.
        Raises ``AuditError`` when the record cannot be made durable.
        """
        try:
            self.files.create()
            with self.files.locked():
                self.recover()
                head = self.head()
                moment = self.now()
                if head.at is not None and head.at - moment > TOLERATED_STEP:
                    seconds = int((head.at - moment).total_seconds())
                    step = Event("system", CLOCK_STEPPED_BACK, "clock", "observed", {"seconds": seconds})
                    head = self._write(head, step)[1]
                return self._write(head, Event(actor, action, target, result, detail or {}))[0]
        except OSError as error:
            raise AuditError(
                f"{self.root}: the audit record could not be written: {error}. "
                "Next: free space on this disk or repair it; nothing is done that cannot be recorded."
            ) from error

    def head(self) -> Head:
        """Return the end of the log; the caller holds the lock."""
        line_sha256 = None
        for day in reversed(self.files.log_days()):
            for line in reversed(last_lines(self.files.log(day), SEARCHED_LINES)):
                line_sha256 = line_sha256 or digest(line)
                if (record := parse(line)) is not None:
                    return Head(record.seq, record.at, digest(line), line_sha256)
        return Head(0, None, GENESIS, line_sha256 or GENESIS)

    def recover(self) -> None:
        """Close a line that a crash cut off and say so in the chain; the caller holds the lock.

        Nothing is ever removed: the fragment stays, ended by a newline, followed by a record with its hash.
        """
        for day in reversed(self.files.log_days()):
            last = last_lines(self.files.log(day), 1)
            if not last:
                continue
            if not last[0].endswith(b"\n"):
                self._put(self.files.log(day), b"\n")
                last = [last[0] + b"\n"]
                logger.warning("audit log: %s ended in an incomplete line; it is kept and closed", self.files.log(day))
            if parse(last[0]) is None:
                detail = {"day": day.isoformat(), "fragment_sha256": digest(last[0]), "fragment_bytes": len(last[0])}
                self._write(self.head(), Event("system", RECOVERED, "audit log", "success", detail))
            return

    def _write(self, head: Head, event: Event) -> tuple[Record, Head]:
        moment = self.now()
        record = Record(
            seq=head.seq + 1,
            at=moment,
            mono=self.mono(),
            actor=event.actor,
            action=event.action,
            object=event.target,
            result=event.result,
            detail=event.detail,
            prev=head.line_sha256,
        )
        line = record.line()
        self._put(self.files.log(self._day(moment)), line)
        return record, Head(record.seq, moment, digest(line), digest(line))

    def _day(self, moment: datetime) -> date:
        """Return the day file to write to: never one before the newest, never a sealed one, whatever the clock says."""
        days = [moment.astimezone(UTC).date(), *self.files.log_days()[-1:]]
        days += [day + timedelta(days=1) for day in self.files.seal_days()[-1:]]
        return max(days)

    @staticmethod
    def _put(path: Path, content: bytes) -> None:
        fresh = not path.exists()
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            written = 0
            while written < len(content):
                written += os.write(descriptor, content[written:])
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if fresh:
            sync_directory(path.parent)
