"""Problems of the restores that prove a backup: failed, missing, too slow, and too slow soon."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from backup.rules.proof import PROVED_WITHIN, Standing
from backup.status import Verdict
from console.forecast import restore_forecast
from console.i18n import Text
from console.rules.causes import caused
from console.rules.problem import Problem, Severity, problem
from console.rules.say import hours, local_date, local_time
from console.rules.view import PolicyView, StoreView
from console.store.backups import VerificationRow

UNPROVED_CRITICAL = {"local": timedelta(days=7), "offsite": timedelta(days=22)}
FIRST_PROOF = timedelta(hours=24)
HOW_OFTEN = {"local": Text("every night"), "offsite": Text("every week")}
FORECAST = timedelta(days=90)
KEY_DRILL_EVERY = timedelta(days=180)
PLACES = {"local": Text("local repository"), "offsite": Text("offsite vault")}


def proof_problems(view: PolicyView, now: datetime, zone: ZoneInfo, target: str) -> Iterator[Problem]:
    """Yield what is wrong with the proof of one policy's backups, in each repository by itself."""
    for repository, tested in view.tested.items():
        values: dict[str, object] = {
            "repository": PLACES[repository],
            "often": HOW_OFTEN[repository],
            "name": repository,
        }
        standing = tested.standing(repository, now)
        passed, first = tested.passed, tested.first_backup_at
        told = {Standing.FAILED, Standing.ERROR} | ({Standing.SKIPPED} if passed or first else set())
        if tested.newest is not None and standing in told:
            yield _not_passed(tested.newest, view.host, values, zone, target)
        elif passed is None:
            if first is not None and now - first > FIRST_PROOF:
                since = first + FIRST_PROOF
                yield problem("restore_never", Severity.WARN, target, since, host=view.host, values=values)
        elif standing is Standing.OVERDUE:
            severity = Severity.CRIT if now - passed.started_at > UNPROVED_CRITICAL[repository] else Severity.WARN
            values |= {"last_passed": local_time(passed.finished_at, zone)}
            since = passed.started_at + PROVED_WITHIN[repository]
            yield problem("restore_overdue", severity, target, since, host=view.host, values=values)
    if view.local.newest is view.local.passed:
        yield from _targets(view, now, zone, target)


def _not_passed(
    newest: VerificationRow, host: str, values: Mapping[str, object], zone: ZoneInfo, target: str
) -> Problem:
    """Return the problem of a newest test that found the backup bad, came to no verdict, or found no backup."""
    failed = newest.verdict == Verdict.FAILED
    kind = "restore_differs" if failed else "restore_unknown"
    since = newest.finished_at or newest.started_at
    told = {**values, "finished": local_time(since, zone)}
    severity = Severity.CRIT if failed else Severity.WARN
    return caused(problem(kind, severity, target, since, host=host, values=told), kind, newest)


def _targets(view: PolicyView, now: datetime, zone: ZoneInfo, target: str) -> Iterator[Problem]:
    passed, policy = view.local.passed, view.policy
    if passed is None:
        return
    rto, rpo = policy.rto_hours * 3600, policy.rpo_hours * 3600
    if passed.rpo_seconds is not None and passed.rpo_seconds > rpo:
        values = {"rpo_hours": hours(passed.rpo_seconds), "target_hours": f"{policy.rpo_hours:g}"}
        yield problem("rpo_missed", Severity.WARN, target, passed.finished_at, host=view.host, values=values)
    if passed.rto_seconds is not None and passed.rto_seconds > rto:
        values = {"rto_hours": hours(passed.rto_seconds), "target_hours": f"{policy.rto_hours:g}"}
        yield problem("restore_slow", Severity.WARN, target, passed.finished_at, host=view.host, values=values)
        return
    forecast = restore_forecast(view.proofs, rto, now)
    if forecast is not None and forecast.crosses_at is not None and forecast.crosses_at - now < FORECAST:
        values = {
            "target_hours": f"{policy.rto_hours:g}",
            "rto_hours": hours(forecast.seconds),
            "crosses": local_date(forecast.crosses_at, zone),
        }
        yield problem("restore_slower_soon", Severity.WARN, target, passed.finished_at, host=view.host, values=values)


def key_problems(view: StoreView, now: datetime) -> Iterator[Problem]:
    """Yield that the sealed recovery key failed, or was not tried for half a year; silent while no drill is known."""
    drill, failure = view.key_drill, view.key_failure
    if failure is not None:
        values = {
            "at": local_time(failure.started_at, view.config.facility.zone),
            "detail": failure.cause_detail or "-",
            "repository": PLACES.get(failure.repository, Text(failure.repository)),
        }
        at, host = failure.started_at, failure.host
        yield problem("recovery_key_failed", Severity.CRIT, host, at, host=host, values=values)
    if drill is not None and now - drill.started_at > KEY_DRILL_EVERY:
        tried: dict[str, object] = {"last": local_time(drill.started_at, view.config.facility.zone)}
        since = drill.started_at + KEY_DRILL_EVERY
        yield problem("recovery_key_overdue", Severity.WARN, drill.host, since, host=drill.host, values=tried)
