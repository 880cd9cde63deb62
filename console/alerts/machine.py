"""How a condition stands from one look to the next.  Pure: no clock, no store."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from console.rules.problem import ORDER, Severity

# A condition that comes back within this time flaps: each return doubles the time that it must stay away.
FLAP_WINDOW = timedelta(hours=1)
MOST_FLAPS = 6
LONGEST_KEEP = timedelta(hours=1)


class Phase(StrEnum):
    """Where a condition stands."""

    INACTIVE = "inactive"
    PENDING = "pending"  # holds, not yet long enough
    FIRING = "firing"
    RECOVERING = "recovering"  # its recovery holds, not yet long enough


class Sight(StrEnum):
    """What one look shows.  Where nothing is known there is no sight, and ``step`` is not called."""

    TRUE = "true"
    BETWEEN = "between"  # neither the condition nor its recovery holds
    FALSE = "false"  # the recovery holds


class Change(StrEnum):
    """What people are told of."""

    OPENED = "opened"
    WORSENED = "worsened"
    RESOLVED = "resolved"


@dataclass(frozen=True)
class Timing:
    """How long the condition must hold before it fires, and its recovery before it is over."""

    for_seconds: float = 0
    keep_seconds: float = 0


@dataclass(frozen=True)
class Standing:
    """Where a condition stands between two looks.

    ``since`` is when the condition was first seen to hold, ``changed_at`` when this phase began, ``severity`` the worst
    while it fired, ``ended_at`` when it was over the last time.
    """

    phase: Phase
    severity: Severity
    since: datetime
    changed_at: datetime
    ended_at: datetime | None = None
    flaps: int = 0

    def keep(self, timing: Timing) -> timedelta:
        """Return how long the recovery must hold: longer, the more often the condition has come back."""
        keep = timedelta(seconds=timing.keep_seconds)
        return max(keep, min(keep * (1 << self.flaps), LONGEST_KEEP))


def step(
    before: Standing | None, sight: Sight, severity: Severity, timing: Timing, now: datetime
) -> tuple[Standing | None, Change | None]:
    """Return the standing after one look, and what changed for people.  None: never seen to hold."""
    if before is None or before.phase is Phase.INACTIVE:
        return _inactive(before, sight, severity, timing, now)
    if before.changed_at > now:  # the clock was set back: count anew from here
        before = replace(before, changed_at=now, since=min(before.since, now))
    if before.phase is Phase.PENDING:
        if sight is Sight.TRUE:
            return _pending(before, severity, timing, now)
        return replace(before, phase=Phase.INACTIVE, changed_at=now), None
    if sight is Sight.FALSE:
        return _recovering(before, timing, now)
    if before.phase is Phase.RECOVERING:
        before = replace(before, phase=Phase.FIRING, changed_at=now)
    if sight is Sight.TRUE and ORDER[severity] < ORDER[before.severity]:
        return replace(before, severity=severity), Change.WORSENED
    return before, None


def _inactive(
    before: Standing | None, sight: Sight, severity: Severity, timing: Timing, now: datetime
) -> tuple[Standing | None, Change | None]:
    if sight is not Sight.TRUE:
        return before, None
    ended, flaps = (before.ended_at, before.flaps) if before else (None, 0)
    return _pending(Standing(Phase.PENDING, severity, now, now, ended, flaps), severity, timing, now)


def _pending(before: Standing, severity: Severity, timing: Timing, now: datetime) -> tuple[Standing, Change | None]:
    if now - before.changed_at < timedelta(seconds=timing.for_seconds):
        return before, None
    again = before.ended_at is not None and now - before.ended_at < FLAP_WINDOW
    flaps = min(before.flaps + 1, MOST_FLAPS) if again else 0
    return replace(before, phase=Phase.FIRING, severity=severity, changed_at=now, flaps=flaps), Change.OPENED


def _recovering(before: Standing, timing: Timing, now: datetime) -> tuple[Standing, Change | None]:
    if before.phase is Phase.FIRING:
        before = replace(before, phase=Phase.RECOVERING, changed_at=now)
    if now - before.changed_at < before.keep(timing):
        return before, None
    return replace(before, phase=Phase.INACTIVE, changed_at=now, ended_at=now), Change.RESOLVED
