"""Which sealed sets are kept and why, by durations only; the same rule at the appliance and at the vault.  Pure.

The semantics are those of restic's ``forget --keep-within…``: results are OR-ed, durations count from the newest
snapshot that is not of the future, each bucket (hour, day, ISO week, month, year of the facility's time zone) keeps its
newest, and the oldest of all is kept while it is within a bucket's duration.  A month is 30 days, a year 365.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from backup.config.policy import Retention
from backup.point_in_time import wal
from backup.repositories.repository import Snapshot
from backup.rules.guard_times import SKEW

LEFTOVER_AFTER = timedelta(days=2)
"""A run that has not sealed its set by then never will."""
LOG_MARGIN = timedelta(days=1)
"""A base is dated by its end; the log that it needs begins earlier."""
DOUBLED_LOGS_STAY = timedelta(days=7)
"""A faked snapshot that claims to hold all of the log takes nothing away at once."""

BUCKETS: Mapping[str, Callable[[datetime], object]] = {
    "hourly": lambda at: (at.date(), at.hour),
    "daily": lambda at: at.date(),
    "weekly": lambda at: at.isocalendar()[:2],
    "monthly": lambda at: (at.year, at.month),
    "yearly": lambda at: at.year,
}


@dataclass(frozen=True)
class Decision:
    """``keep`` has the reasons of each snapshot that stays, ``remove`` of each that goes (by id, oldest first)."""

    keep: Mapping[str, tuple[str, ...]]
    remove: Mapping[str, str]


def decide(
    snapshots: Sequence[Snapshot],
    retention: Retention,
    *,
    now: datetime,
    zone: tzinfo,
    arrived: Mapping[str, datetime] | None = None,
) -> Decision:
    """Decide about all snapshots of one policy.

    A set stays and goes as a whole: its dumps with the snapshot that seals it.  A snapshot without a seal goes when it
    is older than two days, by its own time and by when it ``arrived`` (ids; a copy brings the dumps before the seal).
    One that claims to be of the future stays and counts for nothing: the guard tells a person about it.  A
    database's log (``kind=wal``) stays as long as there is a base before it that it can be replayed on.
    """
    # One without a run would speak for all that has none: with it, every log would go.
    seals = [item for item in snapshots if item.tag("kind") == "set" and item.tag("run")]
    reasons = _reasons(seals, retention, now, zone)
    by_run: dict[str | None, set[str]] = {}
    for seal in seals:
        by_run.setdefault(seal.tag("run"), set()).update(reasons.get(seal.id, ()))
    keep: dict[str, tuple[str, ...]] = {}
    remove: dict[str, str] = {}
    for item in sorted(snapshots, key=lambda snapshot: snapshot.time):
        run = item.tag("run")
        if run in by_run:
            if by_run[run]:
                keep[item.id] = tuple(sorted(by_run[run]))
            else:
                remove[item.id] = "its set is no longer kept"
        elif item.tag("kind") == wal.KIND:
            continue
        elif run is None:
            keep[item.id] = ("of no run",)
        elif max(item.time, (arrived or {}).get(item.id, item.time)) < now - LEFTOVER_AFTER:
            remove[item.id] = "left over from a run that sealed no set"
        else:
            keep[item.id] = ("its run may still be going on",)
    bases = [item.time for item in snapshots if item.tag("kind") == wal.BASE_KIND and item.id in keep]
    newest = max((item.time for item in seals if item.time <= now + SKEW), default=now)
    logs, useless = _logs(snapshots, min(bases) - LOG_MARGIN if bases else newest - retention.longest, now)
    return Decision(keep | logs, remove | useless)


def _logs(
    snapshots: Sequence[Snapshot], since: datetime, now: datetime
) -> tuple[dict[str, tuple[str, ...]], dict[str, str]]:
    """Return which snapshots of databases' logs stay and which go; ``since`` is when the oldest base began."""
    doubled = wal.superfluous(wal.stretches(item for item in snapshots if item.time <= now + SKEW))
    keep: dict[str, tuple[str, ...]] = {}
    remove: dict[str, str] = {}
    for item in (item for item in snapshots if item.tag("kind") == wal.KIND and item.tag("run") is None):
        if item.time < since:
            remove[item.id] = "a log older than every base"
        elif item.id in doubled and item.time < now - DOUBLED_LOGS_STAY:
            remove[item.id] = "a later one holds the same log"
        else:
            keep[item.id] = ("log",)
    return keep, remove


def _reasons(seals: Sequence[Snapshot], retention: Retention, now: datetime, zone: tzinfo) -> dict[str, set[str]]:
    reasons: dict[str, set[str]] = {item.id: {"of the future"} for item in seals if item.time > now + SKEW}
    plausible = sorted((item for item in seals if item.id not in reasons), key=lambda item: item.time, reverse=True)
    if not plausible:
        return reasons
    newest, oldest = plausible[0], plausible[-1]
    for item in plausible:
        reasons[item.id] = {"within"} if item.time > newest.time - retention.within else set()
    for name, bucket in BUCKETS.items():
        duration: timedelta = getattr(retention, name)
        last: object = None
        for item in plausible:
            if item.time <= newest.time - duration:
                break
            value = bucket(item.time.astimezone(zone))
            if value != last or item is oldest:
                reasons[item.id].add(name)
            last = value
    # The newest stays whatever the durations say: a policy never loses its last set.
    reasons[newest.id].add("newest")
    return reasons
