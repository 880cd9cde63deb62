"""How long the battery lasts and who goes when: what the page says before the power daemon has to act.  Pure."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from agent.power.plan import MARGIN
from console.power.plan import Stage
from console.power.snapshot import UpsSnapshot

FEWEST_HOURS = 3
LEAST_LOAD = 0.02  # below it a card's load is mostly rounding


@dataclass(frozen=True)
class Hour:
    """What a UPS measured on average in one hour; ratios 0 to 1."""

    runtime_seconds: float
    load_ratio: float
    charge_ratio: float


@dataclass(frozen=True)
class Runtime:
    """For how long the battery lasts under the measured load; ``measured``: the device says so itself."""

    seconds: float
    measured: bool


def runtime(now: UpsSnapshot, hours: Sequence[Hour]) -> Runtime | None:
    """Return the device's own figure, else an estimate from what earlier hours showed, else None.

    The estimate takes the battery as a fixed amount of energy: runtime * load / charge stays the same.
    """
    if not now.up:
        return None
    if now.runtime_seconds is not None:
        return Runtime(now.runtime_seconds, measured=True)
    if now.charge_ratio is None or now.load_ratio is None:
        return None
    amounts = [
        one.runtime_seconds * one.load_ratio / one.charge_ratio
        for one in hours
        if one.load_ratio >= LEAST_LOAD and one.charge_ratio > 0
    ]
    if len(amounts) < FEWEST_HOURS:
        return None
    load = max(now.load_ratio, LEAST_LOAD)
    return Runtime(statistics.median(amounts) * now.charge_ratio / load, measured=False)


@dataclass(frozen=True)
class StageOutlook:
    """When a stage goes.

    ``at_seconds`` of runtime left it begins; ``by_need``: because the rest of the stages needs that long, not because
    of its own threshold.  ``in_seconds`` from now on battery, 0 for at once; None without a runtime.
    """

    stage: Stage
    at_seconds: float
    by_need: bool
    in_seconds: float | None


def outlook(stages: Sequence[Stage], runtime_seconds: float | None) -> list[StageOutlook]:
    """Return when each stage would go if the mains were away now and the runtime fell second by second."""
    found = []
    for number, stage in enumerate(stages):
        need = MARGIN * sum(one.takes_seconds for one in stages[number:])
        at = max(stage.below_seconds, need)
        left = None if runtime_seconds is None else max(0.0, runtime_seconds - at)
        found.append(StageOutlook(stage, at, need > stage.below_seconds, left))
    return found
