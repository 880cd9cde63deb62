"""Reads a UPS through SNMP: finds out once which MIBs it has and what of them it answers, then asks just that."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from agent.polling import Answers, PollError, Snmp, Trouble, Value
from agent.ups.decode import Decoded, decode, instances, scalar
from agent.ups.normalise import normalise
from agent.ups.profile import AlarmKind, AlarmRule, Profile, Quantity, Text
from agent.ups.profile_files import profiles
from agent.ups.reading import Flag, UpsReading
from agent.ups.values import number, text

SYS_OBJECT_ID = "1.3.6.1.2.1.1.2.0"
SYS_UP_TIME = "1.3.6.1.2.1.1.3.0"
SPARSE_RANK = 1000
"""Behind all others: a MIB that answers, but not with what makes it a UPS's state."""

POLLS_BETWEEN_DISCOVERIES = 120
ROWS_ASKED_FOR = 8
COUNTER_TOLERANCE_SECONDS = 60.0

_ON_BATTERY = frozenset({Flag.ON_BATTERY, Flag.ON_BATTERY_UNCONFIRMED})
_SUPPLY = _ON_BATTERY | {Flag.ON_LINE, Flag.OFF, Flag.COMMUNICATION_LOST}
_UPS_QUANTITIES = frozenset({Quantity.CHARGE, Quantity.RUNTIME})
_BATTERY_QUANTITIES = frozenset({Quantity.CHARGE, Quantity.RUNTIME, Quantity.ON_BATTERY})


@dataclass(frozen=True)
class Device:
    """What a device turned out to be: its MIBs, the objects that answer, and the answers that never change."""

    object_id: str
    profiles: tuple[Profile, ...]
    oids: tuple[str, ...]
    silent: tuple[str, ...]  # objects of the state that do not answer on line
    fixed: Mapping[str, Value]
    identity: Mapping[Text, str]


class UpsReader:
    """Reads one UPS, poll after poll.  ``poll`` raises ``PollError``; UNKNOWN_DEVICE when no profile fits."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._on_battery_since: float | None = None
        self._device: Device | None = None
        self._up_time = 0.0
        self._polls = 0
        self._supply: frozenset[Flag] | None = None

    async def poll(self, snmp: Snmp) -> UpsReading:
        """Return what the UPS says now."""
        device, answers = await self._answers(snmp)
        answers |= device.fixed
        answers |= await _alarms(snmp, device, answers)
        decoded = [decode(profile, answers, device.identity) for profile in device.profiles]
        reading = normalise(decoded)
        supply = reading.flags & _SUPPLY
        if self._supply not in {None, supply}:  # some objects answer only in one state
            self._polls = POLLS_BETWEEN_DISCOVERIES
        self._supply = supply
        return self._timed(reading)

    def _timed(self, reading: UpsReading) -> UpsReading:
        """Count the time on battery here, too: many cards do not, and those that do begin anew with a restart."""
        if Flag.ON_BATTERY not in reading.flags:
            self._on_battery_since = None
            return reading
        now, said = self._clock(), reading.on_battery_seconds
        if self._on_battery_since is None:
            self._on_battery_since = now - (said or 0.0)
        ours = now - self._on_battery_since
        if said is not None and said > ours - COUNTER_TOLERANCE_SECONDS:
            return reading
        sources = {name: mib for name, mib in reading.sources.items() if name != "on_battery_seconds"}
        notes = (*reading.notes, "the time on battery is counted by the agent")
        return replace(reading, on_battery_seconds=ours, sources=sources, notes=notes)

    async def _answers(self, snmp: Snmp) -> tuple[Device, dict[str, Value]]:
        device = self._device
        if device and self._polls < POLLS_BETWEEN_DISCOVERIES:
            silent = device.silent if self._supply and self._supply & _ON_BATTERY else ()
            answers = await snmp.get((SYS_OBJECT_ID, SYS_UP_TIME, *device.oids, *silent))
            if self._same(device, answers):
                self._polls += 1
                return device, answers
        self._device = None
        device = await discover(snmp)
        answers = await snmp.get((SYS_OBJECT_ID, SYS_UP_TIME, *device.oids))
        self._device, self._polls = device, 0
        self._up_time = number(answers.get(SYS_UP_TIME)) or 0.0
        return device, answers

    def _same(self, device: Device, answers: Answers) -> bool:
        """Whether it is still the device that was discovered, not restarted, and answers all that it did."""
        before, self._up_time = self._up_time, number(answers.get(SYS_UP_TIME)) or 0.0
        same = str(answers.get(SYS_OBJECT_ID, "")) == device.object_id and self._up_time >= before
        return same and all(oid in answers for oid in device.oids)


async def discover(snmp: Snmp) -> Device:
    """Find a device's MIBs: by sysObjectID, and by asking each for its state.  Raises ``PollError``."""
    known = profiles()
    probes = {oid: instances(profile, oid)[:1] for profile in known for oid in profile.probe}
    asked = (SYS_OBJECT_ID, *(oid for found in probes.values() for oid in found))
    answers = await snmp.get(asked)
    object_id = str(answers.get(SYS_OBJECT_ID, ""))
    named = [profile for profile in known if any(_below(object_id, prefix) for prefix in profile.object_ids)]
    probed = [profile for profile in known if any(text(scalar(answers, profile, oid)) for oid in profile.probe)]
    chosen = [profile for profile in known if profile in named or profile in probed or profile.fallback]
    found: dict[str, Value] = {}
    usable = []
    for profile in chosen:
        objects = await _objects(snmp, profile)
        if _tells(decode(profile, objects)):
            usable.append(profile if profile in probed else replace(profile, rank=profile.rank + SPARSE_RANK))
            found |= objects
    if not any(_is_ups(decode(profile, found)) for profile in usable):
        raise PollError(Trouble.UNKNOWN_DEVICE, _refusal(object_id, named))
    usable.sort(key=lambda profile: profile.rank)
    return _device(object_id, usable, found)


