"""What a check says: verdicts of GB/T 28449-2018, findings with their numbers, texts in two languages by id."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Verdict(StrEnum):
    """Result of one item on one object (单项测评结果), plus UNTESTED, which no standard has and honesty needs."""

    COMPLIANT = "符合"
    PARTIAL = "部分符合"
    NONCOMPLIANT = "不符合"
    NOT_APPLICABLE = "不适用"
    UNTESTED = "未测"


Value = str | int | float


@dataclass(frozen=True)
class Text:
    """A text for people: the English ``msgid`` (with ``{placeholders}``) and the values that fill it."""

    msgid: str
    values: Mapping[str, Value] = field(default_factory=dict)


def text(msgid: str, **values: Value) -> Text:
    """Return a Text; the catalogue of translations is made from the calls of this function."""
    return Text(msgid, values)


@dataclass(frozen=True)
class Outcome:
    """What one step of a check decided.  ``high_risk`` is a case number when that case's own trigger was seen."""

    verdict: Verdict
    text: Text
    next_step: Text | None = None
    high_risk: str | None = None


def passed(statement: Text) -> Outcome:
    """Return the outcome of a step that holds."""
    return Outcome(Verdict.COMPLIANT, statement)


def partly(statement: Text, next_step: Text, high_risk: str | None = None) -> Outcome:
    """Return the outcome of a step that holds in part."""
    return Outcome(Verdict.PARTIAL, statement, next_step, high_risk)


def failed(statement: Text, next_step: Text, high_risk: str | None = None) -> Outcome:
    """Return the outcome of a step that doesn't hold."""
    return Outcome(Verdict.NONCOMPLIANT, statement, next_step, high_risk)


def not_applicable(reason: Text) -> Outcome:
    """Return the outcome of a step whose threat doesn't exist on this host; ``reason`` is compulsory by GB/T 28449."""
    return Outcome(Verdict.NOT_APPLICABLE, reason)


@dataclass(frozen=True)
class Finding:
    """One step's outcome on one host, with the probes it was read from."""

    step: str
    outcome: Outcome
    probes: tuple[str, ...]


@dataclass(frozen=True)
class ItemResult:
    """One requirement on one host.

    ``meaning`` says what the verdict means for the clinic, ``next_step`` what to do first; ``high_risk`` lists the
    cases of the high-risk guideline (in its scope for the level) and ``major_risks`` the trigger codes of the report
    template 2025 that were seen; ``evidence`` names the probes.  A self-check, not an assessment.
    """

    requirement: str
    level: int
    host: str
    check: str
    verdict: Verdict
    findings: tuple[Finding, ...]
    meaning: Text
    next_step: Text
    high_risk: tuple[str, ...]
    major_risks: tuple[str, ...]
    evidence: tuple[str, ...]


def merge(verdicts: Iterable[Verdict]) -> Verdict:
    """Merge steps to an item, objects to an item, or items to a control point (GB/T 28449-2018 8.2.1, 8.2.2).

    All applicable compliant: COMPLIANT; all non-compliant: NONCOMPLIANT; none applicable: NOT_APPLICABLE; else
    PARTIAL.  What is untested never counts as compliant: with nothing worse known the whole is UNTESTED, beside
    failures it is taken as failed.
    """
    applicable = {verdict for verdict in verdicts if verdict is not Verdict.NOT_APPLICABLE}
    if not applicable:
        return Verdict.NOT_APPLICABLE
    if applicable <= {Verdict.NONCOMPLIANT, Verdict.UNTESTED} and Verdict.NONCOMPLIANT in applicable:
        return Verdict.NONCOMPLIANT
    if applicable & {Verdict.PARTIAL, Verdict.NONCOMPLIANT}:
        return Verdict.PARTIAL
    return Verdict.UNTESTED if Verdict.UNTESTED in applicable else Verdict.COMPLIANT
