"""Where sizes and times go: a straight line through what was measured.  Pure."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

DAY_SECONDS = 86400.0
FEWEST = 5
SHORTEST = timedelta(days=3)
NEWEST = 7
"""How many of the newest restores tell today's speed; the middle one counts, so that one slow night does not."""
FARTHEST_DAYS = 3650.0


@dataclass(frozen=True)
class Proof:
    """One restore that succeeded: when, how long it took, how much came back."""

    at: datetime
    seconds: float
    size_bytes: float


@dataclass(frozen=True)
class Forecast:
    """``seconds``: a restore at today's size.  ``crosses_at``: when it will take longer than allowed; None: never."""

    seconds: float
    crosses_at: datetime | None


def per_day(points: Sequence[tuple[datetime, float]]) -> float | None:
    """Return the growth a day by least squares; None for fewer than 5 points or 3 days: that is no trend."""
    if len(points) < FEWEST:
        return None
    times = [at.timestamp() for at, _ in points]
    if max(times) - min(times) < SHORTEST.total_seconds():
        return None
    return statistics.linear_regression(times, [value for _, value in points]).slope * DAY_SECONDS


def restore_forecast(proofs: Sequence[Proof], target_seconds: float, now: datetime) -> Forecast | None:
    """Return how long a restore takes at today's size and when that crosses the target.

    The time grows with the size.  None when no proof says how much it restored.
    """
    known = sorted((proof for proof in proofs if proof.size_bytes > 0), key=lambda proof: proof.at)
    if not known:
        return None
    seconds_per_byte = statistics.median(proof.seconds / proof.size_bytes for proof in known[-NEWEST:])
    growth = per_day([(proof.at, proof.size_bytes) for proof in known]) or 0.0
    newest = known[-1]
    size = newest.size_bytes + max(0.0, growth) * (now - newest.at).total_seconds() / DAY_SECONDS
    seconds = size * seconds_per_byte
    if seconds >= target_seconds:
        return Forecast(seconds, now)
    slower = growth * seconds_per_byte
    if slower <= 0:
        return Forecast(seconds, None)
    days = (target_seconds - seconds) / slower
    return Forecast(seconds, now + timedelta(days=days) if days < FARTHEST_DAYS else None)