def _refusal(object_id: str, named: Sequence[Profile]) -> str:
    if not named:
        return f"no UPS profile fits sysObjectID {object_id or 'none'}"
    mibs = ", ".join(profile.mib for profile in named)
    return f"sysObjectID {object_id} is of {mibs}, but the device gives neither a UPS's state nor its battery's"


def _device(object_id: str, usable: Sequence[Profile], found: Answers) -> Device:
    naming = {oid for profile in usable for oid in _naming_oids(profile)}
    fixed = {oid: value for oid, value in found.items() if oid in naming}
    identity: dict[Text, str] = {}
    for profile in usable:
        identity = {**decode(profile, fixed).texts, **identity}
    polled = tuple(oid for oid in found if oid not in naming)
    silent = tuple(
        instances(profile, oid)[0]
        for profile in usable
        for oid in _state_oids(profile)
        if scalar(found, profile, oid) is None
    )
    return Device(object_id, tuple(usable), polled, silent, fixed, identity)


async def _objects(snmp: Snmp, profile: Profile) -> dict[str, Value]:
    """Return all objects of a profile that the device answers, alarms of tables left out."""
    wanted = [*_scalars(profile), *_naming_roots(profile)]
    found = await snmp.get([instances(profile, oid)[0] for oid in wanted])
    missing = [oid for oid in wanted if instances(profile, oid)[0] not in found]
    if missing:
        found |= await snmp.get([other for oid in missing for other in instances(profile, oid)[1:]])
    tables = [rule for rule in profile.numbers if rule.table]
    marks = [oid for rule in tables if rule.where for oid in rule.where.columns]
    columns = [*(oid for rule in tables for oid in rule.oids), *marks]
    for column in dict.fromkeys(columns):
        found |= await _column(snmp, column)
    return found


async def _column(snmp: Snmp, column: str) -> dict[str, Value]:
    """Walk a column; of a card that cannot be walked (its names do not increase) ask for the first rows."""
    try:
        return await snmp.walk(column)
    except PollError as error:
        if error.trouble is not Trouble.BAD_ANSWER:
            raise
        return await snmp.get([f"{column}.{row}" for row in range(1, ROWS_ASKED_FOR + 1)])


async def _alarms(snmp: Snmp, device: Device, answers: Answers) -> dict[str, Value]:
    """Ask for the alarms that are told apart from the rest: none where the device says that there are none."""
    found: dict[str, Value] = {}
    for profile in device.profiles:
        for rule in profile.alarms:
            if rule.count and number(scalar(answers, profile, rule.count)) == 0:
                continue
            if rule.kind is AlarmKind.TABLE:
                active = await _column(snmp, rule.oid)
                found |= active
                if active and rule.cleared:
                    found |= await _column(snmp, rule.cleared[0])
            elif rule.kind is AlarmKind.SCALARS and rule.count:
                found |= await snmp.get([instances(profile, oid)[0] for oid in _alarm_scalars(rule)])
    return found


def _scalars(profile: Profile) -> Iterable[str]:
    for rule in profile.numbers:
        if not rule.table:
            yield from rule.oids
            yield from rule.unit_oids
    for state in profile.states:
        yield state.oid
    for test in profile.tests:
        yield test.oid
    for day in profile.days:
        yield day.oid
    for alarms in profile.alarms:
        if alarms.count:
            yield alarms.count
        elif alarms.kind is AlarmKind.SCALARS:
            yield from _alarm_scalars(alarms)
        if alarms.kind is AlarmKind.FLAGS:
            yield alarms.oid


def _state_oids(profile: Profile) -> Iterable[str]:
    """Yield what matters when the mains is away: a card may leave it out until then."""
    for state in profile.states:
        yield state.oid
    for rule in profile.numbers:
        if rule.quantity in _BATTERY_QUANTITIES and not rule.table:
            yield from rule.oids
    for alarms in profile.alarms:
        if alarms.count:
            yield alarms.count
        elif alarms.kind is AlarmKind.SCALARS:
            yield from (f"{alarms.oid}.{key}" for key, alarm in alarms.alarms.items() if alarm.says)


def _alarm_scalars(rule: AlarmRule) -> Iterable[str]:
    return (f"{rule.oid}.{key}" for key in rule.alarms)


def _naming_roots(profile: Profile) -> list[str]:
    return [oid for alternatives in profile.texts.values() for oids in alternatives for oid in oids]


def _naming_oids(profile: Profile) -> Iterable[str]:
    return (name for oid in _naming_roots(profile) for name in instances(profile, oid))


def _tells(decoded: Decoded) -> bool:
    return bool(decoded.numbers or decoded.states or decoded.texts)


def _is_ups(decoded: Decoded) -> bool:
    """Whether a device that has a name, and perhaps voltages, is a UPS."""
    return bool(decoded.states) or any(one.rule.quantity in _UPS_QUANTITIES for one in decoded.numbers)


def _below(oid: str, prefix: str) -> bool:
    return oid.lstrip(".") == prefix or oid.lstrip(".").startswith(f"{prefix}.")
