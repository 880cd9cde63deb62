"""Problems of WAL: what lies between two backups is stored every quarter of an hour, or people must know."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from backup.status import Outcome, parse_time
from console.rules.causes import caused
from console.rules.problem import Problem, Severity, problem
from console.rules.repositories import answering
from console.rules.say import local_time
from console.rules.view import StoreView
from console.store.backups import WalRow

STORED_WITHIN = timedelta(hours=1)
OUTCOMES = {
    Outcome.FAILED: ("wal_failed", Severity.CRIT),
    Outcome.WARNING: ("wal_warning", Severity.WARN),
}


def any_point_until(row: WalRow) -> datetime | None:
    """Return until when all of a host's databases can be brought back to any point in time; None: nothing stored."""
    return min((parse_time(at) for at in row.stored_until.values()), default=None)


def wal_problems(view: StoreView, now: datetime) -> Iterator[Problem]:
    """Yield that a host's WAL is not stored, though the host reports; of a silent host that itself is told.

    It goes by the last time that WAL was stored and not by the newest file: a database at rest writes none.
    """
    zone = view.config.facility.zone
    current = answering(view, now)
    for row in view.wals:
        values = {"at": local_time(row.at, zone), "until": local_time(any_point_until(row), zone)}
        if row.host in current and now - row.at > STORED_WITHIN:
            since = row.at + STORED_WITHIN
            yield problem("wal_behind", Severity.WARN, row.host, since, host=row.host, values=values)
        elif found := OUTCOMES.get(Outcome(row.outcome)):
            kind, severity = found
            yield caused(problem("wal_failed", severity, row.host, row.at, host=row.host, values=values), kind, row)
