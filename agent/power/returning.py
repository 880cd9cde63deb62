"""The way back: wait for the mains and some charge, wake the hosts stage by stage from the last on, look around."""

from dataclasses import replace

from agent.power.judge import judged
from agent.power.outside import NEVER_AWAY, reached, seen_away, silences_noted
from agent.power.plan import Host, Stage
from agent.power.records import HostStep, PowerRecord
from agent.power.state import Action, ClearLatch, LookAround, State, Step, Wake, filed, host_step, noted, with_step

UPSMON_SECONDS = 5.0
"""Within so long every upsmon has looked at its latch (POLLFREQ)."""


def step_return(step: Step, state: State) -> tuple[State, tuple[Action, ...]]:
    """Decide one look while the mains is back, or not known to be away; ``state.record`` is open."""
    record, now = state.record, step.now
    assert record is not None  # noqa: S101 - the caller's dispatch
    cleared: tuple[Action, ...] = tuple(
        ClearLatch(stage.latch) for stage in step.ups.stages if stage.latch and stage.latch in step.seen.forced
    )
    if not step.seen.on_mains:
        return replace(state, mains_since=None), cleared
    if state.mains_since is None:
        state = replace(state, mains_since=now.monotonic)
        if record.mains_back_at is None:
            record = noted(replace(record, mains_back_at=now.wall), now, "mains_back")
    record = silences_noted(step, _gone(step, record))
    ready, record = _may_wake(step, state, record)
    state = replace(state, record=record)
    if not ready:
        return state, cleared
    state, actions, settled = _come_back(step, state)
    if settled:
        state, looks = _look(step, state)
        actions = (*actions, *looks)
    return state, (*cleared, *actions)


def _may_wake(step: Step, state: State, record: PowerRecord) -> tuple[bool, PowerRecord]:
    """Whether the mains holds and the battery has enough for one more way down in order."""
    held = step.now.monotonic - (state.mains_since or step.now.monotonic)
    reading = step.seen.reading
    charge = reading.charge_ratio if reading else None
    if held < step.limits.settle_seconds:
        return False, record
    if charge is None or charge >= step.limits.minimum_charge_ratio:
        return True, record
    codes = {event.code for event in record.events}
    if held >= step.limits.charge_seconds:
        return True, record if "charge_given_up" in codes else noted(record, step.now, "charge_given_up")
    if "waiting_for_charge" not in codes:
        record = noted(record, step.now, "waiting_for_charge", f"{charge:.0%}")
    return False, record


def _gone(step: Step, record: PowerRecord) -> PowerRecord:
    """Note who of the hosts on their way off is off now; whoever stays on beyond its stage's time hangs."""
    for stage in step.ups.stages:
        for host in stage.hosts:
            known = host_step(record, host.name)
            if record.booted_at or not _goes(known):
                continue
            over = step.now.monotonic - record.begun.get(stage.name, step.now.monotonic) >= stage.takes_seconds
            listed = step.seen.logged_in is not None and host.name in step.seen.logged_in
            if known.left_at is None and step.seen.logged_in is not None and not listed:
                record = noted(with_step(record, host.name, left_at=step.now.wall), step.now, "host_left", host.name)
            if host.name in step.seen.silent:
                record = noted(with_step(record, host.name, off_at=step.now.wall), step.now, "host_off", host.name)
            elif over and known.left_at is not None and listed:
                # It went and came between two looks: its upsmon has logged in again.
                record = _back(step, record, host)
            elif over and known.left_at is None and listed and _spared(record, known):
                record = noted(with_step(record, host.name, told_at=None), step.now, "host_spared", host.name)
            elif over and host.name in step.seen.answering:
                record = noted(with_step(record, host.name, hung=True), step.now, "host_hung", host.name)
    return record


def _spared(record: PowerRecord, known: HostStep) -> bool:
    """Whether the mains came back so soon after its latch was set that the host's upsmon may not have looked."""
    if record.mains_back_at is None or known.told_at is None:
        return False
    return abs((record.mains_back_at - known.told_at).total_seconds()) <= UPSMON_SECONDS


