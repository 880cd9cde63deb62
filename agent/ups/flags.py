"""A UPS's flags from what all its objects say, the mains decided by ``supply``."""

from collections.abc import Iterable, Sequence

from agent.ups.choose import Fields, Values, first, output_volts
from agent.ups.decode import Decoded
from agent.ups.profile import Quantity, Says, Supply
from agent.ups.reading import Flag, TestResult
from agent.ups.supply import Evidence, supply_flags

_SUPPLY = frozenset({Flag.ON_LINE, Flag.ON_BATTERY})
_STATES = frozenset({Flag.ON_LINE, Flag.ON_BATTERY, Flag.OFF, Supply.FED})
_MAINS_TOLERANCE = 0.15
"""How far input and output may differ where the UPS is fed well: wider ranges are what it converts or boosts."""


def decide_flags(
    decoded: Sequence[Decoded], values: Values, test: TestResult | None, fields: Fields
) -> frozenset[Flag]:
    """Return the flags; what is not plain is noted in ``fields``."""
    state = next((one for one in decoded if any(claim.says & _STATES for claim in one.states)), None)
    if state:
        fields.sources["flags"] = state.profile.mib
    said = frozenset[Flag]().union(*(_flags_of(says) for says in everything(decoded)))
    evidence = _evidence(decoded, values, said, testing=test is TestResult.IN_PROGRESS)
    supply, remark = supply_flags(evidence)
    fields.note(remark)
    flags = (said - _SUPPLY) | supply
    if Flag.OFF in flags and state and not any(Flag.OFF in claim.says for claim in state.states) and supply:
        flags -= {Flag.OFF}  # a lesser MIB's word against the best one's
    if Flag.OFF in flags and Flag.ON_LINE in flags:
        flags -= {Flag.ON_LINE}
    if test is TestResult.IN_PROGRESS:
        flags |= {Flag.TEST}
    if test is TestResult.FAILED:
        flags |= {Flag.REPLACE_BATTERY}
    runtime, low = first(values[Quantity.RUNTIME]), first(values[Quantity.LOW_RUNTIME])
    if Flag.ON_BATTERY in flags and runtime is not None and low is not None and runtime < low:
        flags |= {Flag.LOW_BATTERY}
    return flags


def _evidence(decoded: Sequence[Decoded], values: Values, said: frozenset[Flag], *, testing: bool) -> Evidence:
    claims = [claim for one in decoded for claim in (*one.states, *(claim for _, claim in one.alarms))]
    return Evidence(
        battery=frozenset(claim.name for claim in claims if Flag.ON_BATTERY in claim.says),
        line=frozenset(claim.name for claim in claims if Flag.ON_LINE in claim.says),
        fed=any(Supply.FED in claim.says for claim in claims),
        on_battery_seconds=first(values[Quantity.ON_BATTERY]),
        input_good=_input_good(decoded, values),
        discharging=Flag.DISCHARGING in said,
        low=Flag.LOW_BATTERY in said,
        testing=testing,
    )


def _input_good(decoded: Sequence[Decoded], values: Values) -> bool | None:
    said = frozenset().union(*everything(decoded))
    if Supply.BAD in said:
        return False
    if Supply.GOOD in said:
        return True
    given = values[Quantity.INPUT_VOLTS]
    if given and not any(given):
        return False
    volts, output = first(tuple(line or None for line in given)), first(output_volts(values))
    if volts is None or output is None:
        return None
    return abs(volts / output - 1) <= _MAINS_TOLERANCE


def everything(decoded: Iterable[Decoded]) -> list[frozenset[Says]]:
    """Return what every state and every active alarm says."""
    return [claim.says for one in decoded for claim in (*one.states, *(claim for _, claim in one.alarms))]


def _flags_of(says: frozenset[Says]) -> frozenset[Flag]:
    return frozenset(word for word in says if isinstance(word, Flag))
