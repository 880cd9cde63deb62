"""The record of a power cut or a power drill: written by the UPS's host, read by agent, console and people.

Standard library only, so that every room may read it.
"""

import json
import os
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

SCHEMA = 1


class Cause(StrEnum):
    """What made the UPS's host act."""

    OUTAGE = "outage"
    DRILL = "drill"


class Phase(StrEnum):
    """Where a record stands."""

    ON_BATTERY = "on_battery"  # the mains is away, nobody was sent off yet
    GOING_DOWN = "going_down"
    DARK = "dark"  # the UPS's own host goes down: the next line is written after its next boot
    RETURNING = "returning"
    FINISHED = "finished"


class Verdict(StrEnum):
    """How it went; ``ERROR``: no verdict could be reached."""

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"


@dataclass(frozen=True)
class HostStep:
    """One host's way down and back.  A time that is None has not been reached (or was never seen)."""

    host: str
    stage: str
    told_at: datetime | None = None  # the forced shutdown of its stage was set
    left_at: datetime | None = None  # it logged out of upsd
    off_at: datetime | None = None  # it no longer answers
    hung: bool = False  # it still answered when its stage's time was over
    woken_at: datetime | None = None
    back_at: datetime | None = None  # its agent answers again; without an agent, it was away and is reachable
    clean: bool | None = None  # its databases' logs say that they were shut down cleanly
    detail: str = ""


@dataclass(frozen=True)
class Event:
    """One moment: what the UPS said, or what was decided and why.  ``code`` is explained by the console."""

    at: datetime
    code: str
    detail: str = ""


@dataclass(frozen=True)
class Check:
    """One thing that was looked at after the return."""

    name: str
    passed: bool
    detail: str = ""


@dataclass(frozen=True)
class PowerRecord:
    """One power cut or drill of one UPS, from the first second on battery to the last check."""

    record_id: str  # 20261123T080303Z-rack-ups-0a0068
    ups: str
    host: str  # the UPS's host, which wrote this
    cause: Cause
    phase: Phase
    started_at: datetime
    operator: str = ""
    scope: str = ""  # lab | facility | "" (a real outage)
    how: str = ""  # simulated | test | unplug | "" (a real outage)
    on_battery_at: datetime | None = None
    low_at: datetime | None = None
    mains_back_at: datetime | None = None
    dark_at: datetime | None = None
    booted_at: datetime | None = None
    finished_at: datetime | None = None
    runtime_at_start_seconds: float | None = None
    charge_at_end_ratio: float | None = None
    steps: tuple[HostStep, ...] = ()
    events: tuple[Event, ...] = ()
    checks: tuple[Check, ...] = ()
    verdict: Verdict | None = None
    boot_id: str = ""  # of the UPS's host, when it last wrote this on the way down
    begun: dict[str, float] = field(default_factory=dict)  # stage → when it began, monotonic seconds of that boot
    schema: int = SCHEMA


def to_json(record: PowerRecord) -> dict[str, Any]:
    """Return the record as JSON holds it: times in UTC with Z, enumerations as their words."""
    document: dict[str, Any] = json.loads(json.dumps(asdict(record), default=_text))
    return document


def from_json(document: dict[str, Any]) -> PowerRecord:
    """Read a record.  Raises ``ValueError`` for another schema or a broken document."""
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise ValueError(f"not a power record of schema {SCHEMA}: {str(document)[:80]}")
    try:
        values: dict[str, Any] = {
            name: _time(value) if name.endswith("_at") else value for name, value in document.items()
        }
        steps = tuple(HostStep(**_times(item)) for item in values.pop("steps"))
        events = tuple(Event(**_times(item)) for item in values.pop("events"))
        checks = tuple(Check(**item) for item in values.pop("checks"))
        cause, phase = Cause(values.pop("cause")), Phase(values.pop("phase"))
        verdict = values.pop("verdict")
        return PowerRecord(
            **values, cause=cause, phase=phase, steps=steps, events=events, checks=checks,
            verdict=Verdict(verdict) if verdict else None,
        )  # fmt: skip
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a power record: {error}") from error


def write_record(directory: Path, record: PowerRecord) -> None:
    """Put the record in place whole, on the disk before this returns: the power may be gone the next moment."""
    directory.mkdir(parents=True, exist_ok=True)
    target = directory / f"{record.record_id}.json"
    draft = directory / f".{record.record_id}.{os.getpid()}"
    with draft.open("w", encoding="utf-8") as file:
        json.dump(to_json(record), file, ensure_ascii=False, indent=1)
        file.flush()
        os.fsync(file.fileno())
    draft.chmod(0o640)
    draft.replace(target)
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_records(directory: Path) -> list[PowerRecord]:
    """Return the readable records, newest first; a broken file is left out."""
    found = []
    for path in directory.glob("*.json"):
        try:
            found.append(from_json(json.loads(path.read_text(encoding="utf-8"))))
        except (OSError, ValueError):
            continue
    return sorted(found, key=lambda record: record.started_at, reverse=True)


def _text(value: object) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    raise TypeError(f"{value!r} has no form in JSON")


def _time(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value)


def _times(item: dict[str, Any]) -> dict[str, Any]:
    return {name: _time(value) if name == "at" or name.endswith("_at") else value for name, value in item.items()}
