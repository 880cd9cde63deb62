"""What values and alarms mean: sentinels, low and depleted batteries, test results, powers of ten."""

import pytest

from agent.polling import Value
from agent.ups.reading import Flag
from agent.ups.reading import TestResult as Result
from tests.ups.devices import RFC, XUPS, read, rfc1628


@pytest.mark.parametrize("absent", [-1, 0, 999, 9999, 65535, 2**31 - 1, 2**32 - 1, -(2**31), b"", b"UNKNOWN"])
def test_a_sentinel_never_becomes_a_runtime(absent: Value):
    assert read(rfc1628(o2_3_0=absent)).runtime_seconds is None


def test_three_filled_rows_count_whatever_the_number_of_lines_says():
    rows: dict[str, Value] = {"o4_4_1_2_2": 231, "o4_4_1_2_3": 229, "o4_4_1_5_2": 64, "o4_4_1_5_3": 12, "o4_3_0": 1}
    reading = read(rfc1628(**rows))
    assert (reading.output_volts, reading.load_ratio) == ((230, 231, 229), 0.64)


def test_a_depleted_battery_on_line_is_low_and_not_on_battery():
    assert read(rfc1628(o2_1_0=4)).flags == {Flag.ON_LINE, Flag.LOW_BATTERY}


def test_runtime_0_counts_when_the_ups_is_on_battery_and_low():
    low: dict[str, Value] = {"o4_1_0": 5, "o2_2_0": 900, "o2_1_0": 3, "o2_3_0": 0, "o3_3_1_3_1": 0}
    assert read(rfc1628(**low)).runtime_seconds == 0
    assert read(rfc1628(**{**low, "o2_1_0": 2})).runtime_seconds is None


def test_the_batterys_own_low_time_makes_it_low_on_battery_only():
    config: dict[str, Value] = {"o9_7_0": 5, "o2_3_0": 4}
    assert read(rfc1628(**config)).flags == {Flag.ON_LINE}
    on_battery = read(rfc1628(**config, o4_1_0=5, o2_2_0=60, o3_3_1_3_1=0))
    assert on_battery.flags == {Flag.ON_BATTERY, Flag.LOW_BATTERY}


def test_an_output_that_says_line_against_an_alarm_is_only_warned_of():
    alarm: dict[str, Value] = {"o6_1_0": 1, "o6_2_1_2_1": f"{RFC}.6.3.2"}
    reading = read(rfc1628(**alarm))
    assert reading.flags == {Flag.ON_LINE, Flag.ON_BATTERY_UNCONFIRMED}
    assert reading.notes == ("upsAlarmOnBattery says battery, upsOutputSource says line",)


def test_unknown_and_vendor_alarms_keep_their_oid_and_null_ones_are_ignored():
    table: dict[str, Value] = {
        "o6_1_0": 4,
        "o6_2_1_2_1": "1.3.6.1.4.1.99999.7.1",
        "o6_2_1_2_2": "0.0",
        "o6_2_1_2_3": f"{XUPS}.7.32",
        "o6_2_1_2_4": f".{RFC}.6.3.16.0",
    }
    reading = read(rfc1628(**table))
    assert reading.alarms == ("1.3.6.1.4.1.99999.7.1", "xupsAlarmChargerFailed", "upsAlarmFanFailure")
    assert reading.flags == {Flag.ON_LINE, Flag.ALARM}


def test_alarms_are_walked_where_their_count_is_missing():
    values = rfc1628(o6_2_1_2_1=f"{RFC}.6.3.8")
    del values[f"{RFC}.6.1.0"]
    assert read(values).flags == {Flag.ON_LINE, Flag.OVERLOAD}


@pytest.mark.parametrize(
    ("result", "test", "flags"),
    [
        (5, Result.IN_PROGRESS, frozenset({Flag.ON_LINE, Flag.TEST})),
        (3, Result.FAILED, frozenset({Flag.ON_LINE, Flag.REPLACE_BATTERY})),
        (2, Result.WARNING, frozenset({Flag.ON_LINE})),
        (0, None, frozenset({Flag.ON_LINE})),
    ],
)
def test_only_a_result_tells_of_a_test_never_its_name(result: int, test: Result | None, flags: frozenset[Flag]):
    reading = read(rfc1628(o7_1_0=f"{RFC}.7.7.4", o7_3_0=result))
    assert (reading.test, reading.flags) == (test, flags)


@pytest.mark.parametrize("raw", [50, 500, 5000])
def test_a_frequency_in_another_power_of_ten_is_put_right(raw: int):
    assert read(rfc1628(o3_3_1_2_1=raw)).input_hertz == 50.0
