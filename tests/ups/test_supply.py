"""On line or on battery: every pair of signals that agree or contradict."""

import pytest

from agent.ups.reading import Flag
from agent.ups.supply import Evidence, supply_flags

LINE, BATTERY, UNSURE = Flag.ON_LINE, Flag.ON_BATTERY, Flag.ON_BATTERY_UNCONFIRMED
OUTPUT, ALARM = frozenset({"output"}), frozenset({"alarm"})


@pytest.mark.parametrize(
    ("evidence", "flags"),
    [
        (Evidence(), set()),
        (Evidence(line=OUTPUT), {LINE}),
        (Evidence(line=OUTPUT, on_battery_seconds=0), {LINE}),
        (Evidence(line=OUTPUT, on_battery_seconds=30), {LINE}),  # a counter that was not set back
        (Evidence(line=OUTPUT, on_battery_seconds=30, input_good=False), {LINE, UNSURE}),
        (Evidence(line=OUTPUT, battery=ALARM), {LINE, UNSURE}),
        (Evidence(fed=True), {LINE}),
        (Evidence(fed=True, battery=ALARM, input_good=False), {BATTERY}),
        (Evidence(fed=True, on_battery_seconds=5, discharging=True), {BATTERY}),
        (Evidence(fed=True, on_battery_seconds=5), {UNSURE}),
        (Evidence(battery=OUTPUT), {BATTERY}),  # nothing contradicts, nothing else could confirm
        (Evidence(battery=OUTPUT, on_battery_seconds=0), {BATTERY}),  # the first second, or a card that never counts
        (Evidence(battery=OUTPUT, on_battery_seconds=1, input_good=True), {BATTERY}),
        (Evidence(battery=OUTPUT, on_battery_seconds=0, input_good=False), {BATTERY}),
        (Evidence(battery=OUTPUT | ALARM, on_battery_seconds=0, input_good=True), {BATTERY}),
        (Evidence(battery=OUTPUT, on_battery_seconds=0, input_good=True), {UNSURE}),
        (Evidence(battery=OUTPUT, input_good=True), {UNSURE}),
        (Evidence(battery=OUTPUT, input_good=True, low=True), {BATTERY}),
        (Evidence(on_battery_seconds=5, input_good=False), {BATTERY}),
        (Evidence(on_battery_seconds=5), {UNSURE}),
        (Evidence(battery=OUTPUT | ALARM, on_battery_seconds=5, input_good=True, testing=True), {LINE}),
        (Evidence(battery=OUTPUT | ALARM, input_good=True, testing=True, low=True), {BATTERY}),
        (Evidence(battery=OUTPUT, on_battery_seconds=5, input_good=False, testing=True), {BATTERY}),
        (Evidence(battery=OUTPUT, on_battery_seconds=5, testing=True), {BATTERY}),  # nothing tells of the mains
    ],
)
def test_signals_decide(evidence: Evidence, flags: set[Flag]):
    assert set(supply_flags(evidence)[0]) == flags


def test_a_contradiction_names_both_sides():
    assert supply_flags(Evidence(battery=ALARM, line=OUTPUT))[1] == "alarm says battery, output says line"
    unsure = Evidence(battery=OUTPUT, on_battery_seconds=0, input_good=True)
    assert supply_flags(unsure)[1] == "only output says battery; 0 s on battery and the input is good"
