"""Compares this host's clock with the repository server's: a wrong one makes wrong times, and retention act on them."""

from datetime import datetime, timedelta

from backup.errors import BackupError
from backup.status import Cause

TOLERATED = timedelta(minutes=5)
REFUSED = timedelta(days=1)


def compare(here: datetime, there: datetime | None, place: str) -> Cause | None:
    """Return a warning when the clocks are more than 5 minutes apart; raises BackupError when more than a day.

    ``there`` is the time in the server's answer (None: it told none), ``place`` names the server.
    """
    if there is None:
        return None
    apart = abs(here - there)
    if apart <= TOLERATED:
        return None
    seconds = int(apart.total_seconds())
    days = f"{seconds // 86400} d " if seconds >= 86400 else ""
    detail = f"{days}{seconds // 3600 % 24} h {seconds // 60 % 60} min"
    if apart > REFUSED:
        raise BackupError("clock_wrong", place, detail)
    return Cause("clock_wrong", place, detail)
