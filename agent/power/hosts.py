"""What the fed hosts do on the way down: who left, who is off, who hangs."""

from dataclasses import replace

from agent.power.plan import Stage
from agent.power.records import HostStep, PowerRecord
from agent.power.state import Step, host_step, noted, with_step


def first_steps(step: Step) -> tuple[HostStep, ...]:
    """Return the steps of a new record: who is off already, and which host is the UPS's own."""
    return tuple(
        HostStep(host.name, stage.name, detail=_first_detail(step, host.name))
        for stage in step.ups.stages
        for host in stage.hosts
    )


def _first_detail(step: Step, host: str) -> str:
    if host == step.ups.own:
        return "self"
    off = host in step.seen.silent and host not in (step.seen.logged_in or ())
    return "off_before" if off else ""


def told(step: Step, record: PowerRecord, stage: Stage) -> PowerRecord:
    """Return the record with a stage's hosts as told, now."""
    for host in stage.hosts:
        known = host_step(record, host.name)
        if known.detail == "off_before" or known.told_at is not None:
            continue
        record = with_step(record, host.name, told_at=step.now.wall)
        listens = step.seen.logged_in is None or host.name in step.seen.logged_in
        if not listens and known.detail != "self":
            record = with_step(record, host.name, detail="not_listening")
            record = noted(record, step.now, "host_not_listening", host.name)
    return replace(record, begun={**record.begun, stage.name: step.now.monotonic})


def watched(step: Step, record: PowerRecord) -> PowerRecord:
    """Return the record with what the told hosts did since the last look, and with the stages that are over."""
    for late in record.steps:
        if late.hung and late.off_at is None and late.host in step.seen.silent:
            record = noted(with_step(record, late.host, off_at=step.now.wall), step.now, "host_off", late.host)
    for stage in step.ups.stages:
        if stage.name not in record.begun or stage_done(record, stage):
            continue
        over = step.now.monotonic - record.begun[stage.name] >= stage.takes_seconds
        for host in stage.hosts:
            if waits_for(record, host.name):
                record = _watched_host(step, record, host.name, over=over)
        if stage_done(record, stage):
            on = [host.name for host in stage.hosts if host_step(record, host.name).hung]
            record = noted(record, step.now, "stage_late" if on else "stage_over", " ".join([stage.name, *on]))
    return record


def waits_for(record: PowerRecord, host: str) -> bool:
    """Whether a host's going off is still to come."""
    known = host_step(record, host)
    return known.detail not in {"self", "off_before"} and known.off_at is None and not known.hung


def stage_done(record: PowerRecord, stage: Stage) -> bool:
    """Whether nobody waits for a stage any more: its hosts are off, or left behind."""
    return stage.name in record.begun and not any(waits_for(record, host.name) for host in stage.hosts)


def _watched_host(step: Step, record: PowerRecord, host: str, *, over: bool) -> PowerRecord:
    known, wall = host_step(record, host), step.now.wall
    silent = host in step.seen.silent
    if known.left_at is None and step.seen.logged_in is not None and host not in step.seen.logged_in:
        if known.detail != "not_listening":
            record = noted(with_step(record, host, left_at=wall), step.now, "host_left", host)
        known = host_step(record, host)
    if silent and (known.left_at is not None or known.detail == "not_listening"):
        return noted(with_step(record, host, off_at=wall), step.now, "host_off", host)
    if over and silent:
        # Its session at upsd stands: a cut host looks so, and so does one behind a switch that has no power.
        return noted(with_step(record, host, off_at=wall, detail="lost"), step.now, "host_off", host)
    if over:
        return noted(with_step(record, host, hung=True), step.now, "host_hung", host)
    return record
