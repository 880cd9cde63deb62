"""What a device's raw answers say in one profile's terms.  Pure: answers in, numbers in base units out.

An object may answer as an integer of any kind, as text with a number in it, with an extra ``.0`` or without one;
a sentinel of the profile's or of the whole field means "not known".
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from agent.polling import Answers, Value
from agent.ups.profile import (
    Alarm,
    AlarmKind,
    AlarmRule,
    Day,
    DayRule,
    NumberRule,
    Profile,
    Quantity,
    Says,
    Text,
    Where,
)
from agent.ups.profile_files import profiles
from agent.ups.reading import Flag, TestResult
from agent.ups.units import WRITTEN, Unit, to_base
from agent.ups.values import number, text

_EVERYWHERE_ABSENT = frozenset({-1, 65535, 2**31 - 1, 2**31, 2**32 - 1, -(2**31)})
_BELOW_ZERO = frozenset({Quantity.BATTERY_CELSIUS})


@dataclass(frozen=True)
class Number:
    """One quantity as one rule gives it: the lines in order (a scalar has one), None where not known."""

    rule: NumberRule
    lines: tuple[float | None, ...]


@dataclass(frozen=True)
class Claim:
    """What one object says."""

    name: str
    says: frozenset[Says]


@dataclass(frozen=True)
class Decoded:
    """What a device says in one MIB's terms."""

    profile: Profile
    numbers: tuple[Number, ...]
    states: tuple[Claim, ...]
    alarms: tuple[tuple[Alarm, Claim], ...]
    test: TestResult | None
    texts: Mapping[Text, str]
    days: Mapping[Day, date]


def decode(profile: Profile, answers: Answers, identity: Mapping[Text, str] | None = None) -> Decoded:
    """Read ``answers`` as ``profile`` says; ``identity`` is what the device calls itself, for quirks."""
    alarms = tuple(_alarms(profile, answers))
    return Decoded(
        profile=profile,
        numbers=tuple(_numbers(profile, answers, identity or {})),
        states=tuple(_states(profile, answers)),
        alarms=tuple((alarm, Claim(alarm.name, _says(alarm))) for alarm in alarms),
        test=_test(profile, answers),
        texts=_texts(profile, answers),
        days=dict(_days(profile, answers)),
    )


def scalar(answers: Answers, profile: Profile, oid: str) -> Value | None:
    """Return a scalar's value, whichever instance the device gives it."""
    for instance in instances(profile, oid):
        if instance in answers:
            return answers[instance]
    return None


def instances(profile: Profile, oid: str) -> tuple[str, str]:
    """Return the names under which devices answer for a scalar, the right one first."""
    return f"{oid}.{profile.instance}", oid


def rows(answers: Answers, column: str, where: Where | None = None) -> list[Value]:
    """Return a column's values in the order of their rows, with or without an extra ``.0``."""
    found = dict(_rows_of(answers, column))
    if where:
        pairs = [pair for marks in where.columns for pair in _rows_of(answers, marks)]
        marked = {row for row, value in pairs if str(value).lstrip(".") == where.value}
        found = {row: value for row, value in found.items() if any(row[:length] in marked for length in (1, 2))}
    return [found[row] for row in sorted(found)]


def _rows_of(answers: Answers, column: str) -> list[tuple[tuple[int, ...], Value]]:
    return [(_suffix(oid, column), value) for oid, value in answers.items() if oid.startswith(f"{column}.")]


def alarm_of(oid: str) -> Alarm | None:
    """Return the alarm that an OID means in any profile; None for a null OID."""
    if not oid.strip("0."):
        return None
    for base, known in _alarm_bases().items():
        if oid.startswith(f"{base}."):
            found = known.get(_suffix(oid, base)[0])
            if found:
                return found
    return Alarm(oid)


def _alarm_bases() -> dict[str, Mapping[int, Alarm]]:
    rules = [rule for profile in profiles() for rule in profile.alarms]
    named = {rule.oid: rule.alarms for rule in rules if rule.kind is AlarmKind.NAMES}
    return {rule.base: rule.alarms for rule in rules if rule.base} | named


def _suffix(oid: str, root: str) -> tuple[int, ...]:
    return tuple(int(part) for part in oid[len(root) + 1 :].split("."))


