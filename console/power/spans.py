"""A power cut as bars: for each host when it ran, went down, was off and came back.  Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from agent.power.records import HostStep, PowerRecord

OFF_BEFORE, NEVER_AWAY = "off_before", "never_away"  # agent.power.codes.DETAILS


class Kind(StrEnum):
    """What a host did."""

    ON = "on"
    DOWN = "down"  # told to shut down
    HUNG = "hung"  # told, and still on after its stage's time
    OFF = "off"
    UP = "up"  # woken


@dataclass(frozen=True)
class Span:
    """A part of the record's time; ``start`` and ``width`` in percent."""

    kind: Kind
    start: float
    width: float


def ends(record: PowerRecord, now: datetime) -> datetime:
    """Return where the picture ends: the record's end, or now while it goes on."""
    return record.finished_at or max(now, record.started_at)


def spans(record: PowerRecord, step: HostStep, now: datetime) -> list[Span]:
    """Return a host's spans from the record's first second to its last, in order."""
    begin, end = record.started_at, ends(record, now)
    whole = max(1.0, (end - begin).total_seconds())
    found = []
    for kind, first, last in _parts(record, step, end):
        start = min(100.0, max(0.0, (first - begin).total_seconds() / whole * 100))
        width = min(100.0, max(0.0, (last - begin).total_seconds() / whole * 100)) - start
        if width > 0:
            found.append(Span(kind, start, width))
    return found


def _parts(record: PowerRecord, step: HostStep, end: datetime) -> Iterator[tuple[Kind, datetime, datetime]]:
    back = step.back_at or end
    if step.detail.startswith(OFF_BEFORE):
        yield Kind.OFF, record.started_at, end
        return
    if step.told_at is None or step.detail == NEVER_AWAY:
        yield Kind.ON, record.started_at, end
        return
    yield Kind.ON, record.started_at, step.told_at
    # The UPS's own host cannot see itself go off: it writes when all goes dark.
    off = step.off_at or (record.dark_at if step.back_at or record.booted_at else None)
    yield (Kind.HUNG if step.hung else Kind.DOWN), step.told_at, off or back
    if off is not None:
        yield (
            Kind.OFF,
            off,
            step.woken_at or record.booted_at or back if step.host == record.host else (step.woken_at or back),
        )
    if step.woken_at is not None:
        yield Kind.UP, step.woken_at, back
    elif off is not None and step.host == record.host and record.booted_at is not None:
        yield Kind.UP, record.booted_at, back
    if step.back_at is not None:
        yield Kind.ON, step.back_at, end
