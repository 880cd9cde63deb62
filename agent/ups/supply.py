"""On line or on battery: decided by several signals, because single ones lie.

A card that takes over the last test's state, an inverter fed from a DC plant or a sticky counter must not send a
clinic to sleep; a real power cut always shows in two places.
"""

from dataclasses import dataclass

from agent.ups.reading import Flag


@dataclass(frozen=True)
class Evidence:
    """What the device's objects say.  ``input_good`` is None where nothing tells."""

    battery: frozenset[str] = frozenset()  # names of objects that say "on battery"
    line: frozenset[str] = frozenset()  # names of objects that say "on line"
    fed: bool = False  # the output is fed, by mains or battery
    on_battery_seconds: float | None = None
    input_good: bool | None = None
    discharging: bool = False
    low: bool = False
    testing: bool = False  # the UPS tests its battery now


def supply_flags(evidence: Evidence) -> tuple[frozenset[Flag], str]:
    """Return ON_LINE, ON_BATTERY, ON_BATTERY_UNCONFIRMED (or nothing), and why when it is not plain."""
    counting = bool(evidence.on_battery_seconds)
    signs = len(evidence.battery) + counting + (evidence.input_good is False) + evidence.discharging + evidence.low
    if not evidence.battery:
        return _without_claim(evidence, counting=counting)
    said = ", ".join(sorted(evidence.battery))
    if evidence.testing and evidence.input_good and not evidence.low:
        return frozenset({Flag.ON_LINE}), "on battery by its own test; the mains is there"
    if evidence.line:
        against = ", ".join(sorted(evidence.line))
        return frozenset({Flag.ON_LINE, Flag.ON_BATTERY_UNCONFIRMED}), f"{said} says battery, {against} says line"
    if signs >= 2 or evidence.input_good is None:
        return frozenset({Flag.ON_BATTERY}), ""
    return frozenset({Flag.ON_BATTERY_UNCONFIRMED}), f"only {said} says battery; {_contrary(evidence)}"


def _without_claim(evidence: Evidence, *, counting: bool) -> tuple[frozenset[Flag], str]:
    if evidence.line:
        if counting and evidence.input_good is False:
            seen = frozenset({Flag.ON_LINE, Flag.ON_BATTERY_UNCONFIRMED})
            return seen, "the time on battery runs and the input is bad, but the output is said to be on line"
        return frozenset({Flag.ON_LINE}), "the time on battery runs on line" if counting else ""
    if counting:
        confirmed = evidence.input_good is False or evidence.discharging or evidence.low
        return frozenset({Flag.ON_BATTERY if confirmed else Flag.ON_BATTERY_UNCONFIRMED}), "by the time on battery"
    return frozenset({Flag.ON_LINE} if evidence.fed else ()), ""


def _contrary(evidence: Evidence) -> str:
    words = ["0 s on battery"] if evidence.on_battery_seconds == 0 else []
    if evidence.input_good:
        words.append("the input is good")
    return " and ".join(words)
