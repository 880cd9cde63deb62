"""MIBs without a recording, and quirks that no recording shows."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import pytest

from agent.polling import PollError, Trouble, Value
from agent.ups.reader import POLLS_BETWEEN_DISCOVERIES, UpsReader
from agent.ups.reading import Flag, UpsReading
from agent.ups.reading import TestResult as Result
from tests.recordings import ReplayedRecording
from tests.ups import devices
from tests.ups.expectations import Facts, facts

NOTHING = Facts((), None, None, (), (), None, (), None, None, None, None, None, ())
RFC = "1.3.6.1.2.1.33.1"
APC = "1.3.6.1.4.1.318.1.1.1"
XUPS = "1.3.6.1.4.1.534.1"
FLEXIBLE = "1.3.6.1.4.1.476.1.42.3.9.20.1"


def read(values: dict[str, Value]) -> UpsReading:
    return asyncio.run(UpsReader().poll(ReplayedRecording(values)))


def rfc1628(**changes: Value) -> dict[str, Value]:
    values: dict[str, Value] = {
        "2.1.0": 2, "2.2.0": 0, "2.3.0": 40, "2.4.0": 100, "2.5.0": 545, "2.7.0": 25, "3.2.0": 1, "3.3.1.2.1": 500,
        "3.3.1.3.1": 230, "4.1.0": 3, "4.2.0": 500, "4.3.0": 1, "4.4.1.2.1": 230, "4.4.1.5.1": 20, "6.1.0": 0,
    }  # fmt: skip
    values |= {name.removeprefix("o").replace("_", "."): value for name, value in changes.items()}
    return devices.device(RFC, "1.3.6.1.2.1.33", values)


def _system(values: dict[str, Value]) -> dict[str, Value]:
    return {oid: value for oid, value in values.items() if oid.startswith("1.3.6.1.2.1.1.")}


def test_huawei_is_found_by_asking_behind_net_snmps_name():
    reading = read(devices.HUAWEI)
    assert facts(reading) == replace(
        NOTHING,
        flags=("OL",),
        charge=0.97,
        runtime=1860,
        load=(0.412, 0.38, 0.401),
        input_volts=(230.1, 231.2, 229.8),
        input_hertz=50.01,
        output_volts=(220.0, 220.1, 219.9),
        output_hertz=49.99,
        battery_volts=543.2,
    )
    assert (reading.manufacturer, reading.model) == ("Huawei", "UPS5000-E-120K-FM")


def test_deltas_own_mib_counts_from_0():
    assert facts(read(devices.DELTA)) == replace(
        NOTHING,
        flags=("OL",),
        charge=0.99,
        runtime=1380,
        load=(0.41,),
        input_volts=(228.5,),
        input_hertz=50.0,
        output_volts=(230.1,),
        output_hertz=50.0,
        battery_volts=81.9,
        battery_celsius=26,
        battery_replaced=date(2024, 3, 15),
        test="passed",
    )


def test_hpe_gives_seconds_and_tenths_of_battery_volts():
    assert facts(read(devices.HPE)) == replace(
        NOTHING,
        flags=("OL",),
        charge=0.98,
        runtime=1725,
        load=(0.33,),
        input_volts=(231,),
        input_hertz=50.0,
        output_volts=(230,),
        output_hertz=50.0,
        battery_volts=109.2,
        test="passed",
    )


def test_socomecs_older_cards_are_read():
    assert facts(read(devices.NET_VISION_6)) == replace(
        NOTHING,
        flags=("OL",),
        charge=1.0,
        runtime=1920,
        load=(0.27,),
        input_volts=(233.0,),
        output_volts=(230.5,),
        battery_volts=431.0,
    )


def test_lieberts_tables_are_read_by_the_points_that_they_name():
    assert facts(read(devices.LIEBERT)) == replace(
        NOTHING,
        flags=("OL",),
        charge=1.0,
        runtime=2460,
        load=(0.37,),
        input_volts=(231,),
        input_hertz=50.0,
        output_volts=(230,),
        output_hertz=49.9,
        battery_volts=82,
    )


def test_lieberts_flexible_points_are_numbers_as_text_in_the_unit_beside_them():
    whole = replace(
        NOTHING,
        flags=("OL",),
        charge=0.98,
        runtime=4440,
        load=(0.22, 0.2, 0.19),
        input_volts=(229, 226, 228),
        input_hertz=50.0,
        output_volts=(229, 232, 230),
        output_hertz=49.9,
        battery_volts=462,
        battery_celsius=22,
    )
    reading = read(devices.LIEBERT_POINTS)
    assert facts(reading) == whole
    assert (reading.manufacturer, reading.model) == ("Liebert", "EXM 60")
    units: dict[str, Value] = {f"{FLEXIBLE}.30.1.2.1.4156": b"deg F", f"{FLEXIBLE}.30.1.2.1.4150": b"hr"}
    assert facts(read(devices.LIEBERT_POINTS | units)) == replace(whole, runtime=None, battery_celsius=None)
    silent: dict[str, Value] = {f"{FLEXIBLE}.20.1.2.1.4153": b"Unavailable", f"{FLEXIBLE}.30.1.2.1.4155": b""}
    assert facts(read(devices.LIEBERT_POINTS | silent)) == replace(whole, charge=None, battery_volts=None)


def test_lieberts_lines_name_their_point_themselves_where_there_is_no_table_of_points():
    lines: dict[str, Value] = {
        "3.5.1.19.0": 100, "3.5.3.55.0": 3,
        **{f"3.5.2.3.1.3.{point}.{line}": f"{devices.POINT}.{name}"
           for point, name in ((1, 9), (2, 7), (3, 1)) for line in (1, 2, 3)},
        **{f"3.5.2.3.1.5.{point}.{line}": 10 * point + line + 200 for point in (1, 2, 3) for line in (1, 2, 3)},
        **{f"3.5.2.3.1.7.1.{line}": 20 + line for line in (1, 2, 3)},
    }  # fmt: skip
    reading = read(devices.device("1.3.6.1.4.1.476.1.42", "1.3.6.1.4.1.476.1.42", lines))
    assert (reading.input_volts, reading.output_volts) == ((231, 232, 233), (211, 212, 213))
    assert reading.load_ratios == (0.21, 0.22, 0.23)


def test_lieberts_battery_cabinet_is_one_of_many_places_with_a_temperature():
    table = "1.3.6.1.4.1.476.1.42.3.4.1.3.3.1"
    places: dict[str, Value] = {
        f"{table}.2.1": "1.3.6.1.4.1.476.1.42.3.4.1.1.3.1.1",
        f"{table}.2.2": "1.3.6.1.4.1.476.1.42.3.4.7.1.10.1.1",
        f"{table}.3.1": 31,
        f"{table}.3.2": 23,
    }
    assert read(devices.LIEBERT | places).battery_celsius == 23


def test_lieberts_conditions_count_until_they_are_over():
    table = "1.3.6.1.4.1.476.1.42.3.2"
    conditions: dict[str, Value] = {
        f"{table}.2.0": 4,
        f"{table}.3.1.2.1": f"{table}.7.1.6182",
        f"{table}.3.1.2.2": f"{table}.7.1.4834",
        f"{table}.3.1.2.3": f"{table}.1.33.2",
        f"{table}.3.1.2.4": f"{table}.7.1.4297",
        f"{table}.3.1.12.1": 1,
        f"{table}.3.1.12.2": 2,
    }
    reading = read(devices.LIEBERT | conditions)
    assert reading.flags == {Flag.ON_LINE, Flag.REPLACE_BATTERY, Flag.BYPASS}
    assert reading.alarms == ("lgpCondId6182ReplaceBattery", "lgpConditionOnBypass")


def test_tripp_lites_own_mib_names_the_source_that_its_rfc_1628_does_not():
    reading = read(devices.TRIPP_LITE | {f"{RFC}.4.1.0": 1, f"{RFC}.2.1.0": 2, f"{RFC}.2.7.0": -273})
    assert facts(reading) == replace(
        NOTHING,
        flags=("CHRG", "ECO", "OL"),
        charge=0.97,
        runtime=1234,
        load=(0.38,),
        input_volts=(230.9,),
        input_hertz=50.0,
        output_volts=(230.1,),
        output_hertz=49.9,
        battery_volts=82.1,
        battery_replaced=date(2024, 11, 30),
        test="passed",
    )
    assert (reading.model, reading.tested, reading.notes) == ("SU3000RTXL2U", date(2026, 3, 1), ())


@pytest.mark.parametrize(
    ("changes", "flags"),
    [
        ({"1.3.1.3.3.1.1.1.1": 4}, {Flag.ON_LINE, Flag.BYPASS, Flag.CHARGING}),
        ({"1.3.1.3.3.1.1.1.1": 2}, {Flag.OFF, Flag.CHARGING}),
        ({"1.3.1.3.3.1.1.1.1": 3, "1.3.1.3.1.5.1.1.1.1": 3}, {Flag.ON_LINE, Flag.REPLACE_BATTERY, Flag.CHARGING}),
        ({"1.3.1.3.3.1.1.1.1": 3, "1.3.1.2.1.1.6.1": 9}, {Flag.ON_LINE, Flag.REPLACE_BATTERY, Flag.CHARGING}),
        ({"1.1.2.1.10.1": 5}, {Flag.COMMUNICATION_LOST}),
    ],
)
def test_tripp_lites_states(changes: dict[str, Value], flags: set[Flag]):
    changed = {f"1.3.6.1.4.1.850.1.{oid}": value for oid, value in changes.items()}
    assert read(devices.TRIPP_LITE | changed).flags == flags


def test_tripp_lites_alarms_stay_in_its_table_when_they_are_over():
    root = "1.3.6.1.4.1.850.1.3"
    alarms: dict[str, Value] = {f"{root}.1.0": 4}
    for row, (name, state) in enumerate([("3.1", 1), ("3.2", 2), ("2.1", 1), ("1.6.8", 1)], start=5):
        alarms |= {f"{root}.2.1.2.{row}": f"{root}.3.{name}", f"{root}.2.1.8.{row}": state}
    reading = read(devices.TRIPP_LITE | alarms)
    assert reading.alarms == ("tlpUpsAlarmBatteryBad", "tlpAlarmCommunicationsLost")
    assert reading.flags == {Flag.ON_LINE, Flag.ECO, Flag.CHARGING, Flag.REPLACE_BATTERY, Flag.ALARM}


def test_riellos_root_reads_like_rfc_1628():
    reading = read(devices.RIELLO)
    assert facts(reading) == replace(
        NOTHING,
        flags=("CHRG", "OL"),
        charge=0.96,
        runtime=1500,
        load=(0.44,),
        input_volts=(229,),
        input_hertz=49.9,
        output_volts=(230,),
        output_hertz=50.0,
        battery_volts=98.1,
        battery_celsius=24,
        test="none",
    )
    assert set(reading.sources.values()) == {"RIELLOUPS-MIB"}


def test_apcs_three_phase_tables_come_before_its_empty_scalars():
    assert facts(read(devices.APC_THREE_PHASE)) == replace(
        NOTHING,
        flags=("OL",),
        charge=1.0,
        runtime=1380,
        load=(0.41, None, 0.38),
        input_volts=(231, 230, 232),
        input_hertz=50.0,
        output_volts=(229, 229, 230),
        output_hertz=50.0,
    )


def test_a_three_phase_group_of_zeros_says_nothing():
    single: dict[str, Value] = {
        "2.1.1.0": 2, "2.2.1.0": 100, "2.2.4.0": 1500, "3.2.1.0": 2285, "4.1.1.0": 2, "4.2.1.0": 2301, "4.2.3.0": 23,
    }  # fmt: skip
    group: dict[str, Value] = {f"8.{n}.0": 0 for n in ("1.2", "1.3", "2.2", "2.3", "2.4", "3.2", "3.3", "3.5", "3.6")}
    reading = read(devices.device("1.3.6.1.4.1.935.1.1.1", "1.3.6.1.4.1.935", single | group))
    assert (reading.load_ratio, reading.input_volts, reading.runtime_seconds) == (0.23, (228.5,), 1500)


def test_apcs_finer_scalars_come_before_the_table_of_one_line():
    fine: dict[str, Value] = {"4.1.1.0": 2, "4.3.3.0": 227, "4.3.1.0": 2302, "9.3.3.1.3.1.1.1": 230}
    reading = read(devices.device(APC, "1.3.6.1.4.1.318.1.3.27", fine | {"9.3.3.1.10.1.1.1": 22}))
    assert (reading.load_ratios, reading.output_volts) == ((0.227,), (230.2,))


def test_each_field_names_the_mib_that_it_came_from():
    reading = read(devices.DELL)
    assert (reading.runtime_seconds, reading.sources["runtime_seconds"]) == (1519, "Dell-UPS-MIB")
    assert (reading.charge_ratio, reading.sources["charge_ratio"]) == (1.0, "UPS-MIB")
    assert (reading.model, reading.sources["model"]) == ("Dell UPS Rack 1920W", "Dell-UPS-MIB")


@pytest.mark.parametrize("written", [b"01/01/2001", b"2001-01-01", b"01-Jan-2001"])
def test_eatons_first_day_is_no_battery_replacement(written: bytes):
    changed: dict[str, Value] = {f"{XUPS}.2.4.0": 100, f"{XUPS}.4.5.0": 3, f"{XUPS}.2.6.0": written}
    assert read(rfc1628() | changed).battery_replaced is None
    assert read(rfc1628() | changed | {f"{XUPS}.2.6.0": b"01/02/2021"}).battery_replaced == date(2021, 1, 2)


def test_numbers_as_text_are_numbers():
    reading = read(
        rfc1628(o2_1_0=b"2", o2_4_0=b" 87 ", o2_3_0=b"31 min", o3_3_1_3_1=b"231", o4_1_0=b"3", o4_4_1_5_1="n/a")
    )
    assert (reading.charge_ratio, reading.runtime_seconds, reading.input_volts) == (0.87, 1860, (231,))
    assert reading.flags == {Flag.ON_LINE}
    assert reading.load_ratio is None


@pytest.mark.parametrize("absent", [-1, 0, 999, 9999, 65535, 2**31 - 1, 2**32 - 1, -(2**31), b"", b"UNKNOWN"])
def test_a_sentinel_never_becomes_a_runtime(absent: Value):
    assert read(rfc1628(o2_3_0=absent)).runtime_seconds is None


def test_scalars_without_their_instance_and_columns_with_one_too_many_are_read():
    plain = rfc1628()
    bent = {
        (oid.removesuffix(".0") if oid.startswith(f"{RFC}.2.") else f"{oid}.0" if ".1.3.1" in oid else oid): value
        for oid, value in plain.items()
    }
    assert bent != plain
    assert facts(read(bent)) == facts(read(plain))


def test_a_card_without_any_instance_is_read():
    plain = rfc1628()
    assert facts(read({oid.removesuffix(".0"): value for oid, value in plain.items()} | _system(plain))) == facts(
        read(plain)
    )


def test_a_card_that_cannot_be_walked_is_asked_for_its_rows():
    class Unwalkable(ReplayedRecording):
        async def walk(self, root: str) -> dict[str, Value]:
            raise PollError(Trouble.BAD_ANSWER, f"the names below {root} do not increase")

    alarmed = rfc1628(o6_1_0=1, o6_2_1_2_1=f"{RFC}.6.3.16")
    device = Unwalkable(alarmed)
    assert facts(asyncio.run(UpsReader().poll(device))) == facts(read(alarmed))


def test_a_name_may_come_from_a_mib_that_has_nothing_else():
    named = devices.device(
        "1.3.6.1.4.1.53973.1.1.1.1", "1.3.6.1.4.1.8072.3.2.10", {"1.1.0": b"ABB", "1.2.0": b"PowerScale"}
    )
    reading = read(rfc1628() | named)
    assert (reading.manufacturer, reading.model, reading.charge_ratio) == ("ABB", "PowerScale", 1.0)


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


@pytest.mark.parametrize("lost", [{f"{APC}.8.1.0": 2}, {f"{RFC}.6.1.0": 1, f"{RFC}.6.2.1.2.7": f"{RFC}.6.3.20"}])
def test_a_card_that_lost_its_ups_shows_no_old_values(lost: dict[str, Value]):
    reading = read({**devices.APC_THREE_PHASE, f"{RFC}.4.1.0": 3, **lost})
    assert reading.flags == {Flag.COMMUNICATION_LOST}
    assert reading.model == "Symmetra PX 40"
    assert facts(reading) == replace(NOTHING, flags=("COMMLOST",), alarms=reading.alarms)


def test_apcs_text_of_flags_counts_from_the_left_and_may_be_unknown():
    text = list("0" * 64)
    for position in (4, 5, 9, 25):
        text[position - 1] = "1"
    values = {**devices.APC_THREE_PHASE, f"{APC}.11.1.1.0": "".join(text).encode()}
    reading = read(values)
    assert reading.flags == {Flag.ON_LINE, Flag.REPLACE_BATTERY, Flag.OVERLOAD, Flag.ALARM}
    assert reading.alarms == ("replace battery", "overload", "battery charger failure")
    assert read({**values, f"{APC}.11.1.1.0": b"UNKNOWN"}).flags == {Flag.ON_LINE}


def test_apcs_self_test_is_not_an_outage():
    assert read({**devices.APC_THREE_PHASE, f"{APC}.4.1.1.0": 15}).flags == {Flag.ON_LINE, Flag.TEST}


def test_tripp_lites_one_firmware_gives_tenths_of_a_percent():
    assert read(rfc1628(o1_3_0=b"12.06.0064", o4_4_1_5_1=155)).load_ratio == 0.155
    assert read(rfc1628(o1_3_0=b"12.06.0069", o4_4_1_5_1=105)).load_ratio == 1.05


@pytest.mark.parametrize("raw", [50, 500, 5000])
def test_a_frequency_in_another_power_of_ten_is_put_right(raw: int):
    assert read(rfc1628(o3_3_1_2_1=raw)).input_hertz == 50.0


def test_chinese_names_are_read_in_both_encodings():
    assert read(rfc1628(o1_1_0="山特".encode())).manufacturer == "山特"
    assert read(rfc1628(o1_1_0="山特".encode("gb18030"))).manufacturer == "山特"


def test_a_restarted_or_exchanged_device_is_discovered_again():
    reader = UpsReader()
    device = ReplayedRecording(devices.HPE)
    assert asyncio.run(reader.poll(device)).sources["charge_ratio"] == "CPQPOWER-MIB"
    device.values = devices.RIELLO
    assert asyncio.run(reader.poll(device)).sources["charge_ratio"] == "RIELLOUPS-MIB"
    device.values = {**rfc1628(), "1.3.6.1.2.1.1.2.0": "1.3.6.1.4.1.5491.304", "1.3.6.1.2.1.1.3.0": 100}
    assert asyncio.run(reader.poll(device)).sources["charge_ratio"] == "UPS-MIB"


def test_what_begins_to_answer_later_is_found():
    reader, device = UpsReader(), ReplayedRecording(rfc1628())
    without = {oid: value for oid, value in device.values.items() if oid != f"{RFC}.2.3.0"}
    device.values, whole = without, device.values
    assert asyncio.run(reader.poll(device)).runtime_seconds is None
    device.values = whole
    polls = [asyncio.run(reader.poll(device)).runtime_seconds for _ in range(POLLS_BETWEEN_DISCOVERIES + 1)]
    assert polls[-1] == 2400


def test_the_time_on_battery_is_counted_where_the_card_does_not_or_begins_anew():
    now = 1000.0
    reader = UpsReader(clock=lambda: now)
    battery: dict[str, Value] = {"o4_1_0": 5, "o3_3_1_3_1": 0}
    counted = []
    for seconds, passed in ((7, 0), (307, 300), (4, 310), (64, 370)):
        now = 1000.0 + passed
        device = ReplayedRecording(rfc1628(**battery, o2_2_0=seconds))
        counted.append(asyncio.run(reader.poll(device)).on_battery_seconds)
    assert counted == [7, 307, 317, 377]
    device = ReplayedRecording(rfc1628())
    assert asyncio.run(reader.poll(device)).on_battery_seconds == 0


def test_a_silent_device_and_one_that_is_no_ups_are_told_apart():
    class Silent(ReplayedRecording):
        async def get(self, oids: Sequence[str]) -> dict[str, Value]:
            raise PollError(Trouble.UNREACHABLE, f"no answer to {oids[0]} within 8 s")

    with pytest.raises(PollError, match="no answer"):
        asyncio.run(UpsReader().poll(Silent({})))
    with pytest.raises(PollError) as refusal:
        read(devices.device("1.3.6.1.2.1.2", "1.3.6.1.4.1.9.1.1", {"1.0": 24}))
    assert refusal.value.trouble is Trouble.UNKNOWN_DEVICE
    assert "1.3.6.1.4.1.9.1.1" in refusal.value.detail


def test_a_known_makers_device_that_gives_nothing_of_a_ups_is_refused_by_the_name_of_its_mib():
    with pytest.raises(PollError, match=r"318\.1\.3\.4\.8 is of PowerNet-MIB, but .* neither a UPS's state") as refusal:
        read(_system(devices.APC_THREE_PHASE) | {"1.3.6.1.2.1.1.2.0": "1.3.6.1.4.1.318.1.3.4.8"})
    assert refusal.value.trouble is Trouble.UNKNOWN_DEVICE
