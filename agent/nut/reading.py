"""NUT's variables (docs/nut-names.txt) as a ``UpsReading``.

NUT converts the device's units, but lets its "unknown" values through, even multiplied: 65535 minutes become
3932100 s.  What cannot be is left out, and ``notes`` says so.
"""

import re
from collections.abc import Mapping
from datetime import date

from agent.ups.plausible import plausible
from agent.ups.profile import Quantity
from agent.ups.reading import Flag, TestResult, UpsReading

UNKNOWN = frozenset({65535.0, 6553.5})
"""Sixteen bits full, in units and in tenths: the UPS's word for unknown, or for more than it can count."""

TESTS = (
    (re.compile(r"pass|\bok\b", re.IGNORECASE), TestResult.PASSED),
    (re.compile(r"progress|running|pending", re.IGNORECASE), TestResult.IN_PROGRESS),
    (re.compile(r"warn", re.IGNORECASE), TestResult.WARNING),
    (re.compile(r"abort|invalid|refused", re.IGNORECASE), TestResult.ABORTED),
    (re.compile(r"\bno(ne)?\b.*|not ", re.IGNORECASE), TestResult.NONE),
    (re.compile(r"fail|error|bad|weak", re.IGNORECASE), TestResult.FAILED),
)
DATES = (
    re.compile(r"^(?P<year>\d{4})[-/](?P<month>\d{1,2})[-/](?P<day>\d{1,2})$"),
    re.compile(r"^(?P<month>\d{1,2})[-/](?P<day>\d{1,2})[-/](?P<year>\d{4}|\d{2})$"),
)
SILENT_WORDS = frozenset({"COMM"})
"""Says only that all is well."""

LOST_WORDS = frozenset({"NOCOMM", "COMMLOST"})