def _numbers(profile: Profile, answers: Answers, identity: Mapping[Text, str]) -> Iterable[Number]:
    for rule in profile.numbers:
        if rule.table:
            values: list[Value | None] = [value for oid in rule.oids for value in rows(answers, oid, rule.where)]
        else:
            values = [scalar(answers, profile, oid) for oid in rule.oids]
        unit = next(
            (
                quirk.unit
                for quirk in profile.quirks
                if quirk.quantity is rule.quantity and identity.get(quirk.text, "").startswith(quirk.begins)
            ),
            rule.unit,
        )
        if rule.unit_oids:
            written = [text(scalar(answers, profile, oid)) for oid in rule.unit_oids]
            values = [value if word in WRITTEN[unit] else None for value, word in zip(values, written, strict=True)]
        lines = tuple(_in_base(rule, unit, number(value)) for value in values)
        if any(line is not None for line in lines):
            yield Number(rule, lines)


def _in_base(rule: NumberRule, unit: Unit, raw: float | None) -> float | None:
    if raw is None or raw in rule.absent:
        return None
    if raw in _EVERYWHERE_ABSENT and not (unit is Unit.TICKS and raw == 65535):
        return None
    if raw < 0 and rule.quantity not in _BELOW_ZERO:
        return None
    return to_base(raw, unit)


def _states(profile: Profile, answers: Answers) -> Iterable[Claim]:
    for rule in profile.states:
        value = scalar(answers, profile, rule.oid)
        raw = number(value)
        says = rule.says.get(text(value) if raw is None else str(int(raw)))
        if says:
            yield Claim(rule.name, says)


def _test(profile: Profile, answers: Answers) -> TestResult | None:
    for rule in profile.tests:
        raw = number(scalar(answers, profile, rule.oid))
        result = rule.results.get(int(raw)) if raw is not None else None
        if result:
            return result
    return None


def _alarms(profile: Profile, answers: Answers) -> Iterable[Alarm]:
    for rule in profile.alarms:
        none = rule.count and number(scalar(answers, profile, rule.count)) == 0
        if none or rule.kind is AlarmKind.NAMES:
            continue
        found = {
            AlarmKind.TABLE: _table_alarms,
            AlarmKind.SCALARS: _scalar_alarms,
            AlarmKind.FLAGS: _flag_alarms,
        }[rule.kind](profile, rule, answers)
        yield from {alarm.name: alarm for alarm in found}.values()


def _table_alarms(_: Profile, rule: AlarmRule, answers: Answers) -> Iterable[Alarm]:
    found = dict(_rows_of(answers, rule.oid))
    if rule.cleared:
        column, over = rule.cleared
        for row, value in _rows_of(answers, column):
            if number(value) == over:
                found.pop(row, None)
    for row in sorted(found):
        named = text(found[row]).lstrip(".")
        alarm = alarm_of(named) if re.fullmatch(r"\d+(\.\d+)+", named) else None
        if alarm:
            yield alarm


def _scalar_alarms(profile: Profile, rule: AlarmRule, answers: Answers) -> Iterable[Alarm]:
    for key, alarm in rule.alarms.items():
        if number(scalar(answers, profile, f"{rule.oid}.{key}")) in rule.active:
            yield alarm


def _flag_alarms(profile: Profile, rule: AlarmRule, answers: Answers) -> Iterable[Alarm]:
    flags = text(scalar(answers, profile, rule.oid))
    if not flags.strip("01"):  # else "UNKNOWN"
        for position, flag in enumerate(flags, start=1):
            if flag == "1" and position in rule.alarms:
                yield rule.alarms[position]


def _says(alarm: Alarm) -> frozenset[Says]:
    return alarm.says or (frozenset() if alarm.informational else frozenset({Flag.ALARM}))


def _texts(profile: Profile, answers: Answers) -> dict[Text, str]:
    found = {}
    for key, alternatives in profile.texts.items():
        written = (
            " ".join(filter(None, (text(scalar(answers, profile, oid)) for oid in oids))) for oids in alternatives
        )
        words = next(filter(None, written), "")
        if words:
            found[key] = words
    return found


def _days(profile: Profile, answers: Answers) -> Iterable[tuple[Day, date]]:
    for rule in profile.days:
        found = _day(rule, text(scalar(answers, profile, rule.oid)))
        if found:
            yield rule.day, found


def _day(rule: DayRule, written: str) -> date | None:
    for form in rule.formats:
        try:
            found = datetime.strptime(written, form).date()  # noqa: DTZ007 - a day, in no zone
        except ValueError:
            continue
        return found if found.year >= 1990 and found not in rule.absent else None
    return None
