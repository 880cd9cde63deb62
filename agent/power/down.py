"""The way down: which stage begins when.  Pure; ``decide`` calls it while the mains is away."""

from dataclasses import dataclass, replace

from agent.power.estimate import kept, runtime_seconds
from agent.power.hosts import stage_done, told, watched
from agent.power.plan import Stage
from agent.power.records import Phase, PowerRecord
from agent.power.state import Action, ForceStage, ForceUps, Sample, State, Step, noted
from agent.ups.reading import Flag

BLIND_SECONDS = 60.0
"""On battery so long with neither runtime nor charge: it counts as empty."""


@dataclass(frozen=True)
class Left:
    """What the battery has left: ``shown`` as the device and its charge say, ``usable`` until it says "low"."""

    shown: float | None
    usable: float | None


def remembered(step: Step, state: State) -> State:
    """Return the state with this look's reading, and with the charge's trail while on battery."""
    reading = step.seen.reading
    if reading is None:
        return state if state.lost_at is not None else replace(state, lost_at=step.now.monotonic)
    trail = state.trail
    if not step.seen.on_battery:
        trail = ()
    elif reading.charge_ratio is not None:
        trail = kept(trail, Sample(step.now.monotonic, reading.charge_ratio))
    runtime = runtime_seconds(reading, trail, step.now.monotonic)
    return replace(state, last=reading, last_at=step.now.monotonic, lost_at=None, trail=trail, runtime_at=runtime)


def left(step: Step, state: State) -> Left:
    """Return what the battery has left; without a current reading the last one, less the time since."""
    age = step.now.monotonic - state.last_at
    if _dead(step, state):
        return Left(0, 0)
    if state.last is not None and {Flag.LOW_BATTERY, Flag.ON_BATTERY} <= state.last.flags:
        return Left(0, 0)
    if state.runtime_at is None:
        charge = state.last.charge_ratio if state.last else None
        since = step.now.monotonic if state.battery_since is None else state.battery_since
        blind = charge is None and step.now.monotonic - since >= BLIND_SECONDS
        return Left(0, 0) if blind else Left(None, None)
    shown = max(0.0, state.runtime_at - age)
    return Left(shown, max(0.0, shown - step.seen.runtime_low_seconds))


def _dead(step: Step, state: State) -> bool:
    """Whether nothing was heard of the UPS for too long.

    It counts from the first look in vain, not from the last reading: a daemon that a busy machine kept from looking,
    or whose connection ended meanwhile, knows nothing about the UPS yet.
    """
    return state.lost_at is not None and step.now.monotonic - state.lost_at >= step.limits.dead_seconds


def step_down(step: Step, state: State) -> tuple[State, tuple[Action, ...]]:
    """Decide one look while the mains is away, or not known to be back; ``state.record`` is open."""
    record = state.record
    assert record is not None  # noqa: S101 - the caller's dispatch
    record = _said(step, state, watched(step, record))
    battery = left(step, state)
    stages = step.ups.stages
    while len(_begun(step, record)) < len(stages):
        number = len(_begun(step, record))
        why = _begins(step, record, number, battery)
        if why is None:
            break
        record = _begin(step, record, stages[number], why, battery)
    if record.phase is Phase.DARK and record.charge_at_end_ratio is None and state.last is not None:
        record = replace(record, charge_at_end_ratio=state.last.charge_ratio)
    return replace(state, record=record), _forces(step, record)


def _said(step: Step, state: State, record: PowerRecord) -> PowerRecord:
    """Note what the UPS says: low, forced by another, no longer heard."""
    now, reading = step.now, step.seen.reading
    if reading is not None and Flag.LOW_BATTERY in reading.flags and record.low_at is None:
        record = noted(replace(record, low_at=now.wall), now, "low_battery")
    if step.ups.name in step.seen.forced and step.ups.stages[-1].name not in record.begun:
        record = noted(record, now, "forced_elsewhere")
        for stage in step.ups.stages:
            if stage.name not in record.begun:
                record = told(step, record, stage)
        record = replace(record, phase=Phase.DARK, dark_at=now.wall)
    codes = [event.code for event in record.events if event.code.startswith("communication_")]
    last = codes[-1] if codes else "communication_back"
    if reading is None:
        if last == "communication_back":
            record = noted(record, now, "communication_lost")
        elif last == "communication_lost" and _dead(step, state):
            record = noted(record, now, "communication_critical")
    elif last != "communication_back":
        record = noted(record, now, "communication_back")
    return record


def _begun(step: Step, record: PowerRecord) -> list[Stage]:
    return [stage for stage in step.ups.stages if stage.name in record.begun]


def _begins(step: Step, record: PowerRecord, number: int, battery: Left) -> str | None:
    """Return the code of why a stage begins now, or None.

    When the time that the rest needs is all there is, nobody waits for the stage ahead: late is still better
    than cut off.
    """
    stages = step.ups.stages
    needs = step.ups.needs_seconds(number) + (step.ups.sync_seconds if any(one.hung for one in record.steps) else 0)
    if battery.usable is not None and battery.usable <= needs:
        return "stage_must"
    if number and not stage_done(record, stages[number - 1]):
        return None
    below = battery.shown is not None and battery.shown < stages[number].below_seconds
    return "stage_below" if below and record.how != "test" else None


def _begin(step: Step, record: PowerRecord, stage: Stage, why: str, battery: Left) -> PowerRecord:
    seconds = "unknown" if battery.shown is None else f"{battery.shown:.0f}"
    record = told(step, noted(record, step.now, why, f"{stage.name} {seconds}"), stage)
    if stage.latch is None:
        record = noted(record, step.now, "dark")
        return replace(record, phase=Phase.DARK, dark_at=step.now.wall)
    return replace(record, phase=Phase.GOING_DOWN)


def _forces(step: Step, record: PowerRecord) -> tuple[Action, ...]:
    """What must be forced and does not show it: again after a crash between record and deed, or a deed that failed."""
    actions: list[Action] = []
    for stage in _begun(step, record):
        name = stage.latch or step.ups.name
        if name not in step.seen.forced:
            actions.append(ForceUps(name) if stage.latch is None else ForceStage(name))
    return tuple(actions)
