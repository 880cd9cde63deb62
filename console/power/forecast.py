"""When a battery wants replacing: its runtime at full charge and comparable load, over months.  Pure.

The line is Theil and Sen's (the median of all slopes between weeks), which a few odd weeks do not move.
"""

import statistics
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

WORN_RATIO = 0.6
"""Of the first runtime: a battery below it is due, and has little time left before it fails."""
COMPARABLE = 0.2
"""A day counts when its load is within this part of the usual load."""
SHORTEST = timedelta(days=90)
FEWEST_WEEKS = 8
FARTHEST_DAYS = 3650
MONTH_DAYS = 30.44


class Outcome(StrEnum):
    """What can be said."""

    TOO_LITTLE = "too_little"  # not long enough, or never at comparable load
    STEADY = "steady"  # no loss to be seen
    WEARING = "wearing"
    WORN = "worn"


@dataclass(frozen=True)
class Day:
    """One day's averages on the mains at full charge."""

    day: date
    runtime_seconds: float
    load_ratio: float


@dataclass(frozen=True)
class Week:
    """The median of a week's comparable days; ``day`` is its Monday."""

    day: date
    runtime_seconds: float


@dataclass(frozen=True)
class Forecast:
    """How the battery wears.

    ``first_seconds`` and ``now_seconds`` are the line's values at its beginning and end, ``loss_ratio_month`` the part
    of the first runtime that is lost in a month.  ``replace_on`` is when the line meets ``WORN_RATIO``; ``earliest``
    and ``latest`` (None: not to be seen) come from the quartiles of the slopes.
    """

    outcome: Outcome
    weeks: tuple[Week, ...]
    days_seen: int
    load_ratio: float | None = None
    first_seconds: float | None = None
    now_seconds: float | None = None
    loss_ratio_month: float | None = None
    replace_on: date | None = None
    earliest: date | None = None
    latest: date | None = None


def battery_forecast(days: Sequence[Day], replaced: date | None = None) -> Forecast:
    """Return the forecast from the days since the battery was ``replaced``."""
    known = sorted((one for one in days if replaced is None or one.day >= replaced), key=lambda one: one.day)
    if not known:
        return Forecast(Outcome.TOO_LITTLE, (), 0)
    usual = statistics.median(one.load_ratio for one in known)
    comparable = [one for one in known if abs(one.load_ratio - usual) <= COMPARABLE * usual]
    weeks = _weeks(comparable)
    seen = (known[-1].day - known[0].day).days + 1
    if len(weeks) < FEWEST_WEEKS or weeks[-1].day - weeks[0].day < SHORTEST:
        return Forecast(Outcome.TOO_LITTLE, weeks, seen, usual)
    slopes = _slopes(weeks)
    slope = statistics.median(slopes)
    first = statistics.median(one.runtime_seconds - slope * (one.day - weeks[0].day).days for one in weeks)
    now = max(0.0, first + slope * (weeks[-1].day - weeks[0].day).days)
    limit = WORN_RATIO * first
    loss = -slope * MONTH_DAYS / first
    low, _half, high = statistics.quantiles(slopes, n=4)

    def reaches(by: float) -> date | None:
        left = (now - limit) / -by if by < 0 else FARTHEST_DAYS
        return weeks[-1].day + timedelta(days=round(left)) if left < FARTHEST_DAYS else None

    if now <= limit:
        last = weeks[-1].day
        return Forecast(Outcome.WORN, weeks, seen, usual, first, now, loss, last, last, last)
    outcome = Outcome.STEADY if reaches(slope) is None else Outcome.WEARING
    return Forecast(outcome, weeks, seen, usual, first, now, loss, reaches(slope), reaches(low), reaches(high))


def _weeks(days: Sequence[Day]) -> tuple[Week, ...]:
    found: dict[date, list[float]] = defaultdict(list)
    for one in days:
        found[one.day - timedelta(days=one.day.weekday())].append(one.runtime_seconds)
    return tuple(Week(monday, statistics.median(values)) for monday, values in sorted(found.items()))


def _slopes(weeks: Sequence[Week]) -> list[float]:
    """Return the seconds a day between every two weeks."""
    return [
        (later.runtime_seconds - earlier.runtime_seconds) / (later.day - earlier.day).days
        for index, earlier in enumerate(weeks)
        for later in weeks[index + 1 :]
    ]
