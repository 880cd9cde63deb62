"""Straight lines through what was measured."""

from datetime import timedelta

import pytest

from console.forecast import Proof, per_day, restore_forecast
from tests.console.conftest import NOW

DAY = timedelta(days=1)


def test_growth_a_day_is_the_slope_and_too_few_points_are_no_trend() -> None:
    points = [(NOW - night * DAY, 1000.0 - 10 * night) for night in range(10)]
    assert per_day(points) == pytest.approx(10)
    assert per_day(points[:4]) is None
    assert per_day([(NOW + timedelta(hours=hour), 1.0) for hour in range(10)]) is None


def proofs(seconds: list[float]) -> list[Proof]:
    return [Proof(NOW - night * DAY, one, 1000.0) for night, one in enumerate(seconds)]


def test_one_slow_night_does_not_make_the_forecast() -> None:
    forecast = restore_forecast(proofs([900.0, 100, 100, 100, 100, 100, 100, 100]), 3600, NOW)
    assert forecast is not None
    assert forecast.seconds == pytest.approx(100)
    assert forecast.crosses_at is None


def test_what_says_no_size_gives_no_forecast() -> None:
    assert restore_forecast([Proof(NOW, 10.0, 0)], 3600, NOW) is None
    assert restore_forecast([], 3600, NOW) is None


def test_a_target_that_is_crossed_already_is_crossed_now() -> None:
    forecast = restore_forecast(proofs([4000.0] * 6), 3600, NOW)
    assert forecast is not None
    assert forecast.crosses_at == NOW
