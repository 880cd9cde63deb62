"""Which MIB's value becomes a reading's field: the best ranked one that is plausible."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from agent.ups.decode import Decoded, Number
from agent.ups.plausible import plausible
from agent.ups.profile import Quantity

Lines = tuple[float | None, ...]
Values = Mapping[Quantity, Lines]

NAMES = {
    Quantity.CHARGE: "charge_ratio",
    Quantity.RUNTIME: "runtime_seconds",
    Quantity.ON_BATTERY: "on_battery_seconds",
    Quantity.LOAD: "load_ratio",
    Quantity.INPUT_VOLTS: "input_volts",
    Quantity.INPUT_HERTZ: "input_hertz",
    Quantity.OUTPUT_VOLTS: "output_volts",
    Quantity.OUTPUT_HERTZ: "output_hertz",
    Quantity.BATTERY_VOLTS: "battery_volts",
    Quantity.BATTERY_CELSIUS: "battery_celsius",
}

_MAY_BE_AWAY = {Quantity.INPUT_VOLTS, Quantity.OUTPUT_VOLTS}
"""A line without voltage: an absent phase, or a mains or output that is away; judged when the flags are known."""


@dataclass
class Fields:
    """What was chosen so far, where it came from, and what was done to it."""

    sources: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def note(self, words: str) -> None:
        """Keep a remark, once."""
        if words and words not in self.notes:
            self.notes.append(words)


@dataclass(frozen=True)
class Candidate:
    """One rule's plausible lines, and what was done to them."""

    mib: str
    rank: int
    raw: Lines
    lines: Lines
    remarks: tuple[str, ...]

    @property
    def known(self) -> int:
        """How many lines it knows."""
        return sum(line is not None for line in self.lines)


def present(decoded: Sequence[Decoded]) -> list[Decoded]:
    """Leave out MIBs whose objects are there, but only filled with zeros."""
    return [one for one in decoded if not one.profile.requires or _gives_any(one, one.profile.requires)]


def candidates(decoded: Sequence[Decoded], quantity: Quantity) -> list[Candidate]:
    """Return a quantity's sources, the best first: by rank; of one MIB that which knows the most lines."""
    found = [
        (one.profile.file, _candidate(one, number))
        for one in decoded
        for number in one.numbers
        if number.rule.quantity is quantity
    ]
    ordered = sorted(found, key=lambda item: (item[1].rank, item[0], -item[1].known))
    return [candidate for _, candidate in ordered]


def choose(decoded: Sequence[Decoded], quantity: Quantity, fields: Fields) -> Lines:
    """Return a quantity's lines from its best source.

    Voltages of 0 count where no source knows better, or where a MIB that knows the output's gives them for the mains.
    """
    found = candidates(decoded, quantity)
    measured = {candidate.mib for candidate in candidates(decoded, Quantity.OUTPUT_VOLTS) if candidate.known}
    for candidate in found:
        for remark in candidate.remarks:
            fields.note(remark)
        away = quantity is Quantity.INPUT_VOLTS and 0.0 in candidate.raw and candidate.mib in measured
        if candidate.known or away:
            if quantity in NAMES:
                fields.sources[NAMES[quantity]] = candidate.mib
            return tuple(
                0.0 if raw == 0 and quantity in _MAY_BE_AWAY else line
                for raw, line in zip(candidate.raw, candidate.lines, strict=True)
            )
    raw = next((candidate.raw for candidate in found if 0.0 in candidate.raw), ())
    return tuple(0.0 if line == 0 else None for line in raw) if quantity in _MAY_BE_AWAY else ()


def _candidate(one: Decoded, number: Number) -> Candidate:
    judged = [(None, "") if raw is None else plausible(number.rule.quantity, raw) for raw in number.lines]
    rank = one.profile.rank if number.rule.rank is None else number.rule.rank
    remarks = dict.fromkeys(remark for _, remark in judged if remark)
    return Candidate(one.profile.mib, rank, number.lines, tuple(line for line, _ in judged), tuple(remarks))


def _gives_any(one: Decoded, quantities: tuple[Quantity, ...]) -> bool:
    return any(_candidate(one, number).known for number in one.numbers if number.rule.quantity in quantities)


def first(lines: Lines) -> float | None:
    """Return the first line that is known: a scalar's only one."""
    return next((line for line in lines if line is not None), None)


def trimmed(lines: Lines) -> Lines:
    """Return the lines without absent phases at the end."""
    while lines and lines[-1] is None:
        lines = lines[:-1]
    return lines


def output_volts(values: Values) -> Lines:
    """Return the output's lines; one without voltage is absent."""
    lines = values[Quantity.OUTPUT_VOLTS][: int(first(values[Quantity.OUTPUT_LINES]) or 3)]
    return trimmed(tuple(line or None for line in lines))
