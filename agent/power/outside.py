"""The return of a host without an agent, as far as it can be seen from outside.  Pure.

Nothing tells one boot of it from the next: only who was seen away and answers again is said to have come back, and
nothing is said of how it went down.
"""

from agent.power.plan import Host
from agent.power.records import HostStep, PowerRecord
from agent.power.state import Step, host_step, noted, with_step

NEVER_AWAY = "never_away"


def seen_away(record: PowerRecord, known: HostStep) -> bool:
    """Whether a host was seen not to answer; events keep what is seen after the times of the way down."""
    silences = (event for event in record.events if event.code == "host_silent")
    return known.off_at is not None or any(event.detail == known.host for event in silences)


def silences_noted(step: Step, record: PowerRecord) -> PowerRecord:
    """Return the record with those who are silent on the way back: a host may start by itself before its turn."""
    for host in step.ups.hosts:
        known = host_step(record, host.name)
        waited_for = known.detail != "off_before" and known.back_at is None
        if not host.agent and waited_for and host.name in step.seen.silent and not seen_away(record, known):
            record = noted(record, step.now, "host_silent", host.name)
    return record


def reached(step: Step, record: PowerRecord, host: Host) -> PowerRecord:
    """Return the record with a host that answers what it is asked from outside."""
    known = host_step(record, host.name)
    if not seen_away(record, known):
        return noted(with_step(record, host.name, detail=NEVER_AWAY), step.now, "host_never_away", host.name)
    record = with_step(record, host.name, back_at=step.now.wall, detail=known.detail or "reachable")
    return noted(record, step.now, "host_reachable", f"{host.name} {host.asked}")
