"""Several MIBs' decoded answers → one reading: each field from its best source, implausible values left out."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from agent.ups.choose import NAMES, Fields, Lines, Values, candidates, choose, first, output_volts, present, trimmed
from agent.ups.decode import Decoded
from agent.ups.flags import decide_flags, everything
from agent.ups.profile import Day, Quantity, Text
from agent.ups.reading import Flag, TestResult, UpsReading


def normalise(decoded: Sequence[Decoded]) -> UpsReading:
    """Merge what one device says in several MIBs (best rank first) into one reading."""
    decoded, fields = present(decoded), Fields()
    texts = {key: _text(decoded, key, fields) for key in Text}
    named = UpsReading(
        manufacturer=texts[Text.MANUFACTURER],
        model=texts[Text.MODEL],
        serial=texts[Text.SERIAL],
        firmware=texts[Text.FIRMWARE],
    )
    alarms = _alarms(decoded, fields)
    if any(Flag.COMMUNICATION_LOST in says for says in everything(decoded)):
        lost = "the card has lost the UPS: its values are old"
        flags = frozenset({Flag.COMMUNICATION_LOST})
        return replace(named, flags=flags, alarms=alarms, sources=fields.sources, notes=(lost,))
    values = {quantity: choose(decoded, quantity, fields) for quantity in Quantity}
    test = _test(decoded, fields)
    flags = decide_flags(decoded, values, test, fields)
    on_battery = bool(flags & {Flag.ON_BATTERY, Flag.ON_BATTERY_UNCONFIRMED})
    output = output_volts(values)
    loads = _loads(values, output)
    return replace(
        named,
        flags=flags,
        charge_ratio=first(values[Quantity.CHARGE]),
        runtime_seconds=_runtime(decoded, values, flags, fields),
        on_battery_seconds=first(values[Quantity.ON_BATTERY]),
        load_ratio=max((load for load in loads if load is not None), default=None),
        load_ratios=loads,
        input_volts=_input_volts(values, len(output), on_battery=on_battery),
        input_hertz=first(values[Quantity.INPUT_HERTZ]),
        output_volts=output,
        output_hertz=first(values[Quantity.OUTPUT_HERTZ]),
        battery_volts=first(values[Quantity.BATTERY_VOLTS]),
        battery_celsius=first(values[Quantity.BATTERY_CELSIUS]),
        battery_replaced=_day(decoded, Day.BATTERY_REPLACED, fields),
        test=test,
        tested=_day(decoded, Day.TESTED, fields),
        alarms=alarms,
        sources=fields.sources,
        notes=tuple(fields.notes),
    )


def _input_volts(values: Values, output_lines: int, *, on_battery: bool) -> Lines:
    lines = values[Quantity.INPUT_VOLTS][: int(first(values[Quantity.INPUT_LINES]) or 3)]
    if on_battery and not any(lines):
        return lines[: max(1, output_lines)]  # the mains is away: 0 V is what it has
    return trimmed(tuple(line or None for line in lines))


def _loads(values: Values, output: Lines) -> Lines:
    lines = values[Quantity.LOAD][: int(first(values[Quantity.OUTPUT_LINES]) or 3)]
    if output:
        while len(lines) > len(output) and not lines[-1]:
            lines = lines[:-1]
    return lines


def _runtime(decoded: Sequence[Decoded], values: Values, flags: frozenset[Flag], fields: Fields) -> float | None:
    """A runtime of 0 is "not known", unless the UPS is on battery and says itself that little is left."""
    runtime = first(values[Quantity.RUNTIME])
    if runtime is None and {Flag.ON_BATTERY, Flag.LOW_BATTERY} <= flags:
        for candidate in candidates(decoded, Quantity.RUNTIME):
            if 0.0 in candidate.raw:
                fields.sources[NAMES[Quantity.RUNTIME]] = candidate.mib
                return 0.0
    return runtime


def _alarms(decoded: Sequence[Decoded], fields: Fields) -> tuple[str, ...]:
    names: dict[str, None] = {}
    for one in decoded:
        for alarm, _ in one.alarms:
            if not alarm.informational:
                names[alarm.name] = None
                fields.sources.setdefault("alarms", one.profile.mib)
    return tuple(names)


def _test(decoded: Sequence[Decoded], fields: Fields) -> TestResult | None:
    for one in decoded:
        if one.test:
            fields.sources["test"] = one.profile.mib
            return one.test
    return None


def _text(decoded: Sequence[Decoded], key: Text, fields: Fields) -> str:
    for one in decoded:
        if one.texts.get(key):
            fields.sources[str(key)] = one.profile.mib
            return one.texts[key]
    return next((one.profile.maker for one in decoded if one.profile.maker), "") if key is Text.MANUFACTURER else ""


def _day(decoded: Sequence[Decoded], key: Day, fields: Fields) -> date | None:
    for one in decoded:
        if key in one.days:
            fields.sources[str(key)] = one.profile.mib
            return one.days[key]
    return None
