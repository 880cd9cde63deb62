"""Which policies are due.  Pure: policies, records and the time go in.

A policy's day has one time or several (``schedule`` and ``also_at``), in the facility's time zone.  The newest of
them that has passed is its *slot*; the policy is due until a good run began in its slot.  So it does not matter how
often, how late or after how long a power cut the timer asks.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo

from backup.config.policy import Policy
from backup.status import BackupRun, Outcome, Trigger

LATE = timedelta(hours=1)
"""How long after its time a policy's run is still that of the schedule; later it catches up."""
ATTEMPTS = 3
"""So many bad runs in one slot are enough; the next slot tries again."""
GOOD = {Outcome.SUCCESS, Outcome.WARNING}


@dataclass(frozen=True)
class Due:
    """A policy to run now, the slot it is due for (UTC), and what the run is: on time or catching up."""

    policy: Policy
    slot: datetime
    trigger: Trigger


def find(
    policies: Sequence[Policy],
    runs: Sequence[BackupRun],
    moment: datetime,
    zone: tzinfo,
    done: Collection[tuple[str, datetime]] = (),
) -> list[Due]:
    """Return the policies that are due at ``moment``, the lowest ``order`` first.

    ``done`` holds (policy name, slot) pairs that this round has had already, however they went.
    """
    found = []
    for policy in sorted(policies, key=lambda item: item.order):
        slot = newest_slot(policy, moment, zone)
        if (policy.name, slot) in done:
            continue
        tried = [run for run in runs if run.policy == policy.name and slot <= run.started_at <= moment]
        if len(tried) >= ATTEMPTS or any(run.outcome in GOOD for run in tried):
            continue
        trigger = Trigger.CATCH_UP if moment - slot > LATE else Trigger.SCHEDULE
        found.append(Due(policy, slot, trigger))
    return found


def newest_slot(policy: Policy, moment: datetime, zone: tzinfo) -> datetime:
    """Return the newest time of the policy's schedule that is not after ``moment``."""
    today = moment.astimezone(zone).date()
    slots = (
        datetime.combine(today - timedelta(days=back), time.fromisoformat(text), zone).astimezone(UTC)
        for back in (-1, 0, 1)
        for text in (policy.schedule, *policy.also_at)
    )
    return max(slot for slot in slots if slot <= moment)
