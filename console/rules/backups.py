"""Problems of backups and of the restores that prove them, one policy on one host at a time."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from backup.causes import CAUSES
from backup.status import Outcome, Verdict
from console.i18n import Text
from console.rules.problem import Problem, Severity, problem
from console.rules.say import hours, local_time
from console.rules.view import PolicyView
from console.store.backups import BackupRunRow, VerificationRow

# A nightly run starts up to an hour later on the next night than on this one.
OVERDUE_GRACE = timedelta(hours=1)
PROVED_EVERY = timedelta(days=7)
FIRST_PROOF = timedelta(hours=24)

OUTCOMES = {
    Outcome.FAILED: ("backup_failed", Severity.CRIT),
    Outcome.INTERRUPTED: ("backup_interrupted", Severity.WARN),
    Outcome.WARNING: ("backup_warning", Severity.WARN),
}


def backup_problems(view: PolicyView, now: datetime, zone: ZoneInfo, first_seen: datetime | None) -> Iterator[Problem]:
    """Yield what is wrong with one policy on one host.  ``first_seen``: since when the console knows the host."""
    run = view.newest_run
    target = f"{view.host}/{view.policy.name}"
    told = False
    if run is not None and (found := OUTCOMES.get(Outcome(run.outcome))) is not None:
        yield _run_problem(*found, run, target, zone)
        told = found[1] is Severity.CRIT
    good = view.last_success
    rpo = timedelta(hours=view.policy.rpo_hours)
    values = {
        "last_success": local_time(good.finished_at if good else None, zone),
        "rpo_hours": f"{view.policy.rpo_hours:g}",
    }
    if good is None:
        if not told:
            waited = first_seen is not None and now - first_seen > rpo
            severity = Severity.CRIT if waited else Severity.WARN
            yield problem("backup_never", severity, target, first_seen, host=view.host)
    elif now - good.started_at > rpo + OVERDUE_GRACE and not told:
        since = good.started_at + rpo
        yield problem("backup_overdue", Severity.CRIT, target, since, host=view.host, values=values)
    yield from _restore_problems(view, now, zone, target)


def _run_problem(kind: str, severity: Severity, run: BackupRunRow, target: str, zone: ZoneInfo) -> Problem:
    since = run.finished_at or run.started_at
    values = {"started": local_time(run.started_at, zone)}
    plain = problem("backup_failed", severity, target, since, host=run.host, values=values)
    return _caused(plain, kind, run)


def _caused(plain: Problem, kind: str, row: BackupRunRow | VerificationRow) -> Problem:
    """Return ``plain`` with the texts of the row's cause, when it names one."""
    if row.cause_code is None:
        return replace(plain, kind=kind)
    texts = CAUSES.get(row.cause_code, CAUSES["unknown"])
    filled = {**plain.title.values, "place": row.cause_place or "-", "detail": row.cause_detail or "-"}
    return Problem(
        kind=kind,
        severity=plain.severity,
        object=plain.object,
        since=plain.since,
        title=Text("{object}: {title}", {"object": plain.object, "title": Text(texts.title, filled)}),
        meaning=Text(texts.meaning, filled),
        next_step=Text(texts.next_step, filled),
        host=plain.host,
    )


def _restore_problems(view: PolicyView, now: datetime, zone: ZoneInfo, target: str) -> Iterator[Problem]:
    newest, passed, good = view.newest_verification, view.last_passed, view.last_success
    if newest is not None and newest.verdict in {Verdict.FAILED, Verdict.ERROR}:
        failed = newest.verdict == Verdict.FAILED
        kind = "restore_differs" if failed else "restore_unknown"
        severity = Severity.CRIT if failed else Severity.WARN
        since = newest.finished_at or newest.started_at
        values = {"finished": local_time(since, zone)}
        yield _caused(problem(kind, severity, target, since, host=view.host, values=values), kind, newest)
        return
    if passed is None:
        if good is not None and now - good.started_at > FIRST_PROOF:
            yield problem("restore_never", Severity.WARN, target, good.finished_at, host=view.host)
        return
    if now - passed.started_at > PROVED_EVERY:
        values = {"last_passed": local_time(passed.finished_at, zone)}
        since = passed.started_at + PROVED_EVERY
        yield problem("restore_overdue", Severity.WARN, target, since, host=view.host, values=values)
    if passed.rto_seconds is not None and passed.rto_seconds > view.policy.rto_hours * 3600:
        values = {"rto_hours": hours(passed.rto_seconds), "target_hours": f"{view.policy.rto_hours:g}"}
        yield problem("restore_slow", Severity.WARN, target, passed.finished_at, host=view.host, values=values)
