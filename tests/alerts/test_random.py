"""Random days on a real store: every condition that held long enough has exactly one incident, whatever happened."""

import random
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from console.alerts.incidents import Desk as IncidentDesk
from console.alerts.machine import Change, Sight, Standing, step
from console.alerts.moves import Move
from console.alerts.signal import Look
from console.audit.log import AuditLog
from console.notifications.message import Delivery, Outcome
from console.rules.problem import Severity
from console.store.incidents import Incident
from tests.alerts.conftest import Desk, ups

FLAGS = {"OB": "ups_on_battery", "OVER": "ups_overload", "BYPASS": "ups_bypass", "RB": "ups_replace_battery"}
LOOKS = 60


@pytest.mark.parametrize("seed", range(6))
def test_any_day_gives_the_incidents_that_its_conditions_ask_for(desk: Desk, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311
    timings = {rule.id: rule.timing for rule in desk.book.rules}
    standings: dict[str, Standing | None] = dict.fromkeys(FLAGS)
    changes: list[tuple[str, Change]] = []
    desk.routes.answer = lambda _route, _message: (
        Delivery(Outcome.DELIVERED, "ok") if chance.random() < 0.7 else Delivery(Outcome.RETRY, "busy")
    )
    held: set[str] = set()
    for _ in range(LOOKS):
        held ^= {flag for flag in FLAGS if chance.random() < 0.15}
        kind, after = chance.random(), chance.choice((1, 15, 15, 60, 400))
        if kind < 0.15:
            desk.scrape(None, after=after)
        elif kind < 0.2:
            desk.scrape(ups(up=0), after=after)  # the agent answers, but has no reading
        else:
            desk.scrape(ups("OL", *held), after=after)
            for flag, rule in FLAGS.items():
                sight = Sight.TRUE if flag in held else Sight.FALSE
                severity = Severity.CRIT
                standings[flag], change = step(standings[flag], sight, severity, timings[rule], desk.clock())
                changes += [(rule, change)] if change else []
        if chance.random() < 0.1:
            desk.restart()
        if chance.random() < 0.5:
            desk.send()
    incidents = desk.incidents()
    assert Counter(one.rule for one in incidents if one.rule in timings and one.rule in FLAGS.values()) == Counter(
        rule for rule, change in changes if change is Change.OPENED
    )
    ended = Counter(one.rule for one in incidents if one.resolved_at and one.rule in FLAGS.values())
    assert ended == Counter(rule for rule, change in changes if change is Change.RESOLVED)
    desk.routes.answer = lambda _route, _message: Delivery(Outcome.DELIVERED, "ok")
    for _ in range(4):
        desk.clock.moment += timedelta(minutes=15)
        desk.send()
    for route in ("hook", "urgent"):
        told = Counter(message.key for name, message in desk.routes.came if name == route)
        assert set(told.values()) <= {1}
        wants = {"hook": {"warn", "crit"}, "urgent": {"crit"}}[route]
        keys = {f"{one.uid}-opened" for one in incidents if one.severity in wants}
        keys |= {f"{one.uid}-resolved" for one in incidents if one.severity in wants and one.resolved_at}
        assert told.keys() == keys


def test_the_store_itself_takes_no_second_open_incident(desk: Desk) -> None:
    desk.scrape(ups("OB"))
    first = desk.incidents()[0]
    values = {key: getattr(first, key) for key in ("fingerprint", "rule", "object", "labels", "severity", "texts")}
    with pytest.raises(IntegrityError), desk.sessions.begin() as session:
        session.add(Incident(uid="other", opened_at=desk.clock(), **values))


def test_a_person_who_closes_an_incident_while_it_is_judged_wins(desk: Desk, audit: AuditLog) -> None:
    """The state that was read is no longer the state that is written: it is judged again."""
    desk.scrape(ups("OB"))
    desk.scrape(ups("OL"))
    read = desk.alerts._moves

    def closes_between(looks: Sequence[Look], now: datetime) -> list[Move]:
        moves = read(looks, now)
        if desk.open():
            with desk.sessions.begin() as session:
                IncidentDesk(session, desk.config, now).resolve_by_person(audit, 1, "li.wei", "known")
        return moves

    desk.alerts._moves = closes_between  # type: ignore[method-assign]
    desk.scrape(ups("OL"), after=31)
    assert [(one.resolution, one.resolved_by) for one in desk.incidents()] == [("person", "li.wei")]
    desk.send()
    assert [text.split()[0] for text in desk.routes.told()] == ["opened", "resolved"]
    assert desk.phases()["ups_on_battery"] == "inactive"
