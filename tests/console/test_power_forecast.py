"""When a battery wants replacing, from made-up but plausible months."""

import math
import random
from datetime import date, timedelta

import pytest

from console.power.forecast import Day, Outcome, battery_forecast

START = date(2025, 11, 24)
FULL = 2400.0


def days(count: int, loss_a_month: float = 0.02, load: float = 0.35, noise: float = 0.0) -> list[Day]:
    """A battery that loses a part of its first runtime each month; the runtime falls with the load, too."""
    dice = random.Random(7)  # noqa: S311 — no secret
    found = []
    for number in range(count):
        share = load * (1 + 0.05 * math.sin(number))
        runtime = FULL * (1 - loss_a_month * number / 30.44) * load / share * (1 + noise * dice.uniform(-1, 1))
        found.append(Day(START + timedelta(days=number), runtime, share))
    return found


def test_the_day_is_where_the_line_meets_the_threshold() -> None:
    forecast = battery_forecast(days(240, noise=0.02))
    assert forecast.outcome is Outcome.WEARING
    assert forecast.first_seconds == pytest.approx(FULL, rel=0.04)
    assert forecast.loss_ratio_month == pytest.approx(0.02, rel=0.15)
    # 2 % a month: 40 % are lost after 20 months.
    assert forecast.replace_on is not None
    assert abs(forecast.replace_on - (START + timedelta(days=20 * 30.44))) < timedelta(days=45)
    assert forecast.earliest is not None
    assert forecast.earliest <= forecast.replace_on
    assert forecast.latest is None or forecast.latest >= forecast.replace_on


def test_a_few_odd_weeks_do_not_move_it() -> None:
    plain = battery_forecast(days(240))
    odd = [Day(one.day, one.runtime_seconds * (0.3 if 60 <= n < 75 else 1), one.load_ratio) for n, one in
           enumerate(days(240))]  # fmt: skip
    moved = battery_forecast(odd)
    assert plain.replace_on is not None
    assert moved.replace_on is not None
    assert abs(plain.replace_on - moved.replace_on) < timedelta(days=60)


def test_days_of_another_load_do_not_count() -> None:
    usual = days(200)
    busy = [Day(one.day, one.runtime_seconds / 2, one.load_ratio * 2) for one in days(200)[::4]]
    quiet = [one for one in usual if one.day not in {item.day for item in busy}]
    forecast = battery_forecast([*quiet, *busy])
    assert forecast.load_ratio == pytest.approx(0.35, rel=0.1)
    assert forecast.loss_ratio_month == pytest.approx(0.02, rel=0.2)


@pytest.mark.parametrize("count", [0, 1, 30, 89])
def test_too_few_months_are_no_forecast(count: int) -> None:
    forecast = battery_forecast(days(count))
    assert forecast.outcome is Outcome.TOO_LITTLE
    assert forecast.replace_on is None
    assert forecast.days_seen == count


def test_a_year_with_one_week_measured_is_too_little() -> None:
    assert battery_forecast([*days(4), *days(366)[-3:]]).outcome is Outcome.TOO_LITTLE


def test_a_battery_that_does_not_wear_is_steady() -> None:
    forecast = battery_forecast(days(300, loss_a_month=0.0))
    assert (forecast.outcome, forecast.replace_on) == (Outcome.STEADY, None)
    assert battery_forecast(days(300, loss_a_month=-0.01)).outcome is Outcome.STEADY


def test_a_battery_below_the_threshold_is_due_now() -> None:
    forecast = battery_forecast(days(360, loss_a_month=0.05))
    assert forecast.outcome is Outcome.WORN
    assert forecast.replace_on == forecast.weeks[-1].day


def test_a_new_battery_begins_anew() -> None:
    replaced = START + timedelta(days=300)
    forecast = battery_forecast(days(360, loss_a_month=0.05), replaced)
    assert forecast.outcome is Outcome.TOO_LITTLE
    assert forecast.days_seen == 60
