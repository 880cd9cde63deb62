"""What may be said of a host now: the worker's decision, as long as it is fresh."""

from datetime import datetime, timedelta

from console.store.hosts import HostState, State

SHORTEST_FRESHNESS = timedelta(seconds=60)
MISSED_SCRAPES = 4


def shown_state(row: HostState, now: datetime, scrape_interval_seconds: int) -> State:
    """Return the state to show: maintenance first, *unknown* when nobody has looked for long, else the worker's.

    Stale data is never green.
    """
    if row.maintenance_until is not None and row.maintenance_until > now:
        return State.MAINT
    freshness = max(SHORTEST_FRESHNESS, timedelta(seconds=MISSED_SCRAPES * scrape_interval_seconds))
    if row.last_attempt is None or now - row.last_attempt > freshness:
        return State.UNKNOWN
    return State(row.state)
