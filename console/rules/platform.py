"""Problems of the console itself, of provisioning and of compliance."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta

from console.i18n import Text
from console.rules.problem import Problem, Severity, problem
from console.rules.say import local_time
from console.rules.view import StoreView
from console.store.hosts import AssessmentResult

SHORTEST_SILENCE = timedelta(seconds=60)
MISSED_BEATS = 4
ENDS = {
    "failed": Text("failed"),
    "unreachable": Text("unreachable"),
    "canceled": Text("canceled"),
    "interrupted": Text("interrupted"),
}
HIGH = "high"


def platform_problems(view: StoreView, now: datetime) -> Iterator[Problem]:
    """Yield what is wrong with the worker, its jobs, the newest provisioning run and the assessments."""
    zone = view.config.facility.zone
    silence = max(SHORTEST_SILENCE, timedelta(seconds=MISSED_BEATS * view.config.scrape_interval_seconds))
    if view.pulse is None:
        yield problem("worker_never", Severity.CRIT, "xinglin-worker", None)
    elif now - view.pulse.beat_at > silence:
        values = {"last_beat": local_time(view.pulse.beat_at, zone)}
        yield problem("worker_silent", Severity.CRIT, "xinglin-worker", view.pulse.beat_at, values=values)
    for slot in view.failed_jobs:
        yield problem("job_failed", Severity.WARN, slot.job, slot.claimed_at, values={"detail": slot.detail or "-"})
    run = view.newest_run
    if run is not None and run.status in ENDS:
        broken = [name for name, counts in run.hosts.items() if counts.get("failed") or counts.get("unreachable")]
        ended: dict[str, object] = {
            "started": local_time(run.started_at, zone),
            "status": ENDS[run.status],
            "hosts": ", ".join(sorted(broken)) or "-",
        }
        since = run.finished_at or run.started_at
        yield problem("provision_failed", Severity.WARN, run.playbook, since, values=ended)
    risky: dict[str, list[AssessmentResult]] = defaultdict(list)
    for result in view.assessments:
        if result.risk == HIGH:
            risky[result.host].append(result)
    for host, results in sorted(risky.items()):
        values = {"count": str(len(results)), "requirements": ", ".join(sorted(one.requirement for one in results))}
        yield problem("high_risk", Severity.WARN, host, min(one.since for one in results), host=host, values=values)
