"""The UPS's own battery test as a drill: watched, nobody is sent off, unless the mains really goes away in it."""

from dataclasses import replace

from agent.power.down import step_down
from agent.power.records import Check, PowerRecord, Verdict
from agent.power.state import Action, State, Step, filed, noted
from agent.ups.reading import Flag, TestResult

SHORTEST_SECONDS = 10.0
UNSEEN_SECONDS = 120.0
"""A test that nobody has seen begin within this time has not run."""

VERDICTS = {TestResult.PASSED: Verdict.PASSED, TestResult.FAILED: Verdict.FAILED, TestResult.WARNING: Verdict.FAILED}
SIGNS = {Flag.TEST, Flag.CALIBRATION, Flag.ON_BATTERY, Flag.DISCHARGING}


def step_test(step: Step, state: State) -> tuple[State, tuple[Action, ...]]:
    """Decide one look during a battery test; ``state.record`` is open."""
    record, now = state.record, step.now
    assert record is not None  # noqa: S101 - the caller's dispatch
    since = now.monotonic if state.test_since is None else state.test_since
    state = replace(state, test_since=since)
    reading = step.seen.reading
    running = reading is not None and (bool(reading.flags & SIGNS) or reading.test is TestResult.IN_PROGRESS)
    if running and not _ran(record):
        record = noted(record, now, "battery_test_runs")
        record = replace(record, on_battery_at=now.wall if step.seen.on_battery else None)
    if step.seen.on_battery:
        battery_since = now.monotonic if state.battery_since is None else state.battery_since
        state, actions = step_down(step, replace(state, record=record, battery_since=battery_since))
        return state, actions
    elapsed = now.monotonic - since
    over = elapsed >= step.limits.test_seconds or any(one.startswith("BatteryTest") for one in state.failed)
    if reading is not None and not running:
        over = over or elapsed >= (SHORTEST_SECONDS if _ran(record) else UNSEEN_SECONDS)
    if over:
        record = _ended(step, record)
    return replace(state, record=record), ()


def _ran(record: PowerRecord) -> bool:
    return any(event.code == "battery_test_runs" for event in record.events)


def _ended(step: Step, record: PowerRecord) -> PowerRecord:
    reading = step.seen.reading
    result = reading.test if reading and reading.test else TestResult.NONE
    verdict = VERDICTS.get(result, Verdict.ERROR) if _ran(record) else Verdict.ERROR
    detail = result.value if _ran(record) else "it was not seen to run"
    check = Check("battery_test", verdict is Verdict.PASSED, detail)
    record = noted(record, step.now, "battery_test_over", result.value)
    charge = reading.charge_ratio if reading else None
    return filed(step, replace(record, checks=(check,), verdict=verdict, charge_at_end_ratio=charge))
