"""The guard's questions about times: when a snapshot claims to be made, and how many are made a day."""

import statistics
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from backup.repositories.repository import Snapshot
from backup.rules.guard_words import (
    IN_THE_FUTURE,
    MADE_AT_ANOTHER_TIME,
    MANY_IN_A_DAY,
    MANY_IN_A_WEEK,
    NEW_BUT_OLD,
    OUTSIDE_ITS_RUN,
)

SKEW = timedelta(minutes=10)
"""How far two clocks of one facility may be apart."""
LONGEST_RUN = timedelta(hours=24)
DAY = timedelta(days=1)
HISTORY_DAYS = 14
BURST_FACTOR, BURST_EXTRA = 3.0, 4
WEEK_FACTOR, WEEK_EXTRA = 1.5, 1


def odd_time(snapshot: Snapshot, now: datetime, newest_known: datetime | None) -> str | None:
    """Return in words what is impossible about the snapshot's time, or None.

    ``newest_known`` is the time of the newest snapshot that was there before: what is new and no copy is younger.
    """
    if snapshot.time > now + SKEW:
        return IN_THE_FUTURE.format(time=_text(snapshot.time))
    if snapshot.summary and abs(snapshot.time - snapshot.summary.backup_start) > SKEW:
        made = _text(snapshot.summary.backup_start)
        return MADE_AT_ANOTHER_TIME.format(time=_text(snapshot.time), other=made)
    started = _run_started(snapshot)
    if started and not started - SKEW <= snapshot.time <= started + LONGEST_RUN:
        return OUTSIDE_ITS_RUN.format(time=_text(snapshot.time), other=_text(started))
    if newest_known and not snapshot.original and snapshot.time < newest_known - SKEW:
        return NEW_BUT_OLD.format(time=_text(snapshot.time), other=_text(newest_known))
    return None


def burst(times: Sequence[datetime], moment: datetime) -> str | None:
    """Return in words that too many sets were made in the day or the week before ``moment``, or None.

    The habit is the median day of the 14 days before.  Without a habit nothing is said: on the first days people try.
    """
    day = _between(times, moment - DAY, moment)
    usual = _usual(times, moment - DAY)
    if usual and day > max(BURST_FACTOR * usual, usual + BURST_EXTRA):
        return MANY_IN_A_DAY.format(count=day, usual=f"{usual:.0f}")
    week = _between(times, moment - 7 * DAY, moment)
    usual = _usual(times, moment - 7 * DAY)
    if usual and week > WEEK_FACTOR * 7 * usual + WEEK_EXTRA:
        return MANY_IN_A_WEEK.format(count=week, usual=f"{7 * usual:.0f}")
    return None


def _usual(times: Sequence[datetime], until: datetime) -> float | None:
    days = [_between(times, until - (number + 1) * DAY, until - number * DAY) for number in range(HISTORY_DAYS)]
    made = [count for count in days if count]
    return statistics.median(made) if made else None


def _between(times: Sequence[datetime], after: datetime, until: datetime) -> int:
    return sum(1 for time in times if after < time <= until)


def _run_started(snapshot: Snapshot) -> datetime | None:
    """Read the time that a run's id begins with."""
    try:
        return datetime.strptime((snapshot.tag("run") or "").split("-")[0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None


def _text(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M}Z"
