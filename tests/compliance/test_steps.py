"""Each step on variants of recorded output that an assessor would recognise (data/cases.yaml)."""

from typing import Any

import pytest
import yaml

from compliance.checks.registry import CHECKS
from compliance.judge import judge
from compliance.results import Finding, Verdict
from tests.compliance.facts import DATA, an_hour_after, recorded, variant

CASES: list[dict[str, Any]] = yaml.load((DATA / "cases.yaml").read_bytes(), Loader=yaml.CSafeLoader)
STEPS = [step.id for check in CHECKS for step in check.steps]


def finding(case: dict[str, Any]) -> Finding:
    """Judge the case's facts and return the finding of its step."""
    facts = variant(recorded(case.get("base", "debian12-hardened")), case.get("change", {}))
    results = judge(facts, case.get("level", 2), an_hour_after(facts))
    return next(found for result in results for found in result.findings if found.step == case["step"])


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['step']}: {case['case']}")
def test_a_step_judges_as_an_assessor_would(case: dict[str, Any]):
    outcome = finding(case).outcome
    assert outcome.verdict.name.lower() == case["expect"], outcome.text
    # Whatever is open says what to do.
    assert (outcome.next_step is None) == (outcome.verdict in (Verdict.COMPLIANT, Verdict.NOT_APPLICABLE))


def test_every_step_is_tried_with_more_than_one_verdict():
    tried = {step: {case["expect"] for case in CASES if case["step"] == step} for step in STEPS}
    assert [step for step, verdicts in tried.items() if len(verdicts) < 2] == []


def test_no_case_names_a_step_that_does_not_exist():
    assert {case["step"] for case in CASES} == set(STEPS)


@pytest.mark.parametrize(
    ("case", "number"),
    [
        ("a guest account without a password", "6.4.1.1"),
        ("empty passwords let in", "6.4.1.1"),
        ("telnet open", "6.4.1.2"),
        ("rpcbind for everybody", "6.4.3.1"),
        ("a guest share of a Samba that runs", "6.4.3.1"),
        ("no scanner", "6.4.4.1"),
        ("signatures of two months", "6.4.4.1"),
        ("a database without a policy", "6.4.6.1"),
        ("never a backup", "6.4.6.1"),
        ("signatures of two weeks", None),
        ("a backup of two days ago", None),
        ("security updates wait, untouched for 40 days", None),
    ],
)
def test_a_case_of_the_high_risk_guideline_is_named_when_its_trigger_is_seen(case: str, number: str | None):
    assert finding(next(row for row in CASES if row["case"] == case)).outcome.high_risk == number


def test_numbers_stay_numbers():
    values = finding({"step": "lockout"}).outcome.text.values
    assert values == {"deny": 5, "low": 3, "high": 5, "seconds": 900, "wanted": 300}


def test_a_guard_against_faults_hidden_by_the_runner():
    broken = [case["case"] for case in CASES if "error" in finding(case).outcome.text.values]
    assert broken == ["a shadow line that nobody can read is not passed over"]
