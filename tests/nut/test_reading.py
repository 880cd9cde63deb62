"""NUT's variables as a reading: units, unknown words, what no UPS can show."""

from datetime import date

import pytest

from agent.nut.reading import ups_reading
from agent.ups.reading import Flag
from agent.ups.reading import TestResult as Result

USB = {  # an APC Back-UPS by usbhid-ups
    "battery.charge": "87", "battery.runtime": "1620", "battery.voltage": "26.9", "battery.date": "2024/03/11",
    "device.mfr": "American Power Conversion", "device.serial": "3B1234X56789", "driver.name": "usbhid-ups",
    "driver.version.data": "APC HID 0.98", "input.voltage": "229.0", "input.frequency": "50.0",
    "output.voltage": "230.0", "ups.firmware": "871.O4 .I", "ups.load": "23", "ups.mfr": "American Power Conversion",
    "ups.model": "Back-UPS ES 700G", "ups.status": "OB DISCHRG", "ups.test.result": "Done and passed",
    "ups.test.date": "11/02/26", "ups.alarm": "Replace battery!",
}  # fmt: skip


def test_every_quantity_comes_in_base_units():
    reading = ups_reading(USB)
    assert reading.flags == {Flag.ON_BATTERY, Flag.DISCHARGING}
    assert (reading.charge_ratio, reading.runtime_seconds, reading.load_ratio) == (0.87, 1620, 0.23)
    assert (reading.input_volts, reading.output_volts, reading.input_hertz) == ((229.0,), (230.0,), 50.0)
    assert (reading.battery_volts, reading.battery_replaced) == (26.9, date(2024, 3, 11))
    assert (reading.test, reading.tested) == (Result.PASSED, date(2026, 11, 2))
    assert (reading.manufacturer, reading.model) == ("American Power Conversion", "Back-UPS ES 700G")
    assert (reading.serial, reading.alarms) == ("3B1234X56789", ("Replace battery!",))
    assert reading.sources["charge_ratio"] == "NUT usbhid-ups, APC HID 0.98"
    assert "battery_celsius" not in reading.sources
    assert reading.notes == ()


def test_three_phases_come_in_their_order_and_the_load_is_the_most_loaded_lines():
    phases = {f"output.L{line}.power.percent": percent for line, percent in ((1, "20"), (2, "45"), (3, "31"))}
    volts = {f"input.L{line}-N.voltage": volt for line, volt in ((1, "231"), (2, "229.5"), (3, "0"))}
    reading = ups_reading({"ups.status": "OL", "ups.load": "32", **phases, **volts})
    assert (reading.load_ratio, reading.load_ratios) == (0.45, (0.2, 0.45, 0.31))
    assert reading.input_volts == (231, 229.5, None)


def test_nothing_is_known_of_a_ups_that_says_nothing():
    reading = ups_reading({})
    assert reading.flags == frozenset()
    assert (reading.charge_ratio, reading.runtime_seconds, reading.load_ratio, reading.input_volts) == (None,) * 3 + (
        (),
    )
    assert reading.notes == ("ups.status is empty",)


def test_a_word_that_nobody_knows_is_kept_in_the_notes():
    reading = ups_reading({"ups.status": "OL COMM HB MELTING"})
    assert reading.flags == {Flag.ON_LINE}
    assert reading.notes == ("ups.status HB is not known", "ups.status MELTING is not known")


def test_a_driver_that_lost_its_ups_says_so():
    assert Flag.COMMUNICATION_LOST in ups_reading({"ups.status": "OL NOCOMM"}).flags


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("battery.runtime", "3932100"),  # netvision-rfc: 65535 min
        ("battery.runtime", "257698037760.00"),  # Huawei UPS2000: 4294967295 min
        ("battery.runtime", "65535"),  # USB HID
        ("battery.charge", "255"),
        ("battery.charge", "-1"),
        ("battery.charge", "nan"),
        ("battery.charge", "n/a"),
        ("ups.load", "999.9"),
        ("battery.temperature", "255"),
        ("input.frequency", "6553.5"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_left_out_and_noted(name: str, value: str):
    reading = ups_reading({"ups.status": "OL", name: value})
    assert (reading.runtime_seconds, reading.charge_ratio, reading.load_ratio) == (None, None, None)
    assert (reading.battery_celsius, reading.input_hertz) == (None, None)
    assert len(reading.notes) == 1
    assert reading.notes[0].startswith(f"{name} ")


def test_tenfold_volts_are_put_right_as_over_snmp():
    reading = ups_reading({"ups.status": "OL", "input.voltage": "2313"})  # deltaups_mini-snmp
    assert reading.input_volts == (231.3,)
    assert reading.notes == ("input.voltage 2313: unit-corrected:input_volts",)


def test_without_the_mains_the_input_has_no_volts():
    assert ups_reading({"ups.status": "OB", "input.voltage": "0.0"}).input_volts == (0.0,)
    assert ups_reading({"ups.status": "OL", "input.voltage": "0.0"}).input_volts == ()


def test_an_empty_battery_has_no_time_left_and_a_silent_one_an_unknown_time():
    assert ups_reading({"ups.status": "OB LB", "battery.runtime": "0"}).runtime_seconds == 0
    assert ups_reading({"ups.status": "OL", "battery.runtime": "0"}).runtime_seconds is None


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("Done and passed", Result.PASSED), ("Ok", Result.PASSED), ("Done and warning", Result.WARNING),
        ("Done and error", Result.FAILED), ("Failed", Result.FAILED), ("Aborted", Result.ABORTED),
        ("InvalidTest", Result.ABORTED), ("In progress", Result.IN_PROGRESS),
        ("TestInProgress", Result.IN_PROGRESS), ("No test initiated", Result.NONE), ("Purple", None),
    ],
)  # fmt: skip
def test_the_drivers_words_for_a_tests_end(text: str, result: Result | None):
    assert ups_reading({"ups.status": "OL", "ups.test.result": text}).test is result
