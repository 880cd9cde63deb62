"""Problems of repositories: whole, kept every night, read through, and with nothing that a person must decide."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from backup.status import Outcome
from console.hosts import shown_state
from console.i18n import Text
from console.repository_texts import ALARMING, ANOMALIES
from console.rules.causes import caused
from console.rules.problem import Problem, Severity, problem
from console.rules.say import local_time
from console.rules.view import SERVERS, StoreView
from console.store.hosts import HostState, State
from console.store.repositories import RefusedDeletion, RepositoryRow

KEPT_EVERY = timedelta(hours=30)
KEPT_CRITICAL = timedelta(days=3)
# 28 nights read everything; a night or two may be missed.
READ_WITHIN = timedelta(days=30)
ALARM_FOR = timedelta(days=7)
PACKS_NAMED = 3
HEALED = "repository_healed"
# Causes of a round that are told by what they left behind.
TOLD = frozenset({"retention_paused", "repository_damaged", "repository_healing", HEALED})


def answering(view: StoreView, now: datetime) -> frozenset[str]:
    """Return the hosts that report now: of the others it is not known what has changed, and they are told anyway."""

    def answers(row: HostState) -> bool:
        silent = {State.UNKNOWN, State.MAINT}
        return row.error_code is None and shown_state(row, now, view.config.scrape_interval_seconds) not in silent

    return frozenset(row.name for row in view.hosts if answers(row))


def repository_problems(view: StoreView, now: datetime) -> Iterator[Problem]:
    """Yield what is wrong with the repositories of the facility's hosts."""
    zone = view.config.facility.zone
    current = answering(view, now)
    for row in view.repositories:
        yield from _state(row, view)
        if row.server in current:
            yield from _age(row, view, now)
    yield from _never(view, current, now)
    for host, server in dict.fromkeys((one.host, one.server) for one in view.refusals):
        found = [one for one in view.refusals if (one.host, one.server) == (host, server) and now - one.at < ALARM_FOR]
        if found:
            newest: RefusedDeletion = max(found, key=lambda one: one.at)
            values = {"count": str(len(found)), "last": local_time(newest.at, zone), "address": newest.address}
            since = min(one.at for one in found)
            yield problem("deletion_refused", Severity.CRIT, host, since, host=server, values=values)


def _told(
    kind: str, severity: Severity, row: RepositoryRow, since: datetime | None, values: Mapping[str, object]
) -> Problem:
    return problem(kind, severity, row.host, since, host=row.server, values=values)


def _state(row: RepositoryRow, view: StoreView) -> Iterator[Problem]:
    zone = view.config.facility.zone
    ended = row.finished_at or row.started_at
    started = {"started": local_time(row.started_at, zone)}
    if row.broken_packs:
        shown = ", ".join(pack[:12] for pack in row.broken_packs[:PACKS_NAMED])
        packs = shown + (" …" if len(row.broken_packs) > PACKS_NAMED else "")
        values = {"count": str(len(row.broken_packs)), "packs": packs}
        yield _told("repository_broken", Severity.CRIT, row, ended, values)
    elif row.outcome in {Outcome.FAILED, Outcome.INTERRUPTED}:
        severity = Severity.CRIT if row.outcome == Outcome.FAILED else Severity.WARN
        plain = _told("repository_failed", severity, row, ended, started)
        yield caused(plain, "repository_failed", row)
    elif row.outcome == Outcome.WARNING and row.cause_code not in {None, *TOLD}:
        plain = _told("repository_failed", Severity.WARN, row, ended, started)
        yield caused(plain, "repository_warning", row)
    if row.set_aside:
        yield _told("repository_waiting", Severity.WARN, row, ended, {"count": str(len(row.set_aside))})
    elif any(step["cause"] and step["cause"]["code"] == HEALED for step in row.steps):
        yield _told("repository_healed", Severity.WARN, row, ended, started)
    if row.paused_since is not None:
        codes = [str(one["code"]) for one in row.anomalies]
        worst = next((code for code in codes if code in ALARMING), codes[0] if codes else "unknown")
        values_paused = {
            "anomaly": Text(ANOMALIES.get(worst, "something odd")),
            "count": str(len(codes)),
            "since": local_time(row.paused_since, zone),
        }
        severity = Severity.CRIT if worst in ALARMING else Severity.WARN
        yield _told("retention_paused", severity, row, row.paused_since, values_paused)


def _age(row: RepositoryRow, view: StoreView, now: datetime) -> Iterator[Problem]:
    zone = view.config.facility.zone
    kept = row.finished_at or row.started_at
    if now - kept > KEPT_EVERY:
        severity = Severity.CRIT if now - kept > KEPT_CRITICAL else Severity.WARN
        yield _told("keeper_silent", severity, row, kept, {"finished": local_time(kept, zone)})
    read = row.read_through_at or row.oldest_set_at
    if read is not None and now - read > READ_WITHIN:
        values = {"read_through": local_time(row.read_through_at, zone)}
        yield _told("read_overdue", Severity.WARN, row, read + READ_WITHIN, values)


def _never(view: StoreView, current: frozenset[str], now: datetime) -> Iterator[Problem]:
    seen = {row.name: row.first_seen for row in view.hosts}
    backed_up = {policy.host for policy in view.policies if policy.last_success is not None}
    for kind in SERVERS:
        for server in view.servers(kind):
            for host in sorted(backed_up):
                if view.repository(host, kind) is None and server in current and now - seen[server] > KEPT_EVERY:
                    yield problem("keeper_never", Severity.WARN, host, seen[server], host=server)
