"""For how long the battery lasts: the device's own estimate, or what its charge says, whichever is less."""

from collections.abc import Sequence

from agent.power.state import Sample
from agent.ups.reading import UpsReading

SPAN_SECONDS = 60.0
DROP_RATIO = 0.03
STEP_RATIO = 0.01
"""Charge comes in whole percent: only the moments at which it falls are exact."""


def kept(trail: Sequence[Sample], sample: Sample) -> tuple[Sample, ...]:
    """Return the trail with one more sample, if the charge has fallen since the last."""
    if trail and sample.charge_ratio > trail[-1].charge_ratio - 0.9 * STEP_RATIO:
        return tuple(trail)
    return (*trail, sample)


def by_slope(trail: Sequence[Sample], now: float) -> float | None:
    """Return the seconds until the charge is zero if it goes on as it did lately; None while that cannot be said.

    Of the slopes over at least a minute and three percent the latest counts: a load that was switched on is in it,
    the fall of the first seconds is not.
    """
    if not trail:
        return None
    last = trail[-1]
    for first in reversed(trail[1:-1]):  # the first sample is no fall: its charge may be old
        span, drop = last.at - first.at, first.charge_ratio - last.charge_ratio
        if span >= SPAN_SECONDS and drop >= DROP_RATIO:
            return max(0.0, last.charge_ratio * span / drop - (now - last.at))
    return None


def runtime_seconds(reading: UpsReading, trail: Sequence[Sample], now: float) -> float | None:
    """Return for how many seconds the battery lasts, or None when neither the device nor its charge says it."""
    known = [seconds for seconds in (reading.runtime_seconds, by_slope(trail, now)) if seconds is not None]
    return min(known) if known else None
