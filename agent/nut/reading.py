"""NUT's variables (docs/nut-names.txt) as a ``UpsReading``.

NUT converts the device's units, but lets its "unknown" values through, even multiplied: 65535 minutes become
3932100 s.  What cannot be is left out, and ``notes`` says so.
"""

import math
import re
from collections.abc import Mapping
from datetime import date

from agent.ups.reading import Flag, TestResult, UpsReading

SENTINELS = (65535.0, 2.0**31 - 1, 2.0**32 - 1)
"""A 16 or 32 bit card's "unknown"; snmp-ups makes them longer by 60 where the MIB counts minutes."""

NOT_AVAILABLE_SECONDS = 9999.0  # XPPC-MIB's NetAgent
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
        self.used: set[str] = set()

    def text(self, *names: str) -> str:
        """Return the first of the variables that says something."""
        return next((value for name in names if (value := self.values.get(name, "").strip())), "")

    def number(self, name: str, lowest: float, highest: float) -> float | None:
        """Return a variable inside its possible range; anything else is noted and left out."""
        text = self.values.get(name, "").strip()
        if not text:
            return None
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not lowest <= value <= highest:
            self.notes.append(f"{name} {text!r} is left out: not a number from {lowest:g} to {highest:g}")
            return None
        return value

    def ratio(self, name: str, highest_percent: float) -> float | None:
        percent = self.number(name, 0, highest_percent)
        return None if percent is None else percent / 100

    def runtime(self) -> float | None:
        seconds = self.number("battery.runtime", 0, 2.0**40)
        if seconds is None:
            return None
        if seconds in SENTINELS or seconds / 60 in SENTINELS or seconds * 100 in SENTINELS:
            self.notes.append(f"battery.runtime {seconds:g} is the device's word for unknown")
            return None
        if seconds == NOT_AVAILABLE_SECONDS:
            self.notes.append("battery.runtime 9999 is the device's word for unknown")
            return None
        return seconds

    def lines(self, side: str, kind: str, lowest: float, highest: float) -> tuple[float | None, ...]:
        """Return a quantity of each phase, or the only one: ``input.L1-N.voltage`` …, ``input.voltage``."""
        for pattern in (f"{side}.L{{}}-N.{kind}", f"{side}.L{{}}.{kind}", f"{side}.L{{}}-L{{}}.{kind}"):
            names = [pattern.format(line, line % 3 + 1) for line in (1, 2, 3)]
            if any(name in self.values for name in names):
                return tuple(self.number(name, lowest, highest) for name in names)
        value = self.number(f"{side}.{kind}", lowest, highest)
        return () if value is None else (value,)


def ups_reading(variables: Mapping[str, str]) -> UpsReading:
    """Return what upsd's variables of one UPS say.

    Flags are ``ups.status``; a word that we do not know is kept in ``notes``.  Ratios come from percent, volts,
    hertz and degrees Celsius as they are.  Every field that is known names its driver (and its MIB) in ``sources``.
    """
    given = _Variables(variables)
    flags = _flags(given)
    loads = given.lines("output", "power.percent", 0, 200)
    total = given.ratio("ups.load", 200)
    load_ratios = tuple(None if load is None else load / 100 for load in loads)
    if not load_ratios and total is not None:
        load_ratios = (total,)
    known = [load for load in load_ratios if load is not None]
    fields: dict[str, object] = {
        "flags": flags,
        "charge_ratio": given.ratio("battery.charge", 100),
        "runtime_seconds": given.runtime(),
        "load_ratio": max(known, default=total),
        "load_ratios": load_ratios,
        "input_volts": given.lines("input", "voltage", 0, 1000),
        "input_hertz": given.number("input.frequency", 0, 100),
        "output_volts": given.lines("output", "voltage", 0, 1000),
        "output_hertz": given.number("output.frequency", 0, 100),
        "battery_volts": given.number("battery.voltage", 0, 2000),
        "battery_celsius": given.number("battery.temperature", -40, 150),
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
