"""Look at the problems that the console itself finds as conditions of alerts."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from console.alerts.machine import Sight
from console.alerts.rule import Condition, Labels, fingerprint
from console.alerts.rulebook import RuleBook
from console.alerts.signal import Look, Signal
from console.explanation import Explanation
from console.hosts import shown_state
from console.problems import SILENT, Problem
from console.rules.problem import ORDER
from console.rules.view import StoreView
from console.store.hosts import State
from console.store.incidents import AlertState


def look_at_problems(
    book: RuleBook,
    view: StoreView,
    problems: Iterable[Problem],
    known: Iterable[AlertState],
    states: Mapping[str, State],
) -> Iterator[Look]:
    """Yield a look at each problem, and at each known condition whose end can be seen.

    ``known``: the states of conditions that are not inactive; ``states``: what may be said of each host now.
    """
    worst: dict[str, Look] = {}
    for one in problems:
        condition = book.condition(one.kind)
        if condition.view_only:
            continue
        found = _look(condition, one)
        before = worst.get(found.fingerprint)
        if before is None or _rank(found) < _rank(before):
            worst[found.fingerprint] = found
    yield from worst.values()
    answering = {row.name for row in view.hosts if row.error_code is None and states[row.name] not in SILENT}
    for state in known:
        if state.fingerprint not in worst:
            condition = book.by_name(state.rule)
            if _end_is_seen(condition, state.host, states, answering):
                yield Look(state.fingerprint, Sight.FALSE, condition.timing)


def host_states(view: StoreView, now: datetime) -> dict[str, State]:
    """Return what may be said of each host now."""
    return {row.name: shown_state(row, now, view.config.scrape_interval_seconds) for row in view.hosts}


def _end_is_seen(condition: Condition, host: str | None, states: Mapping[str, State], answering: set[str]) -> bool:
    if host is None:
        return True
    if condition.needs_host:
        return host in answering
    return states.get(host) is not State.MAINT


def _look(condition: Condition, one: Problem) -> Look:
    name = condition.name or one.kind
    labels: Labels = {"object": one.object, "host": one.host or ""}
    values = {**one.meaning.values, **one.next_step.values, **one.title.values}
    signal = Signal(
        fingerprint=fingerprint(name, labels),
        rule=name,
        target=one.object,
        host=one.host,
        labels=labels,
        severity=one.severity,
        texts=Explanation(one.title.msgid, one.meaning.msgid, one.next_step.msgid),
        values=values,
        explained_by_power=condition.explained_by_power,
    )
    return Look(signal.fingerprint, Sight.TRUE, condition.timing, signal)


def _rank(one: Look) -> int:
    return ORDER[one.signal.severity] if one.signal else len(ORDER)
