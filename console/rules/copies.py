"""Problems of further copies: what the last round at one could not do, and rounds that do not come."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from backup.status import Outcome
from console.rules.causes import caused
from console.rules.problem import Problem, Severity, problem
from console.rules.repositories import answering
from console.rules.say import local_time
from console.rules.view import StoreView

COPIED_EVERY = timedelta(hours=50)
# The first copy over a slow line takes its nights; after that, a week without a whole copy is no second place any more.
INCOMPLETE_CRITICAL = timedelta(days=7)


def copy_problems(view: StoreView, now: datetime) -> Iterator[Problem]:
    """Yield what is wrong with the further copies of the facility's hosts."""
    zone = view.config.facility.zone
    current = answering(view, now)
    for row in view.copies:
        ended = row.finished_at or row.started_at
        values = {"copy": row.name, "started": local_time(row.started_at, zone)}
        if row.outcome in {Outcome.FAILED, Outcome.INTERRUPTED}:
            overdue = row.complete_at is not None and now - row.complete_at > INCOMPLETE_CRITICAL
            severity = Severity.CRIT if overdue else Severity.WARN
            plain = problem("copy_failed", severity, row.host, ended, host=row.server, values=values)
            yield caused(plain, "copy_failed", row)
        elif row.outcome == Outcome.WARNING and row.cause_code is not None:
            plain = problem("copy_failed", Severity.WARN, row.host, ended, host=row.server, values=values)
            yield caused(plain, "copy_warning", row)
        if row.server in current and now - ended > COPIED_EVERY:
            silent = values | {"finished": local_time(ended, zone)}
            yield problem("copy_silent", Severity.WARN, row.host, ended, host=row.server, values=silent)
