"""Judge one host's facts: run every check of the level; one broken check never stops the others."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from compliance.catalogue import LEVELS, load_catalogue
from compliance.checks.model import Check, Step
from compliance.checks.registry import CHECKS
from compliance.facts import Facts, Untested
from compliance.results import Finding, ItemResult, Outcome, Text, Verdict, merge, text

logger = logging.getLogger(__name__)

# Which open finding is told first.
URGENCY = (Verdict.NONCOMPLIANT, Verdict.PARTIAL, Verdict.UNTESTED)


def judge(
    facts: Mapping[str, Any], level: int, now: datetime, checks: Iterable[Check] = CHECKS
) -> tuple[ItemResult, ...]:
    """Return one result per check for ``level`` (2 or 3).

    ``facts`` is the content of facts.json (schema 1), ``now`` an aware time.  Pure: no clock, no file but the
    catalogue.  Output that is missing, failed, cut off or over 24 h old gives UNTESTED with the reason.
    """
    if level not in LEVELS:
        raise ValueError(f"level {level}: checks exist for levels 2 and 3")
    seen = Facts(facts, level, now)
    return tuple(_judge_check(check, seen) for check in checks if level in check.requirements)


def _judge_check(check: Check, facts: Facts) -> ItemResult:
    findings = tuple(_judge_step(check, step, facts) for step in check.steps if facts.level in step.levels)
    verdict = merge(finding.outcome.verdict for finding in findings)
    catalogue = load_catalogue()
    seen = [catalogue.high_risk_cases[case] for finding in findings if (case := finding.outcome.high_risk)]
    # A case without an item at this level may still carry a trigger here, by the item's counterpart.
    items = [catalogue.requirements[item] for case in seen for item in case.items]
    ids = [item.id if item.level == facts.level else item.counterpart for item in items]
    triggers = [catalogue.requirements[item].major_risk_2025 for item in ids if item]
    return ItemResult(
        requirement=check.requirements[facts.level],
        level=facts.level,
        host=facts.host,
        check=check.id,
        verdict=verdict,
        findings=findings,
        meaning=_meaning(check, verdict),
        next_step=_next_step(findings),
        high_risk=tuple(dict.fromkeys(case.case for case in seen if case.scope_min_level <= facts.level)),
        major_risks=tuple(dict.fromkeys(trigger for trigger in triggers if trigger)),
        evidence=check.probes,
    )


def _judge_step(check: Check, step: Step, facts: Facts) -> Finding:
    try:
        outcome = step.judge(replace(facts, allowed=step.probes))
    except Untested as untested:
        outcome = Outcome(Verdict.UNTESTED, untested.reason, untested.next_step)
    except Exception as error:
        logger.exception("check %s, step %s, host %s", check.id, step.id, facts.host)
        outcome = Outcome(
            Verdict.UNTESTED,
            text(
                "The check itself failed on this output ({error}); nothing is concluded.",
                error=f"{type(error).__name__}: {error}",
            ),
            text(
                "Judge by hand from the raw output of {probes}, and report the output to the software's makers.",
                probes=", ".join(step.probes),
            ),
        )
    return Finding(step.id, outcome, step.probes)


def _meaning(check: Check, verdict: Verdict) -> Text:
    if verdict is Verdict.COMPLIANT:
        return text("Nothing is open here: what probes can see of this requirement is met.")
    if verdict is Verdict.UNTESTED:
        return text("Not known: this may be met or not, and an assessor will ask.")
    if verdict is Verdict.NOT_APPLICABLE:
        return text("The threat behind this requirement does not exist on this host; the reason is on record.")
    return check.meaning


def _next_step(findings: Iterable[Finding]) -> Text:
    open_findings = [finding.outcome for finding in findings if finding.outcome.next_step is not None]
    # A high risk first, then by urgency; sorted() keeps the order of the steps among equals.
    for outcome in sorted(open_findings, key=lambda o: (o.high_risk is None, URGENCY.index(o.verdict))):
        if outcome.next_step is not None:
            return outcome.next_step
    return text("Keep the gathered facts as evidence; documents and interviews of this requirement remain.")
