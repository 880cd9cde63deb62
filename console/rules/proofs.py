"""Problems of the restores that prove a backup: failed, missing, too slow, and too slow soon."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from backup.status import Verdict
from console.forecast import restore_forecast
from console.i18n import Text
from console.rules.causes import caused
from console.rules.problem import Problem, Severity, problem
from console.rules.say import hours, local_date, local_time
from console.rules.view import PolicyView, StoreView

# Every night is proved.  After two missed nights a backup counts as not proved; a test may end hours into the night.
PROVED_WITHIN = timedelta(days=2)
PROOF_GRACE = timedelta(hours=3)
UNPROVED_CRITICAL = timedelta(days=7)
FIRST_PROOF = timedelta(hours=24)
FORECAST = timedelta(days=90)
KEY_DRILL_EVERY = timedelta(days=180)
PLACES = {"local": Text("local repository"), "offsite": Text("offsite vault")}


def is_proved(last_passed: datetime | None, now: datetime) -> bool:
    """Return whether a restore that began at ``last_passed`` still proves the backup: not after two missed nights."""
    return last_passed is not None and now - last_passed <= PROVED_WITHIN + PROOF_GRACE


def proof_problems(view: PolicyView, now: datetime, zone: ZoneInfo, target: str) -> Iterator[Problem]:
    """Yield what is wrong with the proof of one policy's backups."""
    newest, passed, good = view.newest_verification, view.last_passed, view.last_success
    if newest is not None and newest.verdict in {Verdict.FAILED, Verdict.ERROR}:
        failed = newest.verdict == Verdict.FAILED
        kind = "restore_differs" if failed else "restore_unknown"
        severity = Severity.CRIT if failed else Severity.WARN
        since = newest.finished_at or newest.started_at
        values = {"finished": local_time(since, zone)}
        yield caused(problem(kind, severity, target, since, host=view.host, values=values), kind, newest)
        return
    if passed is None:
        if good is not None and now - good.started_at > FIRST_PROOF:
            yield problem("restore_never", Severity.WARN, target, good.finished_at, host=view.host)
        return
    if not is_proved(passed.started_at, now):
        severity = Severity.CRIT if now - passed.started_at > UNPROVED_CRITICAL else Severity.WARN
        values = {"last_passed": local_time(passed.finished_at, zone)}
        since = passed.started_at + PROVED_WITHIN
        yield problem("restore_overdue", severity, target, since, host=view.host, values=values)
    yield from _targets(view, now, zone, target)


def _targets(view: PolicyView, now: datetime, zone: ZoneInfo, target: str) -> Iterator[Problem]:
    passed, policy = view.last_passed, view.policy
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
