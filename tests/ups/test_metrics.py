"""The metric families: one sample per fact, none for what is not known."""

from dataclasses import replace
from datetime import date

from agent.polling import Standing, Trouble
from agent.registry import render
from agent.ups.metrics import ups_families
from agent.ups.reading import Flag, UpsReading
from agent.ups.reading import TestResult as Result

READING = UpsReading(
    flags=frozenset({Flag.ON_BATTERY, Flag.LOW_BATTERY}),
    charge_ratio=0.09,
    runtime_seconds=0.0,
    load_ratio=0.41,
    input_volts=(0.0, None, 0.0),
    output_volts=(230.0,),
    battery_replaced=date(2024, 3, 15),
    test=Result.PASSED,
    alarms=("upsAlarmOnBattery", 'odd "name"\n'),
    manufacturer="EATON",
    model="9PX",
    sources={"charge_ratio": "UPS-MIB", "runtime_seconds": "XUPS-MIB", "flags": "UPS-MIB"},
)
STANDING = Standing("rack-ups", "ups", "snmp", READING, read_at=1_795_000_000.5, trouble=None)


def lines(*standings: Standing[UpsReading]) -> list[str]:
    return [line for line in render(ups_families(standings)).decode().splitlines() if not line.startswith("#")]


def test_a_reading_is_shown_in_base_units_with_its_source():
    shown = lines(STANDING)
    ups = 'ups="rack-ups"'
    assert f'xinglin_ups_up{{source="snmp",{ups}}} 1.0' in shown
    assert f'xinglin_ups_battery_charge_ratio{{source="snmp",{ups}}} 0.09' in shown
    assert f'xinglin_ups_battery_runtime_seconds{{source="snmp",{ups}}} 0.0' in shown
    assert f'xinglin_ups_read_timestamp_seconds{{source="snmp",{ups}}} 1.7950000005e+09' in shown
    assert f'xinglin_ups_battery_replaced_timestamp_seconds{{source="snmp",{ups}}} 1.710504e+09' in shown
    assert f'xinglin_ups_input_voltage_volts{{line="1",source="snmp",{ups}}} 0.0' in shown
    assert f'xinglin_ups_input_voltage_volts{{line="3",source="snmp",{ups}}} 0.0' in shown
    assert f'xinglin_ups_test_result{{result="passed",source="snmp",{ups}}} 1.0' in shown
    assert f'xinglin_ups_alarm{{alarm="odd \\"name\\"\\n",source="snmp",{ups}}} 1.0' in shown
    assert any(line.startswith("xinglin_ups_info{") and 'mib="UPS-MIB+XUPS-MIB"' in line for line in shown)


def test_every_flag_is_0_or_1():
    states = [line for line in lines(STANDING) if line.startswith("xinglin_ups_status{")]
    assert len(states) == len(Flag)
    assert sum(line.endswith(" 1.0") for line in states) == 2


def test_what_is_not_known_has_no_sample():
    names = {line.partition("{")[0] for line in lines(STANDING)}
    assert "xinglin_ups_on_battery_seconds" not in names
    assert "xinglin_ups_trouble" not in names
    assert not any('line="2"' in line for line in lines(STANDING))


def test_without_a_reading_only_the_trouble_is_shown():
    silent = replace(STANDING, reading=None, trouble=Trouble.UNREACHABLE, failing_since=1_795_000_010.0)
    assert lines(silent) == [
        'xinglin_ups_up{source="snmp",ups="rack-ups"} 0.0',
        'xinglin_ups_trouble{code="unreachable",source="snmp",ups="rack-ups"} 1.0',
        'xinglin_ups_failing_since_timestamp_seconds{source="snmp",ups="rack-ups"} 1.79500001e+09',
        'xinglin_ups_read_timestamp_seconds{source="snmp",ups="rack-ups"} 1.7950000005e+09',
    ]


def test_two_sources_of_one_ups_stand_side_by_side():
    both = lines(STANDING, replace(STANDING, source="nut"))
    assert sum(line.startswith("xinglin_ups_battery_charge_ratio{") for line in both) == 2
