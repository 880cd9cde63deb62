"""One outage at a time: which stage begins when, who is waited for, what a crash or the mains changes."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from agent.power.codes import CHECKS, DETAILS, EVENTS
from agent.power.plan import Limits
from agent.power.records import Cause, Phase, PowerRecord, Verdict
from agent.power.state import ClearLatch, ForceStage, ForceUps, Wake, host_step
from agent.ups.reading import TestResult as Result
from tests.power.simulated import OWN, START, SimulatedClinic, plan


def codes(record: PowerRecord | None) -> list[str]:
    assert record is not None
    return [event.code for event in record.events]


def in_order(*times: datetime | None) -> bool:
    known = [time for time in times if time is not None]
    return len(known) == len(times) and all(one <= other for one, other in pairwise(known))


def outage(runtime_seconds: float = 1000, *, mains_after: int = 1500) -> SimulatedClinic:
    clinic = SimulatedClinic(plan(), runtime_seconds=runtime_seconds)
    clinic.run(10)
    clinic.mains = False
    clinic.run(mains_after)
    clinic.mains = True
    return clinic


def failed(record: PowerRecord) -> dict[str, str]:
    return {check.name: check.detail for check in record.checks if not check.passed}


def test_an_outage_goes_down_in_order_and_comes_back_in_the_reverse_order():
    record = outage().run_to_file()
    assert (record.verdict, failed(record)) == (Verdict.PASSED, {})
    assert in_order(*(host_step(record, host).told_at for host in ("ws1", "his1", OWN)))
    ws, his, pacs = (host_step(record, host) for host in ("ws1", "his1", "pacs1"))
    assert in_order(ws.told_at, ws.off_at, his.told_at, his.off_at, record.dark_at, record.booted_at, pacs.woken_at)
    assert in_order(pacs.back_at, his.woken_at, his.back_at, ws.woken_at, ws.back_at, record.finished_at)
    assert codes(record)[:2] == ["on_battery", "stage_below"]
    assert record.phase is Phase.FINISHED
    assert record.cause is Cause.OUTAGE


def test_every_code_that_is_written_is_explained():
    for clinic in (outage(), outage(400)):
        record = clinic.run_to_file()
        assert {event.code for event in record.events} <= set(EVENTS)
        assert {check.name.partition(":")[0] for check in record.checks} <= set(CHECKS)
        assert {step.detail for step in record.steps} <= {"", *DETAILS}


def test_a_blip_sends_nobody_off_and_is_filed():
    clinic = outage(mains_after=20)
    record = clinic.run_to_file()
    assert (record.verdict, clinic.actions, record.checks) == (Verdict.PASSED, [], ())
    assert codes(record) == ["on_battery", "mains_back", "finished"]


def test_a_stage_begins_at_its_threshold_not_before():
    clinic = SimulatedClinic(plan(), runtime_seconds=1000)
    clinic.mains = False
    clinic.run(100)
    assert clinic.left == 900
    assert clinic.actions == []
    clinic.tick()
    assert [action for _, action in clinic.actions] == [ForceStage("rack-ups-workstations")]


def test_the_next_stage_waits_for_the_one_ahead_and_never_longer_than_its_time():
    clinic = SimulatedClinic(plan(below=(900, 890, 300)), runtime_seconds=1000)
    clinic.hosts["ws1"].hangs = True
    clinic.mains = False
    clinic.run(400)
    at = {action.latch: seconds for seconds, action in reversed(clinic.actions) if isinstance(action, ForceStage)}
    assert at["rack-ups-his"] - at["rack-ups-workstations"] == 60


def test_a_hung_host_is_named_and_the_others_still_go():
    clinic = SimulatedClinic(plan(), runtime_seconds=1000)
    clinic.hosts["his1"].hangs = True
    clinic.mains = False
    clinic.run(1500)
    clinic.mains = True
    record = clinic.run_to_file()
    assert [step.host for step in record.steps if step.hung] == ["his1"]
    assert not clinic.own.cut
    assert clinic.hosts["his1"].cut
    assert record.verdict is Verdict.FAILED
    assert {"hung:his1", "shutdown:his1", "database:his1/postgresql"} == set(failed(record))


def test_a_host_that_hears_nothing_is_named_at_once():
    clinic = SimulatedClinic(plan(), runtime_seconds=1000)
    clinic.hosts["ws2"].listens = False
    clinic.mains = False
    clinic.run(110)
    assert "host_not_listening" in codes(clinic.disk)


def test_a_host_that_was_off_before_is_neither_waited_for_nor_woken():
    clinic = SimulatedClinic(plan(), runtime_seconds=1000)
    clinic.hosts["ws2"].on = False
    clinic.mains = False
    clinic.run(1500)
    clinic.mains = True
    record = clinic.run_to_file()
    ws2 = host_step(record, "ws2")
    assert (ws2.detail, ws2.told_at, ws2.woken_at, record.verdict) == ("off_before", None, None, Verdict.PASSED)


def test_when_the_rest_needs_all_that_is_left_nobody_waits_for_the_stage_ahead():
    clinic = SimulatedClinic(plan(), runtime_seconds=150)
    clinic.hosts["ws1"].down_seconds = 59
    clinic.mains = False
    clinic.run(100)
    assert [type(action) for _, action in clinic.actions[:3]] == [ForceStage, ForceStage, ForceUps]
    assert "stage_must" in codes(clinic.disk)
    assert not any(host.cut for host in clinic.hosts.values())


def test_without_an_estimate_of_the_device_the_charge_says_how_long_it_lasts():
    clinic = SimulatedClinic(plan(), runtime_seconds=1000)
    clinic.mute_runtime = True
    clinic.mains = False
    clinic.run(1500)
    clinic.mains = True
    assert clinic.run_to_file().verdict is Verdict.PASSED
    assert not any(host.cut for host in clinic.hosts.values())


def test_no_word_of_the_ups_on_battery_counts_as_empty_after_its_dead_time():
    clinic = SimulatedClinic(plan(), runtime_seconds=5000)
    clinic.mains = False
    clinic.run(10)
    clinic.silent_driver = True
    clinic.run(14)
    assert clinic.actions == []
    clinic.run(2)
    assert [type(action) for _, action in clinic.actions] == [ForceStage, ForceStage, ForceUps]
    assert "communication_critical" in codes(clinic.disk)


def test_a_daemon_that_was_kept_from_looking_does_not_take_the_first_failed_look_for_a_dead_ups():
    clinic = SimulatedClinic(plan(), runtime_seconds=5000)
    clinic.mains = False
    clinic.run(10)
    clinic.seconds += 60  # stopped, or on a machine that is too busy; upsd ends a connection that says nothing so long
    clinic.silent_driver = True
    clinic.run(1)
    clinic.silent_driver = False
    clinic.run(10)
    assert clinic.actions == []
    assert codes(clinic.disk)[-2:] == ["communication_lost", "communication_back"]


def test_no_word_of_the_ups_on_the_mains_changes_nothing():
    clinic = SimulatedClinic(plan(), runtime_seconds=5000)
    clinic.run(10)
    clinic.silent_driver = True
    clinic.run(100)
    assert (clinic.actions, clinic.disk) == ([], None)


def test_a_calibration_is_no_outage():
    clinic = SimulatedClinic(plan(), runtime_seconds=500)
    clinic.calibrates = True
    clinic.run(100)
    assert (clinic.actions, clinic.disk) == ([], None)


def test_somebody_elses_forced_shutdown_is_on_record():
    clinic = SimulatedClinic(plan(), runtime_seconds=5000)
    clinic.mains = False
    clinic.run(10)
    clinic.latches.add("rack-ups")
    clinic.run(1)
    assert "forced_elsewhere" in codes(clinic.disk)
    assert clinic.disk is not None
    assert clinic.disk.phase is Phase.DARK


def test_mains_back_half_way_clears_the_latches_and_wakes_only_who_went():
    clinic = SimulatedClinic(plan(), runtime_seconds=1000)
    clinic.mains = False
    clinic.run(130)
    clinic.mains = True
    record = clinic.run_to_file()
    assert clinic.latches == set()
    assert {action.host.name for _, action in clinic.actions if isinstance(action, Wake)} == {"ws1", "ws2"}
    assert (record.verdict, host_step(record, "his1").told_at) == (Verdict.PASSED, None)
    assert record.dark_at is None


def test_nobody_is_woken_while_its_latch_still_says_that_it_must_go():
    clinic = SimulatedClinic(plan(), runtime_seconds=1000)
    clinic.mains = False
    clinic.run(130)
    clinic.mains = True
    clinic.failing = lambda action: isinstance(action, ClearLatch)
    clinic.run(60)
    assert not any(isinstance(action, Wake) for _, action in clinic.actions)
    clinic.failing = lambda _: False
    record = clinic.run_to_file()
    assert {action.host.name for _, action in clinic.actions if isinstance(action, Wake)} == {"ws1", "ws2"}
    assert record.verdict is Verdict.PASSED


def test_mains_back_before_a_host_is_off_waits_until_it_is_before_waking_it():
    clinic = SimulatedClinic(plan(), runtime_seconds=1000)
    clinic.mains = False
    clinic.run(105)
    clinic.mains = True
    record = clinic.run_to_file()
    ws1 = host_step(record, "ws1")
    assert in_order(ws1.told_at, ws1.off_at, ws1.woken_at, ws1.back_at)
    assert record.verdict is Verdict.PASSED


def test_a_host_whose_latch_was_cleared_before_it_looked_does_not_hang():
    clinic = SimulatedClinic(plan(), runtime_seconds=1000)
    clinic.hosts["ws1"].hears_late = clinic.hosts["ws2"].hears_late = True
    clinic.mains = False
    clinic.run(101)
    assert "rack-ups-workstations" in clinic.latches
    clinic.mains = True
    record = clinic.run_to_file()
    assert "host_spared" in codes(record)
    assert (record.verdict, [step.told_at for step in record.steps if step.hung]) == (Verdict.PASSED, [])
    assert all(host.on for host in clinic.hosts.values())


def test_mains_that_flickers_is_one_outage_and_nobody_goes_twice():
    clinic = SimulatedClinic(plan(), runtime_seconds=1000)
    clinic.mains = False
    clinic.run(130)
    clinic.mains = True
    clinic.run(3)
    clinic.mains = False
    clinic.run(600)
    clinic.mains = True
    record = clinic.run_to_file()
    assert "mains_away_again" in codes(record)
    assert all(len(host.told) <= 1 for host in clinic.hosts.values())


def test_an_outage_while_hosts_come_back_closes_the_record_and_opens_the_next():
    clinic = outage()
    clinic.run(300, lambda: any(isinstance(action, Wake) for _, action in clinic.actions))
    clinic.mains = False
    first = clinic.run_to_file()
    assert (first.verdict, "outage_again" in codes(first)) == (Verdict.ERROR, True)
    clinic.run(1200)
    clinic.mains = True
    second = clinic.run_to_file(2)
    assert second.record_id != first.record_id
    assert second.verdict is not Verdict.ERROR


def test_nobody_is_woken_while_the_battery_is_too_empty_for_one_more_way_down():
    clinic = SimulatedClinic(plan(), runtime_seconds=1000, limits=Limits(settle_seconds=5, minimum_charge_ratio=0.9))
    clinic.mains = False
    clinic.run(1500)
    clinic.mains = True
    record = clinic.run_to_file()
    assert "waiting_for_charge" in codes(record)
    assert record.verdict is Verdict.PASSED


def test_a_battery_that_does_not_charge_does_not_keep_the_clinic_dark():
    limits = Limits(settle_seconds=5, minimum_charge_ratio=2, charge_seconds=100)
    clinic = SimulatedClinic(plan(), runtime_seconds=1000, limits=limits)
    clinic.mains = False
    clinic.run(1500)
    clinic.mains = True
    record = clinic.run_to_file()
    assert ("charge_given_up" in codes(record), record.verdict) == (True, Verdict.PASSED)


def test_a_host_that_does_not_come_back_fails_the_record_by_name():
    clinic = outage()
    clinic.hosts["his1"].wakes = False
    record = clinic.run_to_file()
    assert failed(record) == {"back:his1": ""}
    assert host_step(record, "his1").detail == "not_back"


def test_a_latch_that_is_left_over_is_cleared_while_the_mains_is_there():
    clinic = SimulatedClinic(plan(), runtime_seconds=1000)
    clinic.latches.add("rack-ups-his")
    clinic.run(2)
    assert [action for _, action in clinic.actions] == [ClearLatch("rack-ups-his")]


def test_a_crash_between_dark_and_the_deed_is_made_good_on_battery():
    clinic = SimulatedClinic(plan(), runtime_seconds=1000)
    clinic.failing = lambda action: isinstance(action, ForceUps)
    clinic.mains = False
    clinic.run(1500, lambda: clinic.disk is not None and clinic.disk.phase is Phase.DARK)
    clinic.failing = lambda _: False
    clinic.crash()
    clinic.run(10)
    assert "rack-ups" in clinic.latches


def test_a_crash_between_dark_and_the_deed_is_called_off_when_the_mains_is_back():
    clinic = SimulatedClinic(plan(), runtime_seconds=1000)
    clinic.failing = lambda action: isinstance(action, ForceUps)
    clinic.mains = False
    clinic.run(1500, lambda: clinic.disk is not None and clinic.disk.phase is Phase.DARK)
    clinic.crash()
    clinic.mains = True
    clinic.failing = lambda _: False
    record = clinic.run_to_file()
    assert "dark_cancelled" in codes(record)
    assert record.verdict is Verdict.PASSED
    assert clinic.own.told == []


def test_mains_back_after_the_point_of_no_return_changes_nothing_until_the_next_boot():
    clinic = SimulatedClinic(plan(), runtime_seconds=1000)
    clinic.own.down_seconds = 40
    clinic.mains = False
    clinic.run(1500, lambda: "rack-ups" in clinic.latches)
    clinic.mains = True
    record = clinic.run_to_file()
    assert in_order(record.mains_back_at, record.booted_at)
    assert record.verdict is Verdict.PASSED


def test_a_power_cut_of_the_own_host_before_its_turn_is_told_and_everybody_comes_back():
    clinic = SimulatedClinic(plan(), runtime_seconds=1000)
    clinic.mains = False
    clinic.run(150)
    clinic._all_dark()
    clinic.mains = True
    record = clinic.run_to_file()
    assert "cut" in codes(record)
    assert all(host.on for host in clinic.hosts.values())


def test_a_jump_of_the_clock_changes_no_duration():
    clinic = SimulatedClinic(plan(below=(900, 890, 300)), runtime_seconds=1000)
    clinic.hosts["ws1"].hangs = True
    clinic.mains = False
    clinic.run(120)
    clinic.wall_offset = -86400 * 365
    clinic.crash()
    clinic.run(300)
    at = {action.latch: seconds for seconds, action in reversed(clinic.actions) if isinstance(action, ForceStage)}
    assert at["rack-ups-his"] - at["rack-ups-workstations"] == 60


def test_a_drill_that_nobody_unplugs_is_withdrawn():
    clinic = SimulatedClinic(plan(), runtime_seconds=1000, limits=Limits(unplug_seconds=30))
    clinic.ask()
    record = clinic.run_to_file(seconds=60)
    assert (record.cause, record.verdict, record.operator) == (Cause.DRILL, Verdict.ERROR, "Li Wei")
    assert "drill_withdrawn" in codes(record)


def test_an_unplugged_drill_is_recorded_as_one():
    clinic = SimulatedClinic(plan(), runtime_seconds=1000)
    clinic.ask()
    clinic.run(5)
    clinic.mains = False
    clinic.run(1500)
    clinic.mains = True
    record = clinic.run_to_file()
    assert (record.cause, record.scope, record.how, record.verdict) == (
        Cause.DRILL, "facility", "unplug", Verdict.PASSED,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("result", "verdict"),
    [(Result.PASSED, Verdict.PASSED), (Result.FAILED, Verdict.FAILED), (None, Verdict.ERROR)],
)
def test_a_battery_test_is_watched_and_sends_nobody_off(result: Result | None, verdict: Verdict):
    clinic = SimulatedClinic(plan(), runtime_seconds=800)  # below the first stage's threshold
    clinic.ask("test")
    clinic.tick()
    clinic.test = result
    record = clinic.run_to_file(seconds=200)
    assert record.verdict is verdict
    assert not any(isinstance(action, ForceStage | ForceUps) for _, action in clinic.actions)


def test_a_battery_test_in_which_the_mains_goes_away_still_goes_down_in_time():
    clinic = SimulatedClinic(plan(), runtime_seconds=800)
    clinic.ask("test")
    clinic.run(5)
    clinic.mains = False
    clinic.run(1500)
    assert not any(host.cut for host in clinic.hosts.values())


def test_a_host_without_a_hardware_address_needs_a_person_and_is_waited_for():
    ups = plan()
    stages = tuple(replace(one, hosts=tuple(replace(host, mac="") for host in one.hosts)) for one in ups.stages)
    clinic = SimulatedClinic(replace(ups, stages=stages), runtime_seconds=1000)
    clinic.mains = False
    clinic.run(1500)
    clinic.mains = True
    clinic.run(60)
    assert "cannot_be_woken" in codes(clinic.disk)
    for host in clinic.hosts.values():
        host.on = True
    clinic.tick()
    record = clinic.run_to_file()
    assert host_step(record, "ws1").woken_at is None
    assert host_step(record, "ws1").back_at is not None


def test_times_in_the_record_are_utc_and_start_with_the_outage():
    record = outage().run_to_file()
    assert record.started_at == START + timedelta(seconds=11)
