"""Problems of the repositories' space: filling up, full, or watched by nobody."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from console.rules.problem import Problem, Severity, problem
from console.rules.repositories import answering
from console.rules.say import local_time, size
from console.rules.view import StoreView
from console.store.repositories import SpaceRow

# The watch looks every 5 minutes, the console fetches every minute.
WATCHED_WITHIN = timedelta(minutes=30)
DAYS_WARN, DAYS_CRIT = 14, 3


def space_problems(view: StoreView, now: datetime) -> Iterator[Problem]:
    """Yield what is wrong with the space on each repository server."""
    zone = view.config.facility.zone
    current = answering(view, now)
    measured = {row.server: row for row in view.spaces}
    for server in sorted({row.server for row in view.repositories} | set(measured)):
        row = measured.get(server)
        if server in current and (row is None or now - row.at > WATCHED_WITHIN):
            values = {"last": local_time(row.at if row else None, zone)}
            yield problem("watch_silent", Severity.WARN, server, row.at if row else None, host=server, values=values)
        if row is not None:
            yield from _space(row, view)


def _space(row: SpaceRow, view: StoreView) -> Iterator[Problem]:
    free = size(row.free_bytes)
    if row.released_at is not None and row.ballast_bytes == 0:
        values = {"released": local_time(row.released_at, view.config.facility.zone), "free": free}
        yield problem("ballast_released", Severity.CRIT, row.path, row.released_at, host=row.server, values=values)
    days = row.days_until_full
    if days is not None and days < DAYS_WARN:
        severity = Severity.CRIT if days < DAYS_CRIT else Severity.WARN
        values = {
            "days": f"{max(0.0, days):.0f}",
            "free": free,
            "total": size(row.total_bytes),
            "growth": size(row.growth_bytes_per_day or 0),
        }
        yield problem("repository_filling", severity, row.path, None, host=row.server, values=values)
