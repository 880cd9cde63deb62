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

_ZERO_MEANS_NONE = {Quantity.INPUT_VOLTS, Quantity.OUTPUT_VOLTS}
"""A line without voltage: an absent phase, or a mains or output that is away; judged when the flags are known."""


@dataclass
class Fields:
    """What was chosen so far, where it came from, and what was done to it."""

    sources: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def note(self, words: str) -> None:
        if words and words not in self.notes:
            self.notes.append(words)


def candidates(decoded: Sequence[Decoded], quantity: Quantity) -> list[tuple[Decoded, Number]]:
    hidden = {
        mib
        for other in decoded
        if any(number.rule.quantity is quantity for number in other.numbers)
        for mib, quantities in other.profile.hides.items()
        if quantity in quantities
    }
    found = [
        (one, number)
        for one in decoded
        if one.profile.mib not in hidden
        for number in one.numbers
        if number.rule.quantity is quantity
    ]
    return sorted(found, key=lambda item: item[0].profile.rank if item[1].rule.rank is None else item[1].rule.rank)


def choose(decoded: Sequence[Decoded], quantity: Quantity, fields: Fields) -> Lines:
    zeros: Lines = ()
    for one, number in candidates(decoded, quantity):
        lines = []
        remarks = set()
        for line in number.lines:
            if line is None or (line == 0 and quantity in _ZERO_MEANS_NONE):
                lines.append(line)
                continue
            value, remark = plausible(quantity, line)
            lines.append(value)
            remarks.add(remark)
        if any(lines) or (quantity not in _ZERO_MEANS_NONE and 0.0 in lines):
            for remark in sorted(remarks):
                fields.note(remark)
            if quantity in NAMES:
                fields.sources[NAMES[quantity]] = one.profile.mib
            return tuple(lines)
        if 0.0 in lines and not zeros:
            zeros = tuple(lines)
        elif not (quantity is Quantity.RUNTIME and 0.0 in number.lines):
            for remark in sorted(remarks):
                fields.note(remark)
    return zeros


def first(lines: Lines) -> float | None:
    return next((line for line in lines if line is not None), None)


def trimmed(lines: Lines) -> Lines:
    while lines and lines[-1] is None:
        lines = lines[:-1]
    return lines


def output_volts(values: Values) -> Lines:
    lines = values[Quantity.OUTPUT_VOLTS][: int(first(values[Quantity.OUTPUT_LINES]) or 3)]
    return trimmed(tuple(line or None for line in lines))
