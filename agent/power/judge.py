"""The verdict on an outage or a drill, from its record and from what was seen after the return."""

from collections.abc import Iterator
from dataclasses import replace

from agent.power.outside import NEVER_AWAY
from agent.power.plan import Host, Ups
from agent.power.records import Check, HostStep, PowerRecord, Verdict
from agent.power.state import Findings, host_step, with_step


def judged(record: PowerRecord, ups: Ups, findings: Findings | None) -> PowerRecord:
    """Return the record with its checks and verdict; without findings nobody went, and nothing was to be looked at.

    Passed when every check is.  An outage in which nobody had to go has no check, and passed.
    """
    if findings is None:
        return replace(record, verdict=Verdict.PASSED)
    for host, boot in findings.boots.items():
        known = [database.clean for database in boot.databases if database.clean is not None]
        record = with_step(record, host, clean=all(known) if known else None)
        if host == ups.own and boot.previous_end_at and host_step(record, host).off_at is None and record.dark_at:
            record = with_step(record, host, off_at=boot.previous_end_at)
    checks = (*_way_down(record, ups), *_hosts(record, ups), *findings.checks, *_databases(record, ups, findings))
    verdict = Verdict.PASSED if all(check.passed for check in checks) else Verdict.FAILED
    return replace(record, checks=checks, verdict=verdict)


def _way_down(record: PowerRecord, ups: Ups) -> Iterator[Check]:
    told = [one for one in record.steps if one.told_at is not None]
    if not told:
        return
    wrong = ", ".join(_out_of_order(record, ups))
    yield Check("order", not wrong, wrong)
    after = [one.host for one in told if record.low_at and one.told_at and one.told_at > record.low_at]
    yield Check("in_time", not after, ", ".join(after))


def _out_of_order(record: PowerRecord, ups: Ups) -> Iterator[str]:
    """Yield hosts that were told before somebody of an earlier stage was off, or counted as hung."""
    for number, stage in enumerate(ups.stages):
        times = [step.told_at for host in stage.hosts if (step := host_step(record, host.name)).told_at]
        ahead = [host_step(record, host.name) for one in ups.stages[:number] for host in one.hosts]
        waited = [step for step in ahead if step.told_at and not step.hung and step.detail != "self"]
        if times and any(step.off_at is None or step.off_at > min(times) for step in waited if step.told_at):
            yield stage.name


def _hosts(record: PowerRecord, ups: Ups) -> Iterator[Check]:
    for host in ups.hosts:
        one = host_step(record, host.name)
        if one.detail == "off_before":
            continue
        if one.told_at is not None and one.detail != "self":
            yield Check(f"hung:{one.host}", not one.hung, _seconds(one))
        went = record.booted_at is not None or one.detail == NEVER_AWAY
        if one.off_at is not None or (went and one.told_at is not None):
            yield _back(host, one)


def _back(host: Host, one: HostStep) -> Check:
    """A host without an agent is judged by less: it was seen away, and answers again."""
    if host.agent:
        return Check(f"back:{one.host}", one.back_at is not None)
    why = "it was never seen away" if one.detail == NEVER_AWAY else f"{host.asked}: no answer"
    return Check(f"reachable:{one.host}", one.back_at is not None, host.asked if one.back_at else why)


def _seconds(one: HostStep) -> str:
    if one.told_at is None or one.off_at is None:
        return ""
    return f"{(one.off_at - one.told_at).total_seconds():.0f} s"


def _databases(record: PowerRecord, ups: Ups, findings: Findings) -> Iterator[Check]:
    for host in ups.hosts:
        one = host_step(record, host.name)
        if not host.agent or one.told_at is None or one.back_at is None:
            continue
        boot = findings.boots.get(host.name)
        yield Check(f"report:{host.name}", boot is not None, "" if boot else "no report of its last boot")
        if boot is None:
            continue
        if boot.previous_clean is not None:
            yield Check(f"shutdown:{host.name}", boot.previous_clean)
        for database in boot.databases:
            sound = database.clean is True and database.accepts
            state = "" if database.accepts else "accepts no connections; "
            yield Check(f"database:{host.name}/{database.name}", sound, state + database.evidence)
