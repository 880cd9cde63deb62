"""A UPS profile: what one MIB's objects mean.  A brand is data; no code knows one."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from agent.ups.reading import Flag, TestResult
from agent.ups.units import Unit


class Quantity(StrEnum):
    """A number that a profile can give."""

    CHARGE = "charge"
    RUNTIME = "runtime"
    LOW_RUNTIME = "low_runtime"  # the runtime below which the UPS calls its battery low
    ON_BATTERY = "on_battery"
    LOAD = "load"
    INPUT_LINES = "input_lines"
    INPUT_VOLTS = "input_volts"
    INPUT_HERTZ = "input_hertz"
    OUTPUT_LINES = "output_lines"
    OUTPUT_VOLTS = "output_volts"
    OUTPUT_HERTZ = "output_hertz"
    BATTERY_VOLTS = "battery_volts"
    BATTERY_CELSIUS = "battery_celsius"


class Text(StrEnum):
    """A text that a profile can give."""

    MANUFACTURER = "manufacturer"
    MODEL = "model"
    SERIAL = "serial"
    FIRMWARE = "firmware"


class Day(StrEnum):
    """A date that a profile can give."""

    BATTERY_REPLACED = "battery_replaced"
    TESTED = "tested"


class Supply(StrEnum):
    """What an object says of the mains, beside the flags."""

    BAD = "input bad"
    GOOD = "input good"
    FED = "output fed"  # by mains or battery: on line unless something says battery


Says = Flag | Supply


@dataclass(frozen=True)
class Where:
    """The rows of a table whose index, or whose leading indices, hold ``value`` (an OID) in any of ``columns``."""

    columns: tuple[str, ...]
    value: str


@dataclass(frozen=True)
class NumberRule:
    """One quantity: a scalar, several scalars that are the lines, or a table's column with a row per line."""

    quantity: Quantity
    oids: tuple[str, ...]
    unit: Unit
    table: bool = False
    absent: tuple[int, ...] = ()  # the device's "not available", before the unit
    rank: int | None = None  # when other than the profile's
    where: Where | None = None  # of a table: only these rows
    unit_oids: tuple[str, ...] = ()  # beside each object, where the device writes its unit: another one is not read


@dataclass(frozen=True)
class StateRule:
    """One enumeration, of numbers or of words.  A value that is not listed says nothing."""

    name: str  # the MIB's name
    oid: str
    says: Mapping[str, frozenset[Says]]


@dataclass(frozen=True)
class ResultRule:
    """How one object gives the last battery test's result."""

    oid: str
    results: Mapping[int, TestResult]


@dataclass(frozen=True)
class Alarm:
    """One alarm.  Without ``says`` it raises ALARM; an informational one raises nothing and is not shown."""

    name: str
    says: frozenset[Says] = frozenset()
    informational: bool = False


class AlarmKind(StrEnum):
    """How a device tells its alarms."""

    TABLE = "table"  # rows whose values are the alarms' OIDs
    SCALARS = "scalars"  # one object each, base.N.0
    FLAGS = "flags"  # one text of 0 and 1, numbered from 1 on the left
    NAMES = "names"  # none of its own: what the OIDs below ``oid`` mean in a table


@dataclass(frozen=True)
class AlarmRule:
    """A device's alarms by number: ``oid`` is the table's column, the scalars' parent or the text."""

    kind: AlarmKind
    oid: str
    alarms: Mapping[int, Alarm]
    base: str = ""  # of a table: the OID below which the alarms are numbered
    count: str = ""  # the object that says how many are active; 0 saves the walk
    active: tuple[int, ...] = (1,)  # of scalars
    cleared: tuple[str, int] | None = None  # of a table: a column, and its value in rows that are over


@dataclass(frozen=True)
class DayRule:
    """One date and how it may be written (``strptime``)."""

    day: Day
    oid: str
    formats: tuple[str, ...]
    absent: tuple[date, ...] = ()  # what a device shows where nobody entered one


@dataclass(frozen=True)
class Quirk:
    """A unit that differs where ``text`` begins so."""

    text: Text
    begins: str
    quantity: Quantity
    unit: Unit


@dataclass(frozen=True)
class Profile:
    """One MIB.  OIDs are absolute.  The lower ``rank`` wins where several MIBs of one device give a field."""

    file: str
    mib: str
    rank: int
    root: str
    instance: str  # of scalars
    object_ids: tuple[str, ...]  # sysObjectID prefixes
    probe: tuple[str, ...]  # any of them answering means that the device has this MIB
    maker: str  # where no object names the manufacturer
    numbers: tuple[NumberRule, ...]
    states: tuple[StateRule, ...]
    tests: tuple[ResultRule, ...]
    alarms: tuple[AlarmRule, ...]
    texts: Mapping[Text, tuple[tuple[str, ...], ...]]  # the first that is not empty; several objects are joined
    days: tuple[DayRule, ...]
    quirks: tuple[Quirk, ...]
    requires: tuple[Quantity, ...]  # without any of these its other objects are only filled with zeros
    fallback: bool  # looked for in every device
