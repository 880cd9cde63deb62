"""The state machine alone."""

import random
from datetime import timedelta

import pytest

from console.alerts.machine import Change, Phase, Sight, Standing, Timing, step
from console.rules.problem import Severity
from tests.alerts.conftest import NOW

TIMING = Timing(for_seconds=60, keep_seconds=120)


def walk(
    sights: list[tuple[float, Sight]], timing: Timing = TIMING, severity: Severity = Severity.WARN
) -> tuple[Standing | None, list[tuple[float, Change]]]:
    """Walk through (seconds, sight); return the last standing and the changes with their times."""
    standing, changes = None, []
    for seconds, sight in sights:
        standing, change = step(standing, sight, severity, timing, NOW + timedelta(seconds=seconds))
        if change:
            changes.append((seconds, change))
    return standing, changes


T, B, F = Sight.TRUE, Sight.BETWEEN, Sight.FALSE


@pytest.mark.parametrize(
    ("sights", "expected"),
    [
        ([(0, F), (15, B)], []),
        ([(0, T), (30, T), (45, F), (60, T)], []),  # not long enough, and begins anew
        ([(0, T), (30, B), (60, T)], []),
        ([(0, T), (59, T), (60, T), (90, T)], [(60, Change.OPENED)]),
        ([(0, T), (60, T), (70, F), (189, F), (190, F)], [(60, Change.OPENED), (190, Change.RESOLVED)]),
        ([(0, T), (60, T), (70, F), (180, T), (200, F), (319, F)], [(60, Change.OPENED)]),  # came back in time
        ([(0, T), (60, T), (70, F), (180, B), (190, F), (309, F)], [(60, Change.OPENED)]),
    ],
)
def test_a_condition_opens_and_ends_after_its_times(
    sights: list[tuple[float, Sight]], expected: list[tuple[float, Change]]
) -> None:
    assert walk(sights)[1] == expected


def test_without_times_it_opens_and_ends_at_once() -> None:
    changes = walk([(0, T), (1, F)], Timing())[1]
    assert changes == [(0, Change.OPENED), (1, Change.RESOLVED)]


def test_a_flapping_condition_must_stay_away_longer_each_time() -> None:
    timing = Timing(keep_seconds=60)
    standing: Standing | None = None
    opened: list[float] = []
    ended: list[float] = []
    seconds = 0.0
    while seconds < 4 * 3600:  # 5 s on, 90 s off
        sight = T if seconds % 95 < 5 else F
        standing, change = step(standing, sight, Severity.WARN, timing, NOW + timedelta(seconds=seconds))
        (opened if change is Change.OPENED else ended if change is Change.RESOLVED else []).append(seconds)
        seconds += 5
    assert len(opened) == 2
    assert len(ended) == 1
    assert standing is not None
    assert standing.keep(timing) == timedelta(seconds=120)
    assert Standing(Phase.FIRING, Severity.WARN, NOW, NOW, flaps=6).keep(timing) == timedelta(hours=1)
    assert Standing(Phase.FIRING, Severity.WARN, NOW, NOW, flaps=6).keep(Timing(0, 7200)) == timedelta(hours=2)


def test_it_worsens_once_and_does_not_become_better() -> None:
    standing, _ = walk([(0, T)], Timing())
    changes = []
    for severity in (Severity.CRIT, Severity.WARN, Severity.CRIT):
        standing, change = step(standing, T, severity, Timing(), NOW)
        changes.append(change)
    assert changes == [Change.WORSENED, None, None]
    assert standing is not None
    assert standing.severity is Severity.CRIT


def test_a_clock_that_is_set_back_delays_and_never_ends_an_alert_early() -> None:
    standing, _ = walk([(1000, T), (1060, T), (1070, F)])
    standing, change = step(standing, F, Severity.WARN, TIMING, NOW)
    assert change is None
    standing, change = step(standing, F, Severity.WARN, TIMING, NOW + timedelta(seconds=119))
    assert change is None
    assert step(standing, F, Severity.WARN, TIMING, NOW + timedelta(seconds=120))[1] is Change.RESOLVED


def test_in_any_sequence_opening_and_ending_take_turns_and_keep_their_times() -> None:
    for seed in range(200):
        chance = random.Random(seed)  # noqa: S311
        timing = Timing(chance.choice((0, 5, 30)), chance.choice((0, 5, 60)))
        standing, seconds, open_since, true_since, false_since = None, 0.0, None, None, None
        for _ in range(200):
            seconds += chance.uniform(0.1, 20)
            sight = chance.choice((T, T, F, F, F, B))
            true_since = (seconds if true_since is None else true_since) if sight is T else None
            false_since = (seconds if false_since is None else false_since) if sight is F else None
            standing, change = step(standing, sight, Severity.WARN, timing, NOW + timedelta(seconds=seconds))
            long_enough = true_since is not None and seconds - true_since >= timing.for_seconds
            if open_since is None:
                assert (change is Change.OPENED) is long_enough, seed
                open_since = seconds if change else None
            else:
                assert change is not Change.OPENED
                if change is Change.RESOLVED:
                    assert false_since is not None
                    assert seconds - false_since >= timing.keep_seconds - 1e-6
                    open_since = None
