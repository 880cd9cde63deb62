"""Judging a host: whole recordings, and facts that must never be trusted."""

import copy
import logging
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from agent.facts.probes import PROBES
from compliance.catalogue import Automation, load_catalogue
from compliance.checks.model import Check, Step
from compliance.checks.registry import CHECKS
from compliance.facts import Facts, moment
from compliance.judge import judge
from compliance.results import Outcome, Verdict, merge, passed, text
from tests.compliance.facts import RECORDINGS, an_hour_after, probe, recorded, variant

GOOD, PART, BAD, NONE, OPEN = (
    Verdict.COMPLIANT,
    Verdict.PARTIAL,
    Verdict.NONCOMPLIANT,
    Verdict.NOT_APPLICABLE,
    Verdict.UNTESTED,
)
WHOLE = {
    "debian12-default": {
        "identity": PART,
        "login_failure": BAD,
        "remote_management": GOOD,
        "default_accounts": PART,
        "audit": PART,
        "audit_records": PART,
        "exposure": GOOD,
        "patches": BAD,
        "malware": BAD,
        "local_backup": OPEN,
    },
    "debian12-hardened": {
        "identity": GOOD,
        "login_failure": GOOD,
        "remote_management": GOOD,
        "default_accounts": GOOD,
        "audit": PART,
        "audit_records": GOOD,
        "exposure": GOOD,
        "patches": PART,
        "malware": BAD,
        "local_backup": GOOD,
    },
}
WHOLE["debian13-default"] = WHOLE["debian12-default"]


def verdicts(facts: dict[str, Any], level: int = 2, now: datetime | None = None) -> dict[str, Verdict]:
    """Return the verdict of each check."""
    return {result.check: result.verdict for result in judge(facts, level, now or an_hour_after(facts))}


@pytest.mark.parametrize("level", [2, 3])
@pytest.mark.parametrize("name", RECORDINGS)
def test_a_recorded_host_is_judged_as_by_hand(name: str, level: int):
    assert verdicts(recorded(name), level) == WHOLE[name]


@pytest.mark.parametrize("level", [2, 3])
def test_ten_automatic_items_of_the_computing_environment_are_judged_at_each_level(level: int):
    found = [load_catalogue().requirements[check.requirements[level]] for check in CHECKS]
    assert len({item.id for item in found}) == 10
    assert {(item.layer, item.level, item.automation) for item in found} == {("安全计算环境", level, Automation.AUTO)}


def test_the_two_levels_of_a_check_are_counterparts():
    requirements = load_catalogue().requirements
    assert [requirements[check.requirements[2]].counterpart for check in CHECKS] == [c.requirements[3] for c in CHECKS]


def test_every_probe_that_a_check_needs_is_gathered():
    assert {name for check in CHECKS for name in check.probes} <= {probe.name for probe in PROBES}


def test_ids_of_checks_and_steps_are_unique():
    steps = [step.id for check in CHECKS for step in check.steps]
    assert len(set(steps)) == len(steps)
    assert len({check.id for check in CHECKS}) == len(CHECKS)


def test_a_result_names_host_requirement_evidence_meaning_and_next_step():
    result = judge(recorded(), 3, an_hour_after(recorded()))[8]
    assert (result.host, result.requirement, result.level, result.check) == ("his1", "8.1.4.5", 3, "malware")
    assert result.evidence == ("packages", "services", "malware_signatures")
    assert result.meaning.msgid.startswith("A file from a USB stick")
    assert result.next_step.msgid.startswith("Install clamav-daemon")
    assert (result.high_risk, result.major_risks) == (("6.4.4.1",), ("A-23",))


def test_level_3_asks_for_blocking_that_level_2_does_not():
    steps = {
        level: {f.step for f in judge(recorded(), level, an_hour_after(recorded()))[8].findings} for level in (2, 3)
    }
    assert steps[3] - steps[2] == {"blocking"}


def test_a_missing_backup_is_high_risk_at_level_3_only_but_a_major_risk_at_both():
    facts = variant(recorded(), {"backup_status": {"set": {"runs": []}}})
    now = an_hour_after(facts)
    assert [judge(facts, level, now)[9].high_risk for level in (2, 3)] == [(), ("6.4.6.1",)]
    assert [judge(facts, level, now)[9].major_risks for level in (2, 3)] == [("A-26",), ("A-26",)]


def test_a_trigger_counts_only_where_the_catalogue_puts_it():
    facts = recorded()
    assert [judge(facts, level, an_hour_after(facts))[8].major_risks for level in (2, 3)] == [(), ("A-23",)]


def test_the_next_step_is_that_of_the_worst_finding():
    facts = variant(
        recorded(),
        {
            "login_defs": {"replace": [["PASS_MIN_DAYS\t2", "PASS_MIN_DAYS\t0"]]},
            "pam": {"replace": [["remember=5", "remember=1"]]},
            "shadow": {"replace": [["zhangwei:set:", "zhangwei:empty:"]]},
        },
    )
    assert judge(facts, 2, an_hour_after(facts))[0].next_step.msgid.startswith("Lock each of them now")


