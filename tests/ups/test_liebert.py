"""Liebert's MIBs: tables and flexible points that name themselves."""

from dataclasses import replace

from agent.polling import Value
from agent.ups.reading import Flag
from tests.ups import devices
from tests.ups.devices import read
from tests.ups.expectations import NOTHING, facts

FLEXIBLE = "1.3.6.1.4.1.476.1.42.3.9.20.1"


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
