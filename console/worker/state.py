"""The state of a host: what the newest scrapes ask for, with hysteresis.  Pure; no clock, no store."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from console.store.hosts import State
from console.worker.fetch import ErrorCode

# A change needs this many scrapes in a row that ask for the same, so that one lost packet is no event.
CONFIRMATIONS = 2
SHORTEST_GRACE = timedelta(seconds=120)
GRACE_SCRAPES = 6
# What does not heal by waiting is told as down at once (after the confirmation).
LASTING = frozenset(
    {
        ErrorCode.CERTIFICATE_EXPIRED,
        ErrorCode.CERTIFICATE_NOT_YET_VALID,
        ErrorCode.CERTIFICATE_UNTRUSTED,
        ErrorCode.NAME_MISMATCH,
        ErrorCode.CONSOLE_REFUSED,
        ErrorCode.BAD_TLS,
        ErrorCode.BAD_ANSWER,
    }
)


@dataclass(frozen=True)
class Standing:
    """Where a host stands between two scrapes."""

    state: State
    since: datetime
    candidate: State | None = None
    candidate_count: int = 0


def wanted_state(
    error: ErrorCode | None, failing_since: datetime | None, now: datetime, worst: State, interval_seconds: int
) -> State:
    """Return what one scrape asks for.

    ``error`` is None after a good scrape, and then ``worst`` is what its values show; ``failing_since`` is the first
    failure in an unbroken row.
    """
    if error is None:
        return worst
    grace = max(SHORTEST_GRACE, timedelta(seconds=GRACE_SCRAPES * interval_seconds))
    if error in LASTING or (failing_since is not None and now - failing_since >= grace):
        return State.CRIT
    return State.LATE


def step(standing: Standing, wanted: State, now: datetime) -> Standing:
    """Return the standing after a scrape that asks for ``wanted``.

    A host that was unknown takes the first answer; every other change waits for its confirmation.
    """
    if wanted is standing.state:
        return Standing(standing.state, standing.since)
    count = standing.candidate_count + 1 if wanted is standing.candidate else 1
    if count >= CONFIRMATIONS or (standing.state is State.UNKNOWN and wanted is not State.LATE):
        return Standing(wanted, now)
    return Standing(standing.state, standing.since, wanted, count)
