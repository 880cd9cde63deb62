"""A simulated clinic for the power daemon's decisions: battery, hosts, upsd's latches, and a clock that never waits."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from agent.power.decide import new_record_id, resumed, step
from agent.power.plan import Host, Limits, Stage, Ups
from agent.power.records import PowerRecord, from_json, to_json
from agent.power.state import (
    Action,
    BatteryTest,
    Boot,
    ClearLatch,
    Database,
    Findings,
    ForceStage,
    ForceUps,
    LookAround,
    Now,
    Observation,
    Request,
    State,
    Wake,
)
from agent.ups.reading import Flag, TestResult, UpsReading

START = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
OWN = "appliance1"


def plan(*, below: tuple[float, ...] = (900, 600, 300), takes: tuple[float, ...] = (60, 120, 60)) -> Ups:
    """Return workstations, then the HIS, then the appliance."""
    names = (("workstations", ("ws1", "ws2")), ("his", ("his1",)), ("appliance", ("pacs1", OWN)))
    stages = tuple(
        Stage(
            name,
            tuple(
                Host(host, f"127.0.0.{number}{at}", 9633, f"02:00:00:00:0{number}:0{at}")
                for at, host in enumerate(hosts)
            ),
            below[number],
            takes[number],
            None if number == 2 else f"rack-ups-{name}",
        )
        for number, (name, hosts) in enumerate(names)
    )  # fmt: skip
    return Ups("rack-ups", OWN, stages)


@dataclass
class SimulatedHost:
    """A host that takes ``down_seconds`` from its latch to darkness and ``up_seconds`` from its packet to its agent."""

    name: str
    down_seconds: float = 20
    up_seconds: float = 30
    hangs: bool = False  # frozen: it hears nothing, and its network card answers
    listens: bool = True
    hears_late: bool = False  # its upsmon looks only after the latch was cleared
    wakes: bool = True
    on: bool = True
    going_at: float | None = None
    coming_at: float | None = None
    booted_at: datetime = START - timedelta(days=9)
    told: list[float] = field(default_factory=list)
    cut: bool = False


class SimulatedClinic:
    """Everything around the decisions.  ``tick`` is one second."""

    def __init__(self, ups: Ups, *, runtime_seconds: float, limits: Limits | None = None) -> None:
        self.ups = ups
        self.limits = limits or Limits(settle_seconds=5, host_seconds=200, charge_seconds=600)
        self.hosts = {host.name: SimulatedHost(host.name) for host in ups.hosts}
        self.full = runtime_seconds
        self.left = runtime_seconds
        self.seconds = 0.0
        self.wall_offset = 0.0
        self.boot = 1
        self.mains = True
        self.mute_runtime = False
        self.silent_driver = False
        self.calibrates = False
        self.test: TestResult | None = None
        self.testing_until = 0.0
        self.latches: set[str] = set()
        self.disk: PowerRecord | None = None
        self.state = State()
        self.findings: Findings | None = None
        self.actions: list[tuple[float, Action]] = []
        self.filed: list[PowerRecord] = []
        self.failing: Callable[[Action], bool] = lambda _: False
        self.fell_at: list[float] = []

    @property
    def now(self) -> Now:
        return Now(START + timedelta(seconds=self.seconds + self.wall_offset), 1000 + self.seconds, f"boot{self.boot}")

    @property
    def own(self) -> SimulatedHost:
        return self.hosts[OWN]

    def reading(self) -> UpsReading | None:
        if self.silent_driver:
            return None
        flags = {Flag.ON_LINE} if self.mains else {Flag.ON_BATTERY, Flag.DISCHARGING}
        if self.calibrates:
            flags = {Flag.ON_BATTERY, Flag.CALIBRATION}
        if self.seconds < self.testing_until:
            flags = {Flag.ON_BATTERY, Flag.DISCHARGING}
        if not self.mains and self.left <= 0.03 * self.full:
            flags.add(Flag.LOW_BATTERY)
        runtime = None if self.mute_runtime else self.left
        return UpsReading(frozenset(flags), round(self.left / self.full, 2), runtime, test=self.test)

    def observation(self) -> Observation:
        on = {name for name, host in self.hosts.items() if host.on}
        return Observation(
            reading=self.reading(),
            logged_in=frozenset(name for name in on if self.hosts[name].listens and self.hosts[name].going_at is None),
            answering=frozenset(on),
            serving=frozenset(on),
            silent=frozenset(set(self.hosts) - on),
            forced=frozenset(self.latches),
            findings=self.findings,
        )

    def look(self) -> None:
        """One decision: first the disk, then the deeds."""
        before = self.state.record
        self.state, actions = step(self.ups, self.limits, self.state, self.observation(), self.now)
        if self.state.record is not None and self.state.record is not before:
            self.disk = from_json(json.loads(json.dumps(to_json(self.state.record))))
            if self.disk.finished_at and (not self.filed or self.filed[-1].record_id != self.disk.record_id):
                self.filed.append(self.disk)
        for action in actions:
            self.actions.append((self.seconds, action))
            if not self.failing(action):
                self._do(action)

    def crash(self) -> None:
        """Kill the daemon and start it again."""
        self.state = State()
        self.findings = None
        if self.disk is not None and self.disk.finished_at is None:
            self.state = resumed(self.disk, self.ups, self.now, self.own.booted_at)

    def ask(self, how: str = "unplug", scope: str = "facility") -> None:
        until = self.now.monotonic + self.limits.unplug_seconds
        drill = new_record_id(self.ups, self.now)
        self.state = replace(self.state, request=Request(scope, how, "Li Wei", drill), request_until=until)

    def tick(self, *, crash: bool = False) -> None:
        """Let one second pass."""
        self.seconds += 1
        if not self.mains:
            self.left = max(0.0, self.left - 1)
            if self.left == 0:
                self._all_dark()
        else:
            self.left = min(self.full, self.left + self.full / 100)
        for host in self.hosts.values():
            if host.on and host.going_at is not None and self.seconds >= host.going_at:
                self._off(host)
            if not host.on and host.coming_at is not None and self.seconds >= host.coming_at:
                host.on, host.coming_at, host.booted_at = True, None, self.now.wall
        if not self.own.on:
            if self.mains:
                self._boot_own()
            return
        if crash:
            self.crash()
        self.look()

    def run(self, seconds: int, until: Callable[[], bool] = lambda: False) -> None:
        for _ in range(seconds):
            if until():
                return
            self.tick()

    def run_to_file(self, count: int = 1, seconds: int = 6000) -> PowerRecord:
        self.run(seconds, lambda: len(self.filed) >= count)
        assert len(self.filed) >= count, self.disk
        return self.filed[count - 1]

    def _do(self, action: Action) -> None:
        match action:
            case ForceStage(latch):
                self.latches.add(latch)
                stage = next(one for one in self.ups.stages if one.latch == latch)
                for host in stage.hosts:
                    self._tell(self.hosts[host.name])
            case ForceUps(ups):
                self._force(ups)
            case ClearLatch(latch):
                self.latches.discard(latch)
            case Wake(host):
                one = self.hosts[host.name]
                if not one.on and one.wakes and one.coming_at is None and self.mains:
                    one.coming_at = self.seconds + one.up_seconds
            case LookAround(hosts):
                self.findings = Findings((), {host.name: self._report(self.hosts[host.name]) for host in hosts})
            case BatteryTest():
                self.testing_until = self.seconds + 12
                self.test = TestResult.PASSED

    def _force(self, ups: str) -> None:
        """As NUT does it: everybody who listens goes, this host after them."""
        self.latches.add(ups)
        others = [one for one in self.hosts.values() if one is not self.own]
        for one in others:
            self._tell(one)
        waits = [one.going_at for one in others if one.on and one.going_at]
        self.own.told.append(self.seconds)
        self.own.going_at = max([self.seconds, *waits]) + self.own.down_seconds

    def _tell(self, host: SimulatedHost) -> None:
        if host.on and host.listens and not (host.hangs or host.hears_late) and host.going_at is None:
            host.told.append(self.seconds)
            host.going_at = self.seconds + host.down_seconds

    def _off(self, host: SimulatedHost) -> None:
        host.on, host.going_at = False, None
        if host is self.own:
            self._all_dark()  # NUT's last deed: the UPS takes the power away

    def _all_dark(self) -> None:
        for host in self.hosts.values():
            if host.on:
                host.cut = True
            host.on, host.going_at, host.coming_at = False, None, None
        self.fell_at.append(self.seconds)
        self.latches.clear()

    def _boot_own(self) -> None:
        if self.own.coming_at is None:
            self.own.coming_at = self.seconds + self.own.up_seconds
            self.boot += 1
        elif self.seconds + 1 >= self.own.coming_at:
            self.own.on, self.own.coming_at, self.own.booted_at = True, None, self.now.wall
            self.crash()

    def _report(self, host: SimulatedHost) -> Boot:
        clean = not host.cut
        return Boot("b", host.booted_at, clean, host.booted_at, (Database("postgresql", clean, True, "was shut down"),))
