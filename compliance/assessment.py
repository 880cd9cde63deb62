"""From item results to the state of a whole system: per item, control point and layer, with rates as intervals.

A self-check: what was not tested is shown, never guessed.  The limits 90 % and 60 % are those of the report template
2025 (公网安〔2025〕1846号, answer 20); the formula of the rate (符合率) is not public, so both readings are computed
and the lower one is used for the forecast.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from compliance.catalogue import Catalogue, Requirement
from compliance.results import Text, Verdict, merge, text

TEMPLATE_YEAR = 2025
LABEL = text(
    "Self-check by report template {year}; it does not replace an assessment's conclusion.", year=TEMPLATE_YEAR
)
PASS_RATE, FAIL_RATE = 0.90, 0.60
SCORES = {Verdict.COMPLIANT: 1.0, Verdict.PARTIAL: 0.5}


class ObjectResult(Protocol):
    """One requirement on one object, judged by a probe (``ItemResult``) or by a person."""

    @property
    def requirement(self) -> str: ...
    @property
    def host(self) -> str: ...
    @property
    def verdict(self) -> Verdict: ...
    @property
    def high_risk(self) -> tuple[str, ...]: ...
    @property
    def major_risks(self) -> tuple[str, ...]: ...


class Conclusion(StrEnum):
    """Forecast of the conclusion.  BORDERLINE: exactly 90 % or 60 %, which the letter leaves open."""

    COMPLIANT = "符合"
    MOSTLY = "基本符合"
    MOSTLY_PRESUMED = "基本符合（推定：有重大风险隐患）"
    NONCOMPLIANT = "不符合"
    BORDERLINE = "临界（函件未规定）"


@dataclass(frozen=True)
class Interval:
    """A rate (0..1): ``low`` if everything untested fails, ``high`` if all of it passes."""

    low: float
    high: float


@dataclass(frozen=True)
class Rates:
    """``strict`` counts compliant items only, ``half`` a partial one as half; of ``applicable`` items."""

    applicable: int
    strict: Interval
    half: Interval
    untested_share: float


@dataclass(frozen=True)
class ItemState:
    """One requirement over all objects; the result of each object is kept."""

    requirement: Requirement
    verdict: Verdict
    objects: Mapping[str, Verdict]


@dataclass(frozen=True)
class GroupState:
    """A control point (``control_point`` set) or a layer of it, merged from its items."""

    layer: str
    control_point: str | None
    verdict: Verdict
    rates: Rates
    counts: Mapping[Verdict, int]


@dataclass(frozen=True)
class Assessment:
    """The state of one system at one level.

    ``high_risk`` are cases of the guideline seen on some object (case → objects).  ``major_risks`` are the trigger
    codes (重大风险隐患) seen; with one of them the conclusion can't be 符合.
    """

    level: int
    label: Text
    items: tuple[ItemState, ...]
    control_points: tuple[GroupState, ...]
    layers: tuple[GroupState, ...]
    rates: Rates
    high_risk: Mapping[str, tuple[str, ...]]
    major_risks: tuple[str, ...]
    worst: Conclusion
    best: Conclusion


def rates(verdicts: Iterable[Verdict]) -> Rates:
    """Return both readings of the rate as intervals, not applicable items left out."""
    applicable = [verdict for verdict in verdicts if verdict is not Verdict.NOT_APPLICABLE]
    count = len(applicable) or 1
    full = sum(verdict is Verdict.COMPLIANT for verdict in applicable) / count
    half = sum(SCORES.get(verdict, 0.0) for verdict in applicable) / count
    untested = sum(verdict is Verdict.UNTESTED for verdict in applicable) / count
    return Rates(len(applicable), Interval(full, full + untested), Interval(half, half + untested), untested)


def conclude(rate: float, major_risks: int) -> Conclusion:
    """Return the conclusion of template 2025 for ``rate`` (0..1) and the number of 重大风险隐患, before fixing."""
    if rate < FAIL_RATE:
        return Conclusion.NONCOMPLIANT
    if rate > PASS_RATE:
        return Conclusion.MOSTLY_PRESUMED if major_risks else Conclusion.COMPLIANT
    return Conclusion.MOSTLY if FAIL_RATE < rate < PASS_RATE else Conclusion.BORDERLINE


def assess(results: Sequence[ObjectResult], level: int, catalogue: Catalogue, *, mobile: bool = False) -> Assessment:
    """Merge ``results`` (any number of objects) to the state at ``level``; items without a result are untested.

    ``mobile`` adds the mobile-interconnection extension, for a facility with wireless devices.  Raises KeyError when a
    result's requirement is not one of the level.
    """
    requirements = {requirement.id: requirement for requirement in catalogue.at(level, mobile=mobile)}
    objects: dict[str, dict[str, Verdict]] = {key: {} for key in requirements}
    cases: dict[str, list[str]] = {}
    for result in results:
        objects[result.requirement][result.host] = result.verdict
        for case in result.high_risk:
            cases.setdefault(case, []).append(result.host)
    items = tuple(
        ItemState(requirement, merge(objects[key].values()) if objects[key] else Verdict.UNTESTED, objects[key])
        for key, requirement in requirements.items()
    )
    total = rates(item.verdict for item in items)
    major = tuple(dict.fromkeys(code for result in results for code in result.major_risks))
    return Assessment(
        level=level,
        label=LABEL,
        items=items,
        control_points=_groups(items, by_control_point=True),
        layers=_groups(items, by_control_point=False),
        rates=total,
        high_risk={case: tuple(dict.fromkeys(hosts)) for case, hosts in cases.items()},
        major_risks=major,
        worst=conclude(total.strict.low, len(major)),
        best=conclude(total.strict.high, len(major)),
    )


def _groups(items: Iterable[ItemState], *, by_control_point: bool) -> tuple[GroupState, ...]:
    grouped: dict[tuple[str, str | None], list[Verdict]] = {}
    for item in items:
        point = item.requirement.control_point if by_control_point else None
        grouped.setdefault((item.requirement.layer, point), []).append(item.verdict)
    return tuple(
        GroupState(
            layer=layer,
            control_point=point,
            verdict=merge(verdicts),
            rates=rates(verdicts),
            counts={verdict: verdicts.count(verdict) for verdict in Verdict if verdict in verdicts},
        )
        for (layer, point), verdicts in grouped.items()
    )
