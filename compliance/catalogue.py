"""The MLPS catalogue: every requirement of GB/T 22239-2019 at level 2 and 3, with the mobile extension.

``data/catalog.yaml`` is the source; its ``meta`` says where each field comes from and what was not found.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

CATALOGUE_FILE = Path(__file__).with_name("data") / "catalog.yaml"
LEVELS = (2, 3)


class CatalogueError(Exception):
    """The catalogue file is not what this code reads; names the file, the place and the next step."""


class Part(StrEnum):
    """General requirements (chapters 7.1, 8.1) or the mobile-interconnection extension (7.3, 8.3)."""

    GENERAL = "general"
    MOBILE = "mobile_ext"


class Automation(StrEnum):
    """AUTO: a probe can decide it; SEMI: a probe gives part; MANUAL: documents, photographs, interviews."""

    AUTO = "auto"
    SEMI = "semi"
    MANUAL = "manual"


@dataclass(frozen=True)
class Period:
    """How often something must be done; ``basis`` says who fixed the figure (rule, guide, peer_industry, suggested)."""

    days: int
    basis: str
    why: str | None


@dataclass(frozen=True)
class Requirement:
    """One requirement item (要求项).  ``counterpart`` is the same item's id at the other level, if there is one."""

    id: str
    level: int
    part: Part
    layer: str
    layer_code: str
    control_point: str
    requirement_zh: str
    gloss_en: str
    verified: bool
    source: tuple[str, ...]
    optional: bool
    counterpart: str | None
    versus_other_level: str
    weight: float | None
    high_risk: tuple[str, ...]
    major_risk_2025: str | None
    test_unit: str
    test_unit_inferred: bool
    assess_methods: tuple[str, ...]
    targets: tuple[str, ...]
    test_steps: int | None
    judge: str | None
    automation: Automation
    evidence: tuple[str, ...]
    period: Period | None
    na_when: str | None


@dataclass(frozen=True)
class Layer:
    """A layer (安全层面) with its GB/T 28448 code."""

    code: str
    name: str


@dataclass(frozen=True)
class HighRiskCase:
    """A case of 《网络安全等级保护测评高风险判定实施指引（试行）》.

    Holds what triggers it, which mitigation is accepted and how to fix it.
    """

    case: str
    name: str
    scope_min_level: int
    condition: str | None
    items: tuple[str, ...]
    trigger_zh: str
    trigger_en: str
    mitigation_zh: str
    remediation_zh: str


@dataclass(frozen=True)
class MajorRisk:
    """A trigger of 附录G 重大风险隐患触发项参照表 (report template 2025)."""

    code: str
    layer: str
    name: str
    items: tuple[str, ...]


@dataclass(frozen=True)
class Catalogue:
    """The whole catalogue, in the standard's order."""

    meta: Mapping[str, Any]
    sources: Mapping[str, str]
    layers: tuple[Layer, ...]
    requirements: Mapping[str, Requirement]
    high_risk_cases: Mapping[str, HighRiskCase]
    major_risks: Mapping[str, MajorRisk]

    def at(self, level: int, *, mobile: bool = True) -> tuple[Requirement, ...]:
        """Return the requirements of ``level`` (2 or 3), with or without the mobile extension."""
        if level not in LEVELS:
            raise ValueError(f"level {level}: the catalogue holds levels 2 and 3")
        return tuple(
            requirement
            for requirement in self.requirements.values()
            if requirement.level == level and (mobile or requirement.part is Part.GENERAL)
        )

    def published_counts(self, level: int) -> Mapping[str, int]:
        """Return how many general requirements the standard has per layer at ``level``."""
        counts: Mapping[str, int] = self.meta["published_counts"][f"L{level}"]
        return counts


def _requirement(row: dict[str, Any]) -> Requirement:
    fields = dict(row)
    other = 3 if fields["level"] == 2 else 2
    fields["counterpart"] = fields.pop(f"l{other}_counterpart")
    fields["versus_other_level"] = fields.pop(f"vs_l{other}")
    for key in ("source", "high_risk", "assess_methods", "targets", "evidence"):
        fields[key] = tuple(fields[key] or ())
    fields["part"] = Part(fields["part"])
    fields["automation"] = Automation(fields["automation"])
    fields["period"] = Period(**fields["period"]) if fields["period"] else None
    return Requirement(**fields)


def read_catalogue(path: Path) -> Catalogue:
    """Read a catalogue file.  Raises CatalogueError naming the entry that doesn't fit."""
    place = "the file"
    try:
        document = yaml.load(path.read_bytes(), Loader=yaml.CSafeLoader)
        requirements = []
        for row in document["items"]:
            place = f"item {row.get('id')}"
            requirements.append(_requirement(row))
        place = "high_risk_cases"
        cases = [HighRiskCase(**{**row, "items": tuple(row["items"])}) for row in document["high_risk_cases"]]
        place = "major_risk_triggers_2025"
        risks = [MajorRisk(**{**row, "items": tuple(row["items"])}) for row in document["major_risk_triggers_2025"]]
        place = "layers"
        layers = tuple(Layer(**row) for row in document["layers"])
        meta, sources = document["meta"], document["sources"]
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        raise CatalogueError(
            f"{path}: {place}: {type(error).__name__}: {error}. "
            "Next: restore the file from the release, or correct that entry."
        ) from error
    return Catalogue(
        meta=MappingProxyType(meta),
        sources=MappingProxyType(sources),
        layers=layers,
        requirements=MappingProxyType({requirement.id: requirement for requirement in requirements}),
        high_risk_cases=MappingProxyType({case.case: case for case in cases}),
        major_risks=MappingProxyType({risk.code: risk for risk in risks}),
    )


@cache
def load_catalogue() -> Catalogue:
    """Return the catalogue that comes with this release (read once)."""
    return read_catalogue(CATALOGUE_FILE)
