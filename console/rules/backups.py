"""Problems of backups, one policy on one host at a time: made, in time, at the vault, and safe from their own key."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from backup.status import Outcome
from console.rules.causes import caused
from console.rules.problem import Problem, Severity, problem
from console.rules.proofs import proof_problems
from console.rules.say import local_time
from console.rules.view import NOT_APPEND_ONLY, PolicyView
from console.store.backups import BackupRunRow

# A nightly run starts up to an hour later on the next night than on this one.
OVERDUE_GRACE = timedelta(hours=1)
VAULT_CRITICAL = timedelta(days=3)

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
    # That a key may delete is told by itself, and worse.
    if run is not None and run.cause_code != NOT_APPEND_ONLY and (found := OUTCOMES.get(Outcome(run.outcome))):
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
    yield from _vault_problems(view, zone, target)
    yield from _probe_problems(view, target)
    yield from proof_problems(view, now, zone, target)


def _run_problem(kind: str, severity: Severity, run: BackupRunRow, target: str, zone: ZoneInfo) -> Problem:
    since = run.finished_at or run.started_at
    values = {"started": local_time(run.started_at, zone)}
    plain = problem("backup_failed", severity, target, since, host=run.host, values=values)
    return caused(plain, kind, run)


def _vault_problems(view: PolicyView, zone: ZoneInfo, target: str) -> Iterator[Problem]:
    """Yield that more than the accepted work lies between the newest backup here and the newest one at the vault.

    A policy of which the vault has never had a backup is told by its runs (or has no vault).
    """
    here, there = view.last_success, view.last_offsite
    if here is None or there is None:
        return
    behind = here.started_at - there.started_at
    if behind > timedelta(hours=view.policy.rpo_hours) + OVERDUE_GRACE:
        severity = Severity.CRIT if behind >= VAULT_CRITICAL else Severity.WARN
        values = {"newest": local_time(there.started_at, zone), "local": local_time(here.started_at, zone)}
        yield problem("vault_behind", severity, target, there.started_at, host=view.host, values=values)


def _probe_problems(view: PolicyView, target: str) -> Iterator[Problem]:
    for probe in view.probes:
        if not probe.refused:
            cause = probe.cause or {}
            values = {"place": cause.get("place", probe.repository), "detail": cause.get("detail", "-")}
            yield problem("not_append_only", Severity.CRIT, target, probe.at, host=view.host, values=values)