@pytest.mark.parametrize("name", [probe.name for probe in PROBES])
@pytest.mark.parametrize("fault", ["missing", "timed out", "cut off", "old", "from the future", "failed"])
def test_what_was_not_read_soundly_is_never_judged_compliant(name: str, fault: str):
    facts = copy.deepcopy(recorded())
    found = probe(facts, name)
    if fault == "missing":
        facts["probes"].remove(found)
    elif fault == "timed out":
        found.update(exit_code=None, stderr="timed out after 5 s, process group killed")
    elif fault == "failed":
        found.update(exit_code=127, stderr="broken")
    elif fault == "cut off":
        found["truncated"] = True
    else:
        now = an_hour_after(facts)
        at = now - timedelta(hours=25) if fault == "old" else now + timedelta(hours=1)
        found["at"] = at.strftime("%Y-%m-%dT%H:%M:%SZ")
    for result in judge(facts, 2, an_hour_after(facts)):
        for step in result.findings:
            # A step may find its answer without a probe that it needs in other cases only (auditd, when there is none).
            if name in step.probes and _reads(step.step, name):
                assert step.outcome.verdict is OPEN, (step.step, step.outcome)
                assert name in str(step.outcome.text.values["probe"])
                assert step.outcome.next_step is not None


def _reads(step: str, name: str) -> bool:
    """Tell whether ``step`` looks at probe ``name`` in the hardened recording."""
    seen: set[str] = set()

    class Spy(Facts):
        def _probe(self, name: str) -> Mapping[str, Any]:
            seen.add(name)
            return super()._probe(name)

    found = next(s for check in CHECKS for s in check.steps if s.id == step)
    found.judge(Spy(recorded(), 2, an_hour_after(recorded()), found.probes))
    return name in seen


def test_the_reason_of_an_untested_step_is_told():
    facts = recorded()
    probe(facts, "sshd_effective").update(exit_code=255, stderr="x\nMissing privilege separation directory: /run/sshd")
    outcome = judge(facts, 2, an_hour_after(facts))[3].findings[0].outcome
    assert outcome.text.values == {
        "probe": "sshd_effective",
        "code": 255,
        "message": "Missing privilege separation directory: /run/sshd",
    }


def test_old_facts_leave_everything_untested():
    facts = recorded()
    assert set(verdicts(facts, now=an_hour_after(facts) + timedelta(hours=24)).values()) == {OPEN}


def test_facts_just_under_a_day_old_still_count():
    facts = recorded()
    gathered = moment(facts["gathered_at"])
    assert verdicts(facts, now=gathered + timedelta(hours=23, minutes=59))["exposure"] is GOOD


@pytest.mark.parametrize("facts", [{}, {"schema": 1}, {"schema": 2, "probes": []}, {"schema": 1, "probes": []}])
def test_facts_without_content_leave_everything_untested(facts: dict[str, Any]):
    assert set(verdicts(facts, now=datetime(2026, 11, 23, tzinfo=UTC)).values()) == {OPEN}


def test_a_broken_check_is_untested_with_its_cause_and_never_stops_the_rest(caplog: pytest.LogCaptureFixture):
    def broken(_: Facts) -> Outcome:
        raise ZeroDivisionError("by zero")

    def sound(_: Facts) -> Outcome:
        return passed(text("{count} sockets"))

    def check(name: str, step: Step) -> Check:
        return Check(name, {2: "7.1.4.4.b", 3: "8.1.4.4.b"}, (step,), text("meaning"))

    checks = (check("a", Step("broken", (), ("kernel",), broken)), check("b", Step("sound", (), (), sound)))
    with caplog.at_level(logging.ERROR):
        first, second = judge(recorded(), 2, an_hour_after(recorded()), checks)
    assert (first.verdict, second.verdict) == (OPEN, GOOD)
    assert first.findings[0].outcome.text.values == {"error": "ZeroDivisionError: by zero"}
    assert "check a, step broken, host his1" in caplog.text


def test_a_step_that_reads_what_it_does_not_declare_is_found_out():
    def greedy(facts: Facts) -> Outcome:
        return passed(text("x", kernel=facts.output("kernel")))

    check = Check("greedy", {2: "7.1.4.4.b"}, (Step("greedy", (), (), greedy),), text("meaning"))
    (result,) = judge(recorded(), 2, an_hour_after(recorded()), (check,))
    assert result.verdict is OPEN
    assert "isn't declared" in str(result.findings[0].outcome.text.values["error"])


def test_judging_is_pure():
    facts = recorded()
    before, now = copy.deepcopy(facts), an_hour_after(facts)
    assert judge(facts, 2, now) == judge(facts, 2, now)
    assert facts == before


def test_another_level_is_refused():
    with pytest.raises(ValueError, match="level 1"):
        judge(recorded(), 1, an_hour_after(recorded()))


@pytest.mark.parametrize(
    ("parts", "whole"),
    [
        ([], NONE),
        ([NONE, NONE], NONE),
        ([GOOD, GOOD, NONE], GOOD),
        ([BAD, BAD, NONE], BAD),
        ([GOOD, BAD], PART),
        ([PART], PART),
        ([GOOD, PART], PART),
        ([BAD, PART], PART),
        ([GOOD, OPEN], OPEN),
        ([NONE, OPEN], OPEN),
        ([BAD, OPEN], BAD),
        ([PART, OPEN], PART),
        ([GOOD, BAD, OPEN], PART),
    ],
)
def test_verdicts_are_merged_as_in_gb_t_28449(parts: list[Verdict], whole: Verdict):
    assert merge(parts) is whole
