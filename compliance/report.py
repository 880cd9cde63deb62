"""Results as plain data for JSON: verdicts in both languages, texts with their ids, every number kept."""

from typing import Any

from compliance.results import Finding, ItemResult, Text
from compliance.texts import render


def text_data(statement: Text) -> dict[str, Any]:
    """Return a text as id, values, English and Chinese."""
    return {
        "msgid": statement.msgid,
        "values": dict(statement.values),
        "en": render(statement, "en"),
        "zh": render(statement, "zh_CN"),
    }


def finding_data(finding: Finding) -> dict[str, Any]:
    """Return one finding as plain data."""
    outcome = finding.outcome
    return {
        "step": finding.step,
        "verdict": outcome.verdict.name.lower(),
        "verdict_zh": outcome.verdict.value,
        "text": text_data(outcome.text),
        "next_step": text_data(outcome.next_step) if outcome.next_step else None,
        "high_risk": outcome.high_risk,
        "probes": list(finding.probes),
    }


def result_data(result: ItemResult) -> dict[str, Any]:
    """Return one item result as plain data."""
    return {
        "requirement": result.requirement,
        "level": result.level,
        "host": result.host,
        "check": result.check,
        "verdict": result.verdict.name.lower(),
        "verdict_zh": result.verdict.value,
        "meaning": text_data(result.meaning),
        "next_step": text_data(result.next_step),
        "high_risk": list(result.high_risk),
        "major_risks": list(result.major_risks),
        "evidence": list(result.evidence),
        "findings": [finding_data(finding) for finding in result.findings],
    }
