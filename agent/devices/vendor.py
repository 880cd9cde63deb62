"""What a device tells in its vendor's own tables, read by its profiles."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from agent.devices.profile import Condition, ContactRule, Profile, RatioRule, SensorRule, is_scalar
from agent.devices.reading import Contact, Memory, Quantity
from agent.devices.sensors import Measured, Switched
from agent.devices.values import MAX_ROWS, Cell, Values, number, scalar, text, whole

INTEGER32 = 2**32
DIGITS = 6  # after the point: more is the binary fraction's noise


class VendorTables:
    """The vendor's part of one device.  Without profiles it has nothing."""

    def __init__(self, profiles: tuple[Profile, ...] = ()) -> None:
        self._profiles = profiles
        self._cpu = [rule for profile in profiles for rule in profile.cpu]
        self._memory = [rule for profile in profiles for rule in profile.memory]
        self._sensors = [rule for profile in profiles for rule in profile.sensors]
        self._contacts = [rule for profile in profiles for rule in profile.contacts]
        self.vendor = next((profile.vendor for profile in profiles), "")
        self._active: tuple[SensorRule, ...] = ()
        rules: list[RatioRule | SensorRule | ContactRule] = [*self._cpu, *self._memory, *self._sensors, *self._contacts]
        asked = [_table(rule) for rule in rules]
        self.tables: Sequence[Sequence[str]] = _merged(
            [oid for oid in table if not is_scalar(oid)] for table in asked if not is_scalar(table[0])
        )
        identity = [oid for profile in profiles for oid in (*profile.model, *profile.software)]
        self.scalars: Sequence[Cell] = [
            scalar(oid) if is_scalar(oid) else Cell(*oid.rsplit(".", 1))
            for oid in dict.fromkeys([*identity, *(oid for table in asked for oid in table if is_scalar(oid))])
        ]

    def choose(self, values: Values) -> None:
        """Choose, after everything was asked, which of the sensors' rules apply."""
        found: set[Quantity] = set()
        active = []
        for rule in self._sensors:
            if rule.fallback and rule.quantity in found:
                continue
            if any(_measured(rule, values)):
                found.add(rule.quantity)
                active.append(rule)
        self._active = tuple(active)

    def current(self, values: Values) -> Iterable[Cell]:
        """Return what to ask at every poll: the values that say something."""
        for rule in (*self._cpu, *self._memory):
            for row in _ratio_rows(rule, values):
                yield from (_cell(oid, row) for oid in (rule.percent, rule.used, rule.free) if oid)
        for sensor in self._active:
            yield from (_cell(sensor.value, row) for row in _rows(sensor.value, sensor.when, values))
        for contact in self._contacts:
            yield from (_cell(contact.value, row) for row, _ in _contacts(contact, values))

    def model(self, values: Values, description: str) -> str:
        """Return the model by the first object that has one, else by sysDescr."""
        return self._named("model", [oid for profile in self._profiles for oid in profile.model], values, description)

    def software(self, values: Values, description: str) -> str:
        """Return the software's version, found like the model."""
        oids = [oid for profile in self._profiles for oid in profile.software]
        return self._named("software", oids, values, description)

    def cpu_used_ratio(self, values: Values) -> float | None:
        """Return the load of the busiest board."""
        found = [
            used.used_ratio
            for rule in self._cpu
            for row in _ratio_rows(rule, values)
            if (used := _used(rule, row, values))
        ]
        return max(found, default=None)

    def memory(self, values: Values) -> Memory | None:
        """Return the memory of the fullest board."""
        found = [
            used for rule in self._memory for row in _ratio_rows(rule, values) if (used := _used(rule, row, values))
        ]
        return max(found, key=lambda memory: memory.used_ratio, default=None)

    def measured(self, values: Values) -> Iterable[Measured]:
        """Return the sensors that have a value, in base units."""
        for rule in self._active:
            yield from _measured(rule, values)

    def switched(self, values: Values) -> Iterable[Switched]:
        """Return the contacts that something is connected to."""
        for rule in self._contacts:
            for row, name in _contacts(rule, values):
                value = whole(values.get(_cell(rule.value, row)))
                if value in rule.open or value in rule.closed:
                    yield Switched(row, Contact(name, value in rule.open))

    def _named(self, group: str, oids: Sequence[str], values: Values, description: str) -> str:
        for oid in oids:
            if found := text(values.get(Cell(*oid.rsplit(".", 1)))):
                return found
        for profile in self._profiles:
            for pattern in profile.patterns:
                match = pattern.search(description)
                if match and match.groupdict().get(group):
                    return match[group]
        return ""


