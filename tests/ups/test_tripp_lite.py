"""Tripp Lite's own MIB, and what its cards make of RFC 1628."""

from dataclasses import replace
from datetime import date

import pytest

from agent.polling import Value
from agent.ups.reading import Flag
from tests.ups import devices
from tests.ups.devices import RFC, read, rfc1628
from tests.ups.expectations import NOTHING, facts


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


def test_tripp_lites_one_firmware_gives_tenths_of_a_percent():
    assert read(rfc1628(o1_3_0=b"12.06.0064", o4_4_1_5_1=155)).load_ratio == 0.155
    assert read(rfc1628(o1_3_0=b"12.06.0069", o4_4_1_5_1=105)).load_ratio == 1.05
