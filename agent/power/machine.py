"""One UPS's machine: look, decide, write the record, then do; what failed is told and tried again."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from agent.nut.errors import NutError
from agent.power.announced import announce, announcement, withdraw
from agent.power.around import LookingAround, Report
from agent.power.config import Config
from agent.power.decide import new_record_id, resumed, step
from agent.power.plan import Ups
from agent.power.reach import Probe, Surroundings
from agent.power.records import PowerRecord, write_record
from agent.power.request import Answer, DrillRequest
from agent.power.simulation import begins, goes_on, lasts_seconds
from agent.power.state import (
    Action,
    BatteryTest,
    ClearLatch,
    ForceStage,
    ForceUps,
    LookAround,
    Now,
    Observation,
    Request,
    State,
    Wake,
    noted,
)
from agent.power.upsd import Seen, UpsdSession
from agent.power.wake import wake

logger = logging.getLogger(__name__)

IDLE_TURNS = 15
"""In peace, hosts are asked only at every so many turns whether they are there."""


@dataclass(frozen=True)
class Outside:
    """What the daemon reaches beside upsd: hosts' networks, their agents' reports, their sleeping network cards."""

    probe: Probe
    report: Report
    wake: Callable[[str, str], None] = wake


@dataclass
class Machine:
    """One UPS.  ``turn`` is called once a second; nothing in it waits for a host."""

    ups: Ups
    config: Config
    upsd: UpsdSession
    surroundings: Surroundings
    outside: Outside
    state: State = field(default_factory=State)
    seen: Seen = field(default_factory=Seen)
    _around: LookingAround | None = None
    _unwritten: bool = False

    def resume(self, record: PowerRecord, now: Now, booted_at: datetime) -> None:
        """Go on with an open record that was found at the start."""
        logger.info("%s: going on with %s (%s)", self.ups.name, record.record_id, record.phase)
        self.state = resumed(record, self.ups, now, booted_at)
        self._keep(None)

    def turn(self, now: Now) -> None:
        """One look, one decision, its record, its deeds."""
        self._simulate(now)
        self.seen = self.upsd.look(self.ups)
        before = self.state.record
        busy = before is not None or self.state.request is not None
        others = [host for host in self.ups.hosts if host.name != self.ups.own]
        every = self.config.limits.turn_seconds * (1 if busy else IDLE_TURNS)
        there = self.surroundings.look(others, now.monotonic, every)
        findings = self._around.findings if self._around else None
        own = {self.ups.own}  # nobody asks it: it is here, since it looks
        seen = Observation(
            reading=self.seen.reading,
            logged_in=self.seen.logged_in,
            answering=there.answering | own,
            serving=there.serving | own,
            silent=there.silent,
            forced=self.seen.forced,
            runtime_low_seconds=self.seen.runtime_low_seconds,
            findings=findings,
        )
        self.state, actions = step(self.ups, self.config.limits, self.state, seen, now)
        if self._around and not self.state.looking:
            self._around.close()
            self._around = None
        self._keep(before)
        failed = {str(action): why for action in actions if (why := self._tried(action))}
        new = sorted(set(failed) - self.state.failed)
        self.state = replace(self.state, failed=frozenset(failed))
        if new and self.state.record is not None:
            before, record = self.state.record, self.state.record
            for action in new:
                record = noted(record, now, "action_failed", f"{action}: {failed[action]}")
            self.state = replace(self.state, record=record)
            self._keep(before)

    def answer(self, request: DrillRequest, now: Now) -> Answer:
        """Begin the drill that is asked for, or say why not."""
        refused = self._refusal()
        if refused:
            return Answer(request.request_id, refused)
        limits, drill = self.config.limits, new_record_id(self.ups, now)
        try:
            announce(self.config.records, announcement(drill, self.ups.name, request.how, now.wall, limits))
        except OSError as error:  # everybody who watches would take it for an outage
            return Answer(request.request_id, f"it cannot be announced: {error.strerror or error}")
        accepted = Request(request.scope, request.how, request.operator, drill)
        self.state = replace(self.state, request=accepted, request_until=now.monotonic + limits.unplug_seconds)
        if request.how == "simulated":
            try:
                self._say(begins(self._lasts()).variables())
            except NutError as error:
                self.state = replace(self.state, request=None)
                withdraw(self.config.records, self.ups.name)
                return Answer(request.request_id, f"the simulated UPS does not take it: {error}")
        logger.info("%s: drill %s/%s by %s", self.ups.name, request.scope, request.how, request.operator)
        return Answer(request.request_id, "")

    def _refusal(self) -> str:
        reading = self.seen.reading
        if self.state.request is not None:
            return "another drill waits to begin"
        if self.state.record is not None and self.state.record.finished_at is None:
            return f"the record {self.state.record.record_id} is open"
        if reading is None:
            return "upsd has no current data of the UPS"
        if not Observation(reading).on_mains:
            return f"the UPS is not on the mains ({' '.join(sorted(reading.flags))})"
        if reading.charge_ratio is not None and reading.charge_ratio < self.config.limits.minimum_charge_ratio:
            return f"the battery is at {reading.charge_ratio:.0%}"
        return ""

    def _simulate(self, now: Now) -> None:
        record = self.state.record
        said = (
            goes_on(record, self.ups, self.seen.reading, self._lasts(), now) if record and self.ups.simulated else None
        )
        if said is not None:
            try:
                self._say(said.variables())
            except NutError as error:
                logger.warning("%s: the simulated UPS does not take its state: %s", self.ups.name, error)

    def _lasts(self) -> float:
        return lasts_seconds(self.ups, self.config.drill_seconds, self.seen.runtime_low_seconds)

    def _say(self, variables: dict[str, str]) -> None:
        for name, value in variables.items():
            self.upsd.set_variable(self.ups.name, name, value)

    def _keep(self, before: PowerRecord | None) -> None:
        """Put a changed record on the disk.  A full disk is told and tried again, but stops nobody's shutdown."""
        record = self.state.record
        if record is None or (record is before and not self._unwritten):
            return
        old = len(before.events) if before and before.record_id == record.record_id else 0
        for event in record.events[old:]:
            logger.warning("%s: %s %s", self.ups.name, event.code, event.detail)
        try:
            write_record(self.config.records, record)
            self._unwritten = False
        except OSError as error:
            self._unwritten = True
            logger.warning("%s: the record could not be written: %s", record.record_id, error)

    def _tried(self, action: Action) -> str:
        """Do one action; return why it failed, or ""."""
        try:
            self._do(action)
        except (NutError, OSError, ValueError) as error:
            logger.warning("%s failed: %s", action, error)
            return str(error)
        return ""

    def _do(self, action: Action) -> None:
        match action:
            case ForceStage(latch):
                self.upsd.set_latch(latch, forced=True)
            case ClearLatch(latch):
                self.upsd.set_latch(latch, forced=False)
            case ForceUps(ups):
                self.upsd.force(ups)
            case BatteryTest(ups):
                self.upsd.command(ups, "test.battery.start.quick", "test.battery.start")
            case Wake(host):
                self.outside.wake(host.mac, host.broadcast)
            case LookAround(hosts, since):
                checks, seconds = self.config.return_checks, self.config.limits.check_seconds
                self._around = LookingAround(checks, hosts, since, seconds, self.outside.report)
