"""How long the battery lasts, and who goes when."""

import pytest

from console.power.leading import leading
from console.power.outlook import Hour, Runtime, outlook, runtime
from console.power.plan import PowerPlan, Stage, Ups
from console.power.snapshot import UpsSnapshot

STAGES = (
    Stage("workstations", "工作站", ("ws1", "ws2"), 1200, 60),
    Stage("his", "HIS", ("his1",), 600, 120),
    Stage("appliance", "一体机", ("appliance1",), 60, 120),
)


def test_the_devices_own_runtime_counts() -> None:
    now = UpsSnapshot(up=True, runtime_seconds=1500, charge_ratio=1.0, load_ratio=0.3)
    assert runtime(now, [Hour(600, 0.3, 1.0)] * 5) == Runtime(1500, measured=True)


def test_without_it_the_history_of_runtime_and_load_estimates() -> None:
    now = UpsSnapshot(up=True, charge_ratio=0.5, load_ratio=0.6)
    hours = [Hour(1200, 0.3, 1.0), Hour(1250, 0.3, 1.0), Hour(600, 0.6, 1.0), Hour(0.0, 0.0, 1.0)]
    estimate = runtime(now, hours)
    assert estimate is not None
    assert not estimate.measured
    assert estimate.seconds == pytest.approx(300, rel=0.05)


def test_without_enough_history_or_reading_nothing_is_invented() -> None:
    now = UpsSnapshot(up=True, charge_ratio=0.5, load_ratio=0.6)
    assert runtime(now, [Hour(1200, 0.3, 1.0)]) is None
    assert runtime(UpsSnapshot(up=True), [Hour(1200, 0.3, 1.0)] * 9) is None
    assert runtime(UpsSnapshot(up=False, runtime_seconds=900), []) is None


def test_each_stage_goes_at_its_threshold_or_when_the_rest_needs_the_time() -> None:
    first, second, last = outlook(STAGES, 1500)
    assert (first.at_seconds, first.by_need, first.in_seconds) == (1200, False, 300)
    assert (second.at_seconds, second.in_seconds) == (600, 900)
    assert (last.at_seconds, last.by_need, last.in_seconds) == (144, True, 1356)  # 1.2 times its own 120 s
    assert outlook(STAGES, 700)[0].in_seconds == 0
    assert outlook(STAGES, None)[0].in_seconds is None


def test_a_ups_has_the_stages_of_the_hosts_that_it_feeds() -> None:
    ups = Ups("rack-ups", "机柜", "appliance1", ("appliance1", "ws2"), "usb")
    stages = PowerPlan((ups,), STAGES).stages_of(ups)
    assert [(stage.name, stage.hosts) for stage in stages] == [
        ("workstations", ("ws2",)),
        ("appliance", ("appliance1",)),
    ]


def test_nut_leads_and_snmp_fills_its_gaps() -> None:
    nut = UpsSnapshot(up=True, flags=("OB",), charge_ratio=0.8)
    snmp = UpsSnapshot(up=True, flags=("OL",), charge_ratio=0.9, battery_celsius=25.0, model="X750")
    shown = leading({"snmp": snmp, "nut": nut})
    assert (shown.flags, shown.charge_ratio, shown.battery_celsius, shown.model) == (("OB",), 0.8, 25.0, "X750")
    assert leading({"snmp": snmp, "nut": UpsSnapshot(up=False, trouble="no_data")}) == snmp
    down = leading(
        {"snmp": UpsSnapshot(up=False, trouble="unreachable"), "nut": UpsSnapshot(up=False, trouble="no_data")}
    )
    assert down.trouble == "no_data"
