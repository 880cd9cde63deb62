"""What the power daemon does next: a pure state machine over one UPS, a look a second.

The record in the new state must be on the disk before the actions are done; actions come again until what is seen
shows that they took hold, so that a crash between the two loses nothing and sends nobody off twice.
"""

from dataclasses import replace
from datetime import datetime

from agent.power.down import remembered, step_down
from agent.power.hosts import first_steps
from agent.power.judge import judged
from agent.power.plan import Limits, Stage, Ups
from agent.power.records import Cause, Phase, PowerRecord, Verdict
from agent.power.returning import step_return
from agent.power.state import (
    Action,
    BatteryTest,
    ClearLatch,
    Now,
    Observation,
    Request,
    State,
    Step,
    filed,
    noted,
    with_step,
)
from agent.power.trial import step_test


def step(ups: Ups, limits: Limits, state: State, seen: Observation, now: Now) -> tuple[State, tuple[Action, ...]]:
    """Return the next state and what is to be done now."""
    this = Step(ups, limits, seen, now)
    if state.record is not None and state.record.phase is Phase.FINISHED:
        state = State(request=state.request, request_until=state.request_until)  # it is filed
    state = remembered(this, state)
    if state.record is None:
        return _idle(this, state)
    if state.record.how == "test" and state.record.phase is Phase.ON_BATTERY:
        return step_test(this, state)
    if state.record.phase is Phase.RETURNING:
        return _returning(this, state)
    if seen.on_mains:
        return _mains_back(this, state)
    return step_down(this, state)


def opened(this: Step, request: Request | None) -> PowerRecord:
    """Return a new record of an outage, or of the drill that was asked for."""
    now = this.now
    reading = this.seen.reading
    record = PowerRecord(
        record_id=request.record_id if request else new_record_id(this.ups, now),
        ups=this.ups.name,
        host=this.ups.own,
        cause=Cause.DRILL if request else Cause.OUTAGE,
        phase=Phase.ON_BATTERY,
        started_at=now.wall,
        operator=request.operator if request else "",
        scope=request.scope if request else "",
        how=request.how if request else "",
        runtime_at_start_seconds=reading.runtime_seconds if reading else None,
        steps=first_steps(this),
        boot_id=now.boot_id,
    )
    return noted(record, now, "drill_started", request.operator) if request else record


def new_record_id(ups: Ups, now: Now) -> str:
    """Return the id of a record that is opened, or of a drill that is announced, now."""
    return f"{now.wall:%Y%m%dT%H%M%SZ}-{ups.name}-{int(now.monotonic * 1000) & 0xFFFFFF:06x}"


def resumed(record: PowerRecord, ups: Ups, now: Now, booted_at: datetime) -> State:
    """Return the state in which a started daemon goes on with the open record that it found."""
    if record.boot_id == now.boot_id:
        return State(record=noted(record, now, "resumed"), last_at=now.monotonic, battery_since=now.monotonic)
    if record.phase in {Phase.ON_BATTERY, Phase.GOING_DOWN}:
        record = noted(record, now, "cut")
    for one in record.steps:
        # Whoever had come back went down again with this host, or answers again by itself.
        own = one.host == ups.own
        record = with_step(record, one.host, back_at=booted_at if own else None, woken_at=None)
    over = {name: now.monotonic - ups_stage.takes_seconds for name, ups_stage in _stages(ups, record).items()}
    record = replace(record, phase=Phase.RETURNING, booted_at=booted_at, boot_id=now.boot_id, begun=over)
    return State(record=noted(record, now, "booted"), last_at=now.monotonic)


def _stages(ups: Ups, record: PowerRecord) -> dict[str, Stage]:
    return {stage.name: stage for stage in ups.stages if stage.name in record.begun}


def _idle(this: Step, state: State) -> tuple[State, tuple[Action, ...]]:
    if this.seen.on_battery:
        record = replace(opened(this, state.request), on_battery_at=this.now.wall)
        record = noted(record, this.now, "on_battery")
        fresh = replace(state, record=record, request=None, mains_since=None, battery_since=this.now.monotonic)
        return step_down(this, fresh)
    if state.request is not None and state.request.how == "test":
        record = noted(opened(this, state.request), this.now, "battery_test")
        begun = replace(state, record=record, request=None, test_since=this.now.monotonic)
        return begun, (BatteryTest(this.ups.name),)
    if state.request is not None and this.now.monotonic >= state.request_until:
        record = noted(opened(this, state.request), this.now, "drill_withdrawn")
        return replace(state, record=filed(this, replace(record, verdict=Verdict.ERROR)), request=None), ()
    # A latch that is left over would send its hosts off as soon as they look: nobody is to go while the mains is there.
    return state, _cleared(this) if this.seen.on_mains else ()


def _mains_back(this: Step, state: State) -> tuple[State, tuple[Action, ...]]:
    record, now = state.record, this.now
    assert record is not None  # noqa: S101 - the caller's dispatch
    if record.phase is Phase.DARK and this.ups.name in this.seen.forced:
        return _beyond_return(this, replace(state, record=record))
    if record.phase is Phase.DARK:
        last = this.ups.stages[-1]
        for host in last.hosts:
            record = with_step(record, host.name, told_at=None)
        begun = {name: at for name, at in record.begun.items() if name != last.name}
        record = noted(replace(record, dark_at=None, begun=begun), now, "dark_cancelled")
    record = _with_charge(this, noted(replace(record, mains_back_at=now.wall), now, "mains_back"))
    if not record.begun:
        return replace(state, record=filed(this, judged(record, this.ups, None))), ()
    record = replace(record, phase=Phase.RETURNING)
    return replace(state, record=record, mains_since=now.monotonic, battery_since=None), _cleared(this)


def _beyond_return(this: Step, state: State) -> tuple[State, tuple[Action, ...]]:
    """The UPS's shutdown is forced: this host goes, mains or not.  A host that stays on is told, by name."""
    record, now = state.record, this.now
    assert record is not None  # noqa: S101 - the caller's dispatch
    if record.mains_back_at is None:
        record = _with_charge(this, noted(replace(record, mains_back_at=now.wall), now, "mains_back"))
    last = this.ups.stages[-1]
    late = now.monotonic - record.begun.get(last.name, now.monotonic) > 2 * last.takes_seconds + 60
    if late and not any(event.code == "still_up" for event in record.events):
        record = noted(record, now, "still_up", "systemctl restart nut-server")
    return replace(state, record=record), ()


def _returning(this: Step, state: State) -> tuple[State, tuple[Action, ...]]:
    record, now = state.record, this.now
    assert record is not None  # noqa: S101 - the caller's dispatch
    if not this.seen.on_battery:
        return step_return(this, state)
    anew = bool(state.woke) or record.dark_at is not None or any(one.woken_at for one in record.steps)
    if anew:
        record = noted(record, now, "outage_again")
        return replace(state, record=filed(this, replace(record, verdict=Verdict.ERROR))), ()
    record = replace(record, mains_back_at=None, phase=Phase.GOING_DOWN if record.begun else Phase.ON_BATTERY)
    record = noted(record, now, "mains_away_again")
    return step_down(this, replace(state, record=record, mains_since=None, battery_since=now.monotonic))


def _with_charge(this: Step, record: PowerRecord) -> PowerRecord:
    reading = this.seen.reading
    return replace(record, charge_at_end_ratio=reading.charge_ratio if reading else None)


def _cleared(this: Step) -> tuple[Action, ...]:
    return tuple(
        ClearLatch(stage.latch) for stage in this.ups.stages if stage.latch and stage.latch in this.seen.forced
    )
