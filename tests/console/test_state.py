"""A host's state changes only when scrapes confirm it, and stale data is never green."""

from datetime import datetime, timedelta

import pytest

from console.hosts import shown_state
from console.store.models import HostState, State
from console.worker.fetch import ErrorCode
from console.worker.state import Standing, step, wanted_state
from tests.console.conftest import NOW

INTERVAL = 15


def live(standing: Standing, outcomes: list[ErrorCode | None], worst: State = State.OK) -> list[State]:
    """Return the state after each scrape, 15 seconds apart; None is a good one."""
    seen = []
    failing_since: datetime | None = None
    for number, error in enumerate(outcomes):
        moment = NOW + timedelta(seconds=INTERVAL * number)
        failing_since = None if error is None else failing_since or moment
        standing = step(standing, wanted_state(error, failing_since, moment, worst, INTERVAL), moment)
        seen.append(standing.state)
    return seen


OK = Standing(State.OK, NOW)
LOST = ErrorCode.TIMED_OUT


def test_one_lost_scrape_is_no_event() -> None:
    assert live(OK, [LOST, None, LOST, None]) == [State.OK] * 4


def test_a_dead_host_is_late_first_and_critical_after_the_grace() -> None:
    states = live(OK, [LOST] * 12)
    assert states[:2] == [State.OK, State.LATE]
    assert states[7] is State.LATE
    assert states[9:] == [State.CRIT] * 3


def test_a_host_comes_back_after_two_good_scrapes() -> None:
    assert live(Standing(State.CRIT, NOW), [None, LOST, None, None]) == [State.CRIT] * 3 + [State.OK]


@pytest.mark.parametrize("error", [ErrorCode.CERTIFICATE_EXPIRED, ErrorCode.NAME_MISMATCH, ErrorCode.BAD_ANSWER])
def test_what_waiting_does_not_heal_is_critical_at_the_second_scrape(error: ErrorCode) -> None:
    assert live(OK, [error, error]) == [State.OK, State.CRIT]


def test_the_first_answer_of_an_unknown_host_counts_at_once() -> None:
    assert live(Standing(State.UNKNOWN, NOW), [None]) == [State.OK]
    assert live(Standing(State.UNKNOWN, NOW), [LOST, LOST]) == [State.UNKNOWN, State.LATE]


def test_a_value_around_its_limit_does_not_flap() -> None:
    standing = OK
    for number in range(10):
        worst = State.WARN if number % 2 else State.OK
        standing = step(standing, worst, NOW)
        assert standing.state is State.OK


def row(state: State, age_seconds: float) -> HostState:
    return HostState(name="his1", state=state.value, last_attempt=NOW - timedelta(seconds=age_seconds))


def test_stale_data_turns_unknown_and_maintenance_comes_first() -> None:
    assert shown_state(row(State.OK, 59), NOW, INTERVAL) is State.OK
    assert shown_state(row(State.OK, 61), NOW, INTERVAL) is State.UNKNOWN
    assert shown_state(row(State.CRIT, 61), NOW, INTERVAL) is State.UNKNOWN
    planned = row(State.CRIT, 3600)
    planned.maintenance_until = NOW + timedelta(minutes=1)
    assert shown_state(planned, NOW, INTERVAL) is State.MAINT
    planned.maintenance_until = NOW
    assert shown_state(planned, NOW, INTERVAL) is State.UNKNOWN