def _table(rule: RatioRule | SensorRule | ContactRule) -> list[str]:
    """Return the OIDs of a rule.  The first says whether there is anything at all."""
    if isinstance(rule, RatioRule):
        return [oid for oid in (rule.percent, rule.used, rule.free, rule.size) if oid]
    return [oid for oid in (rule.value, rule.name, *(condition.column for condition in rule.when)) if oid]


def _merged(tables: Iterable[Sequence[str]]) -> list[list[str]]:
    """Return one table for each first column, with all that any rule wants beside it."""
    merged: dict[str, dict[str, None]] = {}
    for head, *others in tables:
        merged.setdefault(head, {}).update(dict.fromkeys(others))
    return [[head, *others] for head, others in merged.items()]


def _cell(oid: str, row: str) -> Cell:
    return scalar(oid) if is_scalar(oid) else Cell(oid, row)


def _rows(oid: str, when: Sequence[Condition], values: Values) -> Iterator[str]:
    """Return the rows of a column for which all conditions hold; a scalar has one row."""
    rows = ("0",) if is_scalar(oid) else values.column(oid)
    return islice((row for row in rows if all(_holds(condition, row, values) for condition in when)), MAX_ROWS)


def _holds(condition: Condition, row: str, values: Values) -> bool:
    value = whole(values.get(_cell(condition.column, row)))
    if condition.values:
        return value in condition.values
    return value is not None and value not in condition.excluded


def _ratio_rows(rule: RatioRule, values: Values) -> list[str]:
    """Return the rows that have a use: most boards of a chassis show 0 because they have no processor."""
    head = rule.percent or rule.used or rule.free
    if is_scalar(head):
        return [] if values.get(scalar(head)) is None else ["0"]
    busy = [row for row, value in values.column(head).items() if value != 0]
    return busy[:MAX_ROWS] or list(values.column(head))[:1]


def _used(rule: RatioRule, row: str, values: Values) -> Memory | None:
    """Return what is used of a processor or a memory; None where there is no sense in it."""
    size = _bytes(rule.size, rule.unit, row, values)
    if rule.percent:
        percent = number(values.get(_cell(rule.percent, row)))
        return None if percent is None or not 0 <= percent <= 100 else Memory(percent / 100, None, size)
    used = _bytes(rule.used, rule.unit, row, values)
    free = _bytes(rule.free, rule.unit, row, values)
    if used is None and size is not None and free is not None:
        used = size - free
    return None if used is None or not size or not 0 <= used <= size else Memory(used / size, used, size)


def _bytes(oid: str, unit: int, row: str, values: Values) -> int | None:
    """Return a size: a signed 32-bit number, which large memories overflow; all ones are more than it can say."""
    value = whole(values.get(_cell(oid, row))) if oid else None
    return None if value is None or value % INTEGER32 == INTEGER32 - 1 else value % INTEGER32 * unit


def _measured(rule: SensorRule, values: Values) -> Iterator[Measured]:
    for row in _rows(rule.value, rule.when, values):
        raw = values.get(_cell(rule.value, row))
        value = number(raw)
        name = text(values.get(_cell(rule.name, row))) if rule.name else rule.label
        if value is None or value in rule.missing or (rule.names and not rule.names.search(name)):
            continue
        value = value * rule.scale + rule.offset
        if rule.fahrenheit and rule.fahrenheit.search(text(raw)):
            value = (value - 32) / 1.8
        yield Measured(name or rule.label, row, rule.quantity, round(value, DIGITS), rule.place)


def _contacts(rule: ContactRule, values: Values) -> Iterator[tuple[str, str]]:
    for row in _rows(rule.value, rule.when, values):
        name = text(values.get(_cell(rule.name, row))) if rule.name else rule.label
        if name not in rule.unnamed:
            yield row, name or rule.label
