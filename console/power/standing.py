"""What may be said of a UPS and of a device now.  An old value is never green: without fresh news it is *unknown*."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from console.hosts import MISSED_SCRAPES, SHORTEST_FRESHNESS
from console.power.leading import leading
from console.power.snapshot import DeviceSnapshot, UpsSnapshot
from console.store.hosts import State
from console.store.power import DeviceLatest, UpsLatest

# What holds, worst first: the first that is true speaks for the UPS.
CONDITIONS: dict[str, State] = {
    "forced_shutdown": State.CRIT,
    "low_battery": State.CRIT,
    "lost_on_battery": State.CRIT,
    "on_battery": State.CRIT,
    "off": State.CRIT,
    "no_battery": State.CRIT,
    "overload": State.CRIT,
    "unreachable": State.CRIT,
    "communication_lost": State.CRIT,
    "silent": State.UNKNOWN,
    "never": State.UNKNOWN,
    "unconfirmed": State.WARN,
    "bypass": State.WARN,
    "replace_battery": State.WARN,
    "one_source": State.WARN,
    "disagreement": State.WARN,
    "alarm": State.WARN,
    "calibration": State.MAINT,
    "test": State.MAINT,
    "corrected": State.OK,
    "on_mains": State.OK,
}
FLAGS = {
    "forced_shutdown": "FSD",
    "low_battery": "LB",
    "on_battery": "OB",
    "off": "OFF",
    "no_battery": "NOBATT",
    "overload": "OVER",
    "communication_lost": "COMMLOST",
    "unconfirmed": "OB?",
    "bypass": "BYPASS",
    "replace_battery": "RB",
    "alarm": "ALARM",
    "calibration": "CAL",
    "test": "TEST",
}
# Alarms that only say again what a flag says already (RFC 1628).
SAID_BY_FLAGS = frozenset(
    {
        "upsAlarmOnBattery",
        "upsAlarmLowBattery",
        "upsAlarmInputBad",
        "upsAlarmOnBypass",
        "upsAlarmOutputOverload",
        "upsAlarmTestInProgress",
        "upsAlarmCommunicationsLost",
    }
)
ON_BATTERY = frozenset({"on_battery", "low_battery", "forced_shutdown", "lost_on_battery"})


@dataclass(frozen=True)
class SourceStanding:
    """One source of a UPS.  ``fresh``: a scrape told of it lately; ``since``: of this state."""

    source: str
    host: str
    at: datetime
    since: datetime
    fresh: bool
    snapshot: UpsSnapshot

    @property
    def current(self) -> bool:
        """Return whether this source has a reading that may be shown as the present."""
        return self.fresh and self.snapshot.up

    @property
    def read_at(self) -> datetime | None:
        """Return when the newest reading was made."""
        return None if self.snapshot.read_at is None else datetime.fromtimestamp(self.snapshot.read_at, UTC)


@dataclass(frozen=True)
class UpsStanding:
    """What holds of a UPS: every condition, worst first, and since when; the values, None without current ones."""

    conditions: tuple[str, ...]
    since: datetime | None
    shown: UpsSnapshot | None
    sources: tuple[SourceStanding, ...]

    @property
    def condition(self) -> str:
        """Return the worst."""
        return self.conditions[0]

    @property
    def state(self) -> State:
        """Return the state of the worst."""
        return CONDITIONS[self.condition]

    @property
    def on_battery(self) -> bool:
        """Return whether the mains is away, or was when the last word came."""
        return any(one in ON_BATTERY for one in self.conditions)


def is_fresh(at: datetime, now: datetime, interval_seconds: float) -> bool:
    """Return whether what was scraped at ``at`` may stand for the present."""
    return now - at <= max(SHORTEST_FRESHNESS, timedelta(seconds=MISSED_SCRAPES * interval_seconds))


def ups_standing(
    rows: Sequence[UpsLatest], now: datetime, interval_seconds: float, *, was_on_battery: bool = False
) -> UpsStanding:
    """Return how a UPS stands by what its sources told last; ``was_on_battery``: so the newest event says."""
    sources = tuple(
        SourceStanding(
            row.source,
            row.host,
            row.at,
            row.since,
            is_fresh(row.at, now, interval_seconds),
            UpsSnapshot.from_json(row.snapshot),
        )
        for row in sorted(rows, key=lambda one: one.source)
    )
    current = {one.source: one.snapshot for one in sources if one.current}
    if not current:
        return _without_reading(sources, was_on_battery)
    shown = leading(current)
    told = {flag for one in current.values() for flag in one.flags}
    found = {name for name, flag in FLAGS.items() if flag in told}
    if "calibration" in found:  # it runs on its battery by intention, as upsmon takes it
        found.discard("on_battery")
    found |= {"one_source"} if len(current) < len(sources) else set()
    found |= {"disagreement"} if shown.disagreements else set()
    if shown.alarms:
        found = found | {"alarm"} if set(shown.alarms) - SAID_BY_FLAGS else found - {"alarm"}
    found |= {"corrected"} if told & {"TRIM", "BOOST"} else set()
    conditions = tuple(name for name in CONDITIONS if name in found) or ("on_mains",)
    return UpsStanding(conditions, max(one.since for one in sources if one.current), shown, sources)


def _without_reading(sources: tuple[SourceStanding, ...], was_on_battery: bool) -> UpsStanding:
    if not sources:
        return UpsStanding(("never",), None, None, ())
    fresh = any(one.fresh for one in sources)
    since = max(one.since for one in sources if one.fresh) if fresh else max(one.at for one in sources)
    last_known = was_on_battery or any("OB" in one.snapshot.flags for one in sources)
    plain = "unreachable" if fresh else "silent"
    return UpsStanding(("lost_on_battery", plain) if last_known else (plain,), since, None, sources)


@dataclass(frozen=True)
class DeviceStanding:
    """What holds of a device; ``shown`` is None without current values."""

    state: State
    since: datetime | None
    shown: DeviceSnapshot | None
    last: DeviceSnapshot | None  # the newest there is, however old
    at: datetime | None


def device_standing(row: DeviceLatest | None, now: datetime, interval_seconds: float) -> DeviceStanding:
    """Return how a device stands."""
    if row is None:
        return DeviceStanding(State.UNKNOWN, None, None, None, None)
    last = DeviceSnapshot.from_json(row.snapshot)
    if not is_fresh(row.at, now, interval_seconds):
        return DeviceStanding(State.UNKNOWN, row.at, None, last, row.at)
    if not last.up:
        started = last.trouble == "not_started"
        return DeviceStanding(State.UNKNOWN if started else State.CRIT, row.since, None, last, row.at)
    return DeviceStanding(State.WARN if last.alerts else State.OK, row.since, last, last, row.at)
