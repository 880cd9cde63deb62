"""Makers' own MIBs without a recording, and their quirks."""

from dataclasses import replace
from datetime import date

import pytest

from agent.polling import PollError, Trouble, Value
from agent.ups.reading import Flag
from tests.ups import devices
from tests.ups.devices import APC, RFC, XUPS, read, rfc1628, system
from tests.ups.expectations import NOTHING, facts


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


def test_a_known_makers_device_that_gives_nothing_of_a_ups_is_refused_by_the_name_of_its_mib():
    with pytest.raises(PollError, match=r"318\.1\.3\.4\.8 is of PowerNet-MIB, but .* neither a UPS's state") as refusal:
        read(system(devices.APC_THREE_PHASE) | {"1.3.6.1.2.1.1.2.0": "1.3.6.1.4.1.318.1.3.4.8"})
    assert refusal.value.trouble is Trouble.UNKNOWN_DEVICE
