"""What the power daemon's decisions are made from: where it stands, what it sees, what it may do."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from agent.power.plan import Host, Limits, Ups
from agent.power.records import Check, Event, HostStep, Phase, PowerRecord
from agent.ups.reading import Flag, UpsReading


@dataclass(frozen=True)
class Now:
    """The moment: ``wall`` for people, ``monotonic`` seconds for every duration, the boot that it counts from."""

    wall: datetime
    monotonic: float
    boot_id: str


@dataclass(frozen=True)
class Sample:
    """The charge at a moment (monotonic seconds) on battery."""

    at: float
    charge_ratio: float


@dataclass(frozen=True)
class Request:
    """A drill that was asked for; ``how`` is simulated, test or unplug, ``record_id`` the id that was announced."""

    scope: str
    how: str
    operator: str
    record_id: str


@dataclass(frozen=True)
class Database:
    """One database server in a host's boot report; None: not known."""

    name: str
    clean: bool | None
    accepts: bool
    evidence: str = ""


@dataclass(frozen=True)
class Boot:
    """How a host came up, as its agent tells; ``previous_clean`` says how the boot before ended (None: not known)."""

    boot_id: str
    booted_at: datetime
    previous_clean: bool | None = None
    previous_end_at: datetime | None = None
    databases: tuple[Database, ...] = ()


@dataclass(frozen=True)
class Findings:
    """What was seen after the return."""

    checks: tuple[Check, ...]
    boots: Mapping[str, Boot]


@dataclass(frozen=True)
class Observation:
    """One look.  ``reading`` is None without current data of the UPS.

    ``logged_in``: hosts whose upsmon is logged in; None when upsd does not answer.  ``answering`` and ``silent``:
    hosts whose network answered, or failed to several times in a row; a host in neither is not known.  ``serving``:
    those of them whose agent answers.
    ``forced``: latches, and the UPS, that show FSD.  ``findings`` of the check that was asked for.
    """

    reading: UpsReading | None
    logged_in: frozenset[str] | None = frozenset()
    answering: frozenset[str] = frozenset()
    serving: frozenset[str] = frozenset()
    silent: frozenset[str] = frozenset()
    forced: frozenset[str] = frozenset()
    runtime_low_seconds: float = 0.0  # below it the UPS says "low"
    findings: Findings | None = None

    @property
    def on_battery(self) -> bool:
        """Whether the mains is away; a calibration is no outage (upsmon says so too)."""
        flags = self.reading.flags if self.reading else frozenset()
        return Flag.ON_BATTERY in flags and Flag.CALIBRATION not in flags

    @property
    def on_mains(self) -> bool:
        """Whether the UPS says that the mains is there."""
        return self.reading is not None and Flag.ON_LINE in self.reading.flags and not self.on_battery


@dataclass(frozen=True)
class ForceStage:
    """Set a stage's latch: its hosts shut down."""

    latch: str


@dataclass(frozen=True)
class ClearLatch:
    """Take a stage's latch back."""

    latch: str


@dataclass(frozen=True)
class ForceUps:
    """Force the shutdown of the UPS itself: the last stage goes, this host with it."""

    ups: str


@dataclass(frozen=True)
class BatteryTest:
    """Tell the UPS to test its battery."""

    ups: str


@dataclass(frozen=True)
class Wake:
    """Send a host's magic packet."""

    host: Host


@dataclass(frozen=True)
class LookAround:
    """Ask the services and the hosts' boot reports; the result comes as ``Observation.findings``."""

    hosts: tuple[Host, ...]
    since: datetime


Action = ForceStage | ClearLatch | ForceUps | BatteryTest | Wake | LookAround


@dataclass(frozen=True)
class State:
    """Where the daemon stands with one UPS.  What must outlive it is in ``record``."""

    record: PowerRecord | None = None
    request: Request | None = None  # a drill waits for the UPS to go on battery
    request_until: float = 0.0
    trail: tuple[Sample, ...] = ()
    last: UpsReading | None = None  # the last reading there was, and when
    last_at: float = 0.0
    lost_at: float | None = None  # the first look since then that gave none
    runtime_at: float | None = None  # the estimate at that time
    battery_since: float | None = None
    mains_since: float | None = None
    test_since: float | None = None
    awaited: Mapping[str, float] = field(default_factory=dict)  # host → since when its return is waited for
    woke: Mapping[str, float] = field(default_factory=dict)  # host → its last wake-up packet
    looking: bool = False
    failed: frozenset[str] = frozenset()  # actions that failed at their last try


@dataclass(frozen=True)
class Step:
    """One decision on its way: the plan, what is seen, and the changed record."""

    ups: Ups
    limits: Limits
    seen: Observation
    now: Now


def noted(record: PowerRecord, now: Now, code: str, detail: str = "") -> PowerRecord:
    """Return the record with one more event."""
    return replace(record, events=(*record.events, Event(now.wall, code, detail)))


def filed(step: Step, record: PowerRecord) -> PowerRecord:
    """Return the record as finished, now."""
    return replace(noted(record, step.now, "finished"), phase=Phase.FINISHED, finished_at=step.now.wall)


def host_step(record: PowerRecord, host: str) -> HostStep:
    """Return the step of a host; raises KeyError for one that the record does not know."""
    for step in record.steps:
        if step.host == host:
            return step
    raise KeyError(host)


def with_step(record: PowerRecord, host: str, **changes: Any) -> PowerRecord:  # noqa: ANN401 - HostStep's own fields
    """Return the record with one host's step changed."""
    steps = tuple(replace(step, **changes) if step.host == host else step for step in record.steps)
    return replace(record, steps=steps)