class _Variables:
    """A UPS's variables, with the plausibility of each kind of number."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self.values = values
        self.notes: list[str] = []

    def text(self, *names: str) -> str:
        """Return the first of the variables that says something."""
        return next((value for name in names if (value := self.values.get(name, "").strip())), "")

    def is_zero(self, *names: str) -> bool:
        """Tell whether the first of the variables that says something says 0."""
        return re.fullmatch(r"0+(\.0*)?", self.text(*names)) is not None

    def number(self, name: str, quantity: Quantity, scale: float = 1) -> float | None:
        """Return a variable times ``scale`` when a UPS can show it; what was done to it otherwise is noted."""
        text = self.values.get(name, "").strip()
        if not text:
            return None
        try:
            value = float(text)
        except ValueError:
            self.notes.append(f"{name} {text!r} is not a number")
            return None
        if value in UNKNOWN:
            self.notes.append(f"{name} {text} stands for unknown")
            return None
        shown, note = plausible(quantity, value * scale)
        if note:
            self.notes.append(f"{name} {text}: {note}")
        return shown

    def lines(self, side: str, kind: str, quantity: Quantity, scale: float = 1) -> tuple[float | None, ...]:
        """Return a quantity of each phase, or the only one: ``input.L1-N.voltage`` …, ``input.voltage``."""
        for pattern in (f"{side}.L{{}}-N.{kind}", f"{side}.L{{}}.{kind}", f"{side}.L{{}}-L{{}}.{kind}"):
            names = [pattern.format(line, line % 3 + 1) for line in (1, 2, 3)]
            if any(name in self.values for name in names):
                return tuple(self.number(name, quantity, scale) for name in names)
        value = self.number(f"{side}.{kind}", quantity, scale)
        return () if value is None else (value,)


def ups_reading(variables: Mapping[str, str]) -> UpsReading:
    """Return what upsd's variables of one UPS say.

    Flags are ``ups.status``; a word that we do not know is kept in ``notes``.  Ratios come from percent, volts,
    hertz and degrees Celsius as they are.  Every field that is known names its driver (and its MIB) in ``sources``.
    """
    given = _Variables(variables)
    flags = _flags(given)
    total = given.number("ups.load", Quantity.LOAD, 0.01)
    loads = given.lines("output", "power.percent", Quantity.LOAD, 0.01) or (() if total is None else (total,))
    fields: dict[str, object] = {
        "flags": flags,
        "charge_ratio": given.number("battery.charge", Quantity.CHARGE, 0.01),
        "runtime_seconds": _runtime(given, flags),
        "load_ratio": max((load for load in loads if load is not None), default=total),
        "load_ratios": loads,
        "input_volts": _input_volts(given, flags),
        "input_hertz": given.number("input.frequency", Quantity.INPUT_HERTZ),
        "output_volts": given.lines("output", "voltage", Quantity.OUTPUT_VOLTS),
        "output_hertz": given.number("output.frequency", Quantity.OUTPUT_HERTZ),
        "battery_volts": given.number("battery.voltage", Quantity.BATTERY_VOLTS),
        "battery_celsius": given.number("battery.temperature", Quantity.BATTERY_CELSIUS),
        "battery_replaced": _date(given, "battery.date"),
        "test": _test(given),
        "tested": _date(given, "ups.test.date"),
        "alarms": (alarm,) if (alarm := given.text("ups.alarm")) else (),
        "manufacturer": given.text("ups.mfr", "device.mfr"),
        "model": given.text("ups.model", "device.model"),
        "serial": given.text("ups.serial", "device.serial"),
        "firmware": given.text("ups.firmware"),
    }
    source = _source(given)
    sources = {name: source for name, value in fields.items() if value not in (None, (), "", frozenset())}
    return UpsReading(**fields, sources=sources, notes=tuple(given.notes))  # type: ignore[arg-type]


def _runtime(given: _Variables, flags: frozenset[Flag]) -> float | None:
    """A runtime of 0 is "not known", unless the UPS is on battery and says itself that little is left."""
    runtime = given.number("battery.runtime", Quantity.RUNTIME)
    empty = {Flag.ON_BATTERY, Flag.LOW_BATTERY} <= flags and given.is_zero("battery.runtime")
    return 0.0 if empty else runtime


def _input_volts(given: _Variables, flags: frozenset[Flag]) -> tuple[float | None, ...]:
    lines = given.lines("input", "voltage", Quantity.INPUT_VOLTS)
    if Flag.ON_BATTERY in flags and given.is_zero("input.voltage", "input.L1-N.voltage") and not any(lines):
        return (0.0,) * max(1, len(lines))  # the mains is away: that is what it has
    return lines


def _source(given: _Variables) -> str:
    driver = given.text("driver.name") or "driver unknown"
    data = given.text("driver.version.data")
    return f"NUT {driver}, {data}" if data else f"NUT {driver}"


def _flags(given: _Variables) -> frozenset[Flag]:
    flags = set()
    known = {flag.value: flag for flag in Flag}
    for word in given.text("ups.status").split():
        if word in LOST_WORDS:
            flags.add(Flag.COMMUNICATION_LOST)
        elif word in known:
            flags.add(known[word])
        elif word not in SILENT_WORDS:
            given.notes.append(f"ups.status {word} is not known")
    if not given.text("ups.status"):
        given.notes.append("ups.status is empty")
    return frozenset(flags)


def _test(given: _Variables) -> TestResult | None:
    text = given.text("ups.test.result")
    if not text:
        return None
    for pattern, result in TESTS:
        if pattern.search(text):
            return result
    given.notes.append(f"ups.test.result {text!r} is not known")
    return None


def _date(given: _Variables, name: str) -> date | None:
    text = given.text(name)
    for pattern in DATES:
        if found := pattern.match(text):
            year = int(found["year"])
            try:
                return date(year + 2000 if year < 100 else year, int(found["month"]), int(found["day"]))
            except ValueError:
                break
    if text:
        given.notes.append(f"{name} {text!r} is not a date as 2026-11-23 or 11/23/2026")
    return None