def _goes(known: HostStep) -> bool:
    settled = known.hung or known.back_at is not None or known.detail == NEVER_AWAY
    return known.told_at is not None and known.off_at is None and not settled


def _come_back(step: Step, state: State) -> tuple[State, tuple[Action, ...], bool]:
    """Wake the first stage from the last on that is not back; say whether every stage is."""
    for stage in reversed(step.ups.stages):
        state, actions, settled = _stage_back(step, state, stage)
        if not settled:
            return state, actions, False
    return state, (), True


def _stage_back(step: Step, state: State, stage: Stage) -> tuple[State, tuple[Action, ...], bool]:
    if stage.latch in step.seen.forced:
        return state, (), False  # it is being cleared; who is woken before would go down again
    actions: list[Action] = []
    settled = True
    for host in stage.hosts:
        state, woken, back = _host_back(step, state, host)
        actions += woken
        settled = settled and back
    return state, tuple(actions), settled


def _host_back(step: Step, state: State, host: Host) -> tuple[State, tuple[Action, ...], bool]:
    record = state.record
    assert record is not None  # noqa: S101 - narrowed by the caller
    known = host_step(record, host.name)
    if known.detail in {"off_before", "not_back", NEVER_AWAY} or known.back_at is not None:
        return state, (), True
    if known.told_at is not None and known.off_at is None and not known.hung and record.booted_at is None:
        return state, (), False  # it still goes down
    if host.name in step.seen.answering and _was_on_throughout(record, known):
        return state, (), True
    if host.name in step.seen.serving:
        return replace(state, record=_back(step, record, host)), (), True
    return _awaited(step, state, host)


def _was_on_throughout(record: PowerRecord, known: HostStep) -> bool:
    """A host that hangs, or was never told, and did not lose its power with the UPS's own host."""
    return record.booted_at is None and not seen_away(record, known) and (known.hung or known.told_at is None)


def _back(step: Step, record: PowerRecord, host: Host) -> PowerRecord:
    if not host.agent:
        return reached(step, record, host)
    return noted(with_step(record, host.name, back_at=step.now.wall), step.now, "host_back", host.name)


def _awaited(step: Step, state: State, host: Host) -> tuple[State, tuple[Action, ...], bool]:
    """Wake a host, again and again while it is silent, until its time is over."""
    record, now = state.record, step.now
    assert record is not None  # noqa: S101 - narrowed by the caller
    since = state.awaited.get(host.name, now.monotonic)
    state = replace(state, awaited={**state.awaited, host.name: since})
    if now.monotonic - since >= step.limits.host_seconds:
        record = noted(with_step(record, host.name, detail="not_back"), now, "host_not_back", host.name)
        return replace(state, record=record), (), True
    again = state.woke.get(host.name)
    if host.name not in step.seen.silent or (
        again is not None and now.monotonic - again < step.limits.wake_again_seconds
    ):
        return state, (), False
    if again is None:
        record = noted(record, now, "woken" if host.mac else "cannot_be_woken", host.name)
    if host.mac and host_step(record, host.name).woken_at is None:
        record = with_step(record, host.name, woken_at=now.wall)
    state = replace(state, record=record, woke={**state.woke, host.name: now.monotonic})
    return state, (Wake(host),) if host.mac else (), False


def _look(step: Step, state: State) -> tuple[State, tuple[Action, ...]]:
    """Everybody who comes is back: have services and databases looked at, then judge and file."""
    record, now = state.record, step.now
    assert record is not None  # noqa: S101 - narrowed by the caller
    if step.seen.findings is not None and state.looking:
        record = judged(record, step.ups, step.seen.findings)
        return replace(state, record=filed(step, record), looking=False), ()
    if state.looking:
        return state, ()
    if not any(event.code == "checks_begun" for event in record.events):
        record = noted(record, now, "checks_begun")
    steps = {host: host_step(record, host.name) for host in step.ups.hosts if host.agent}
    went = tuple(host for host, known in steps.items() if known.told_at is not None and known.back_at is not None)
    since = min((one.told_at for one in record.steps if one.told_at), default=record.started_at)
    return replace(state, record=record, looking=True), (LookAround(went, since),)
