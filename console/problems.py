"""What is wrong, worst first: a pure function from what the store knows to a list of problems."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime

from console.hosts import shown_state
from console.rules.backups import backup_problems
from console.rules.copies import copy_problems
from console.rules.hosts import host_problems, reach_problems
from console.rules.platform import platform_problems
from console.rules.problem import Problem, Severity, sort_key
from console.rules.proofs import key_problems
from console.rules.repositories import repository_problems
from console.rules.space import space_problems
from console.rules.view import PolicyView, StoreView
from console.rules.wal import wal_problems
from console.store.hosts import HostState, State

__all__ = ["PolicyView", "Problem", "Severity", "StoreView", "find_problems"]

SILENT = {State.UNKNOWN, State.MAINT}


def find_problems(view: StoreView, now: datetime) -> tuple[Problem, ...]:
    """Return every open problem, worst first.

    A host in maintenance is silent.  What an unreachable host showed last is not told as if it were current.
    """
    zone = view.config.facility.zone
    rows = {row.name: row for row in view.hosts}
    states = {name: shown_state(row, now, view.config.scrape_interval_seconds) for name, row in rows.items()}
    found = list(platform_problems(view, now))
    for name, row in rows.items():
        found += reach_problems(view, row, now)
        if states[name] not in SILENT and row.error_code is None and name in view.snapshots:
            found += with_since(host_problems(name, view.snapshots[name], now, zone), row)
    for policy in view.policies:
        if states.get(policy.host) is not State.MAINT:
            first_seen = rows[policy.host].first_seen if policy.host in rows else None
            found += backup_problems(policy, now, zone, first_seen)
    resting = {name for name, state in states.items() if state is State.MAINT}
    rules = (repository_problems, copy_problems, space_problems, wal_problems, key_problems)
    for one in (problem for rule in rules for problem in rule(view, now)):
        if one.host not in resting:
            found.append(one)
    return tuple(sorted(found, key=sort_key))


def with_since(problems: Iterable[Problem], row: HostState) -> Iterator[Problem]:
    """Yield the problems with the time since when the worker has seen each of them."""
    known = {(reason["kind"], reason["object"]): datetime.fromisoformat(reason["since"]) for reason in row.reasons}
    for one in problems:
        yield replace(one, since=one.since or known.get((one.kind, one.object)))
