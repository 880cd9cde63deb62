"""Counters: growth, wraps, restarts, clearing and nonsense.  A total never leaps, and falls only with a restart."""

import random

import pytest

from agent.devices.clock import UptimeClock
from agent.devices.counters import Counters, Sample

WRAP = 2**32
GIGABIT = 125_000_000.0


def totals(*samples: Sample, seconds: float = 30.0) -> list[int]:
    counters = Counters()
    return [counters.total("a", sample, number * seconds) for number, sample in enumerate(samples)]


def test_a_64_bit_counter_is_shown_as_it_is():
    assert totals(Sample(10**15, 64), Sample(10**15 + 5, 64), Sample(10**15 + 7, 64)) == [
        10**15,
        10**15 + 5,
        10**15 + 7,
    ]


def test_a_32_bit_counter_of_bytes_begins_at_zero_because_nobody_knows_its_earlier_wraps():
    samples = [Sample(raw, 32, GIGABIT, from_zero=True) for raw in (4_000_000_000, 4_000_000_100)]
    assert totals(*samples) == [0, 100]


@pytest.mark.parametrize(
    ("before", "after", "grown"),
    [
        (WRAP - 100, 50, 150),  # wrapped
        (WRAP - 1, 0, 1),
        (3_000_000_000, 1_000_000_000, WRAP - 2_000_000_000),  # wrapped within what the port can move in 30 s
        (100, 100, 0),
    ],
)
def test_a_wrap_counts_as_growth(before: int, after: int, grown: int):
    first, second = totals(Sample(before, 32, GIGABIT), Sample(after, 32, GIGABIT))
    assert second - first == grown


def test_what_the_port_cannot_have_moved_is_a_cleared_counter_and_no_wrap():
    slow = GIGABIT / 1000
    assert totals(Sample(3_000_000_000, 32, slow), Sample(400, 32, slow)) == [3_000_000_000, 3_000_000_400]


@pytest.mark.parametrize("bits", [32, 64])
def test_a_restart_of_the_device_is_shown_as_a_reset(bits: int):
    assert totals(Sample(9_000_000, bits, GIGABIT), Sample(500, bits, GIGABIT, restarted=True)) == [9_000_000, 500]


def test_a_restart_that_leaves_the_kernels_counters_alone_is_no_reset():
    assert totals(Sample(9_000, 64, GIGABIT), Sample(9_100, 64, GIGABIT, restarted=True)) == [9_000, 9_100]


@pytest.mark.parametrize("after", [10**15 - 1, 10**18, 2**64 - 1])
def test_a_64_bit_counter_that_leaps_or_falls_a_little_grows_by_nothing(after: int):
    assert totals(Sample(10**15, 64, GIGABIT), Sample(after, 64, GIGABIT)) == [10**15, 10**15]


def test_after_nonsense_it_counts_on():
    samples = [Sample(raw, 64, GIGABIT) for raw in (1000, 10**18, 10**18 + 10, 2000, 2010)]
    assert totals(*samples) == [1000, 1000, 1010, 3010, 3020]


def test_without_a_known_speed_a_32_bit_counter_wraps_within_half_its_range():
    assert totals(Sample(WRAP - 10, 32), Sample(10, 32)) == [WRAP - 10, WRAP + 10]
    assert totals(Sample(3_000_000_000, 32), Sample(5, 32)) == [3_000_000_000, WRAP + 5]
    assert totals(Sample(2_000_000_000, 32), Sample(5, 32)) == [2_000_000_000, 2_000_000_005]  # cleared


def test_a_long_silence_allows_what_it_can_have_held():
    hour = 3600.0
    grown = round(GIGABIT * hour * 0.9)
    assert totals(Sample(0, 64, GIGABIT), Sample(grown, 64, GIGABIT), seconds=hour) == [0, grown]


def test_whatever_a_device_says_no_total_falls_without_a_restart_or_leaps_beyond_the_line():
    randomness = random.Random(4)  # noqa: S311 - the same every time
    for bits in (32, 64):
        counters, before = Counters(), None
        for poll in range(2000):
            raw = randomness.choice([0, 1, 2**31, WRAP - 1, 2**63, 2**64 - 1, randomness.randrange(2**bits)]) % 2**bits
            total = counters.total("a", Sample(raw, bits, GIGABIT), poll * 30.0)
            if before is not None:
                assert 0 <= total - before <= GIGABIT * 60
            before = total


def test_a_clock_that_goes_back_is_a_restart():
    clock = UptimeClock()
    assert [clock.follow(100_000, 0), clock.follow(103_000, 30), clock.follow(500, 60)] == [False, False, True]
    assert clock.seconds == 5


def test_a_clock_that_wraps_after_497_days_is_none_and_counts_on():
    clock = UptimeClock()
    assert [clock.follow(WRAP - 1000, 0), clock.follow(2010, 30)] == [False, False]
    assert clock.seconds == (WRAP + 2010) / 100


def test_a_restart_shortly_before_the_wrap_is_a_restart():
    clock = UptimeClock()
    assert [clock.follow(WRAP - 1_000_000, 0), clock.follow(500, 30)] == [False, True]


def test_a_device_without_a_clock_never_restarts():
    clock = UptimeClock()
    assert [clock.follow(None, 0), clock.follow(None, 30)] == [False, False]
    assert clock.seconds is None
