"""Seal each finished day: one small signed text that fixes the day's file and the seal before it.

A seal is ``key: value`` lines.  A quiet day has ``-`` for its numbers and the hash of the last line before it.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from console.audit.files import RAW_LINE, AuditFiles, write_durably
from console.audit.key import SealingKey, load_or_create_key
from console.audit.log import AuditLog
from console.audit.record import GENESIS, digest, parse

STARTED = "process.started"


@dataclass(frozen=True)
class DaySummary:
    """What a seal says about a day's file.  ``first_seq`` and ``last_seq`` are None on a quiet day."""

    records: int
    first_seq: int | None
    last_seq: int | None
    last_line_sha256: str | None
    boot_ids: int
    sha256: str


@dataclass(frozen=True)
class SealedDay:
    """A day that has just been sealed."""

    day: date
    summary: DaySummary
    seal_sha256: str
    sealed_at: datetime


def summarise(content: bytes) -> DaySummary:
    """Read a day's file.  Closed fragments of a crash are not records."""
    lines = RAW_LINE.findall(content)
    records = [record for record in map(parse, lines) if record is not None]
    boots = {record.detail.get("boot_id") for record in records if record.action == STARTED}
    return DaySummary(
        records=len(records),
        first_seq=records[0].seq if records else None,
        last_seq=records[-1].seq if records else None,
        last_line_sha256=digest(lines[-1]) if lines else None,
        boot_ids=len(boots - {None}),
        sha256=hashlib.sha256(content).hexdigest(),
    )


def seal_finished_days(log: AuditLog, host: str, clock: str) -> list[SealedDay]:
    """Seal every day (UTC) before today that has no seal, quiet ones too, oldest first.

    ``host`` is the appliance's stable name, ``clock`` is synchronised, unsynchronised or unknown.  Safe to run again
    after any interruption.  Raises ``OSError`` when a seal cannot be made durable.
    """
    files = log.files
    files.create()
    today = log.now().astimezone(UTC).date()
    with files.locked():
        log.recover()
        key = load_or_create_key(files)
        for day in files.seal_days():
            if not files.signature(day).exists():
                _sign(files, key, day)
        first = _first_unsealed(files) or today
        days = [first + timedelta(days=number) for number in range((today - first).days)]
        return [_seal(log, key, day, host, clock) for day in days]


def _first_unsealed(files: AuditFiles) -> date | None:
    seals = files.seal_days()
    if seals:
        return seals[-1] + timedelta(days=1)
    days = files.log_days()
    return days[0] if days else None


def _seal(log: AuditLog, key: SealingKey, day: date, host: str, clock: str) -> SealedDay:
    files = log.files
    if not files.log(day).exists():
        write_durably(files.log(day), b"")
    summary = summarise(files.log(day).read_bytes())
    pairs = {
        "seal-version": 1,
        "host": host,
        "boot-ids": summary.boot_ids,
        "clock": clock,
        "day": day.isoformat(),
        "file": f"data/log/{day.isoformat()}.jsonl",
        "sha256": summary.sha256,
        "records": summary.records,
        "first-seq": "-" if summary.first_seq is None else summary.first_seq,
        "last-seq": "-" if summary.last_seq is None else summary.last_seq,
        "last-line-sha256": summary.last_line_sha256 or _last_line_before(files, day),
        "previous-seal-sha256": previous_seal(files, day),
        "key-sha256": key.fingerprint(),
    }
    text = "".join(f"{name}: {value}\n" for name, value in pairs.items()).encode()
    write_durably(files.seal(day), text)
    _sign(files, key, day)
    return SealedDay(day, summary, digest(text), log.now())


def previous_seal(files: AuditFiles, day: date) -> str:
    """Return the hash of the seal of the day before, 64 zeros for the first."""
    before: Path = files.seal(day - timedelta(days=1))
    return digest(before.read_bytes()) if before.exists() else GENESIS


def _last_line_before(files: AuditFiles, day: date) -> str:
    for earlier in reversed([one for one in files.log_days() if one < day]):
        lines = RAW_LINE.findall(files.log(earlier).read_bytes())
        if lines:
            return digest(lines[-1])
    return GENESIS


def _sign(files: AuditFiles, key: SealingKey, day: date) -> None:
    write_durably(files.signature(day), key.sign(files.seal(day).read_bytes()))
