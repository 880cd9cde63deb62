"""Open incidents of rules as problems, for the places that say what is wrong now.

What the console finds by itself is among the problems already; a rule's finding is known by its incident only.
"""

from functools import cache

from sqlalchemy import select
from sqlalchemy.orm import Session

from console.alerts.rulebook import load_rules
from console.alerts.wording import incident_text, titled
from console.rules.problem import Problem, Severity
from console.store.incidents import Incident


@cache
def _rule_ids() -> frozenset[str]:
    return frozenset(rule.id for rule in load_rules().rules)


def rule_problems(session: Session) -> list[Problem]:
    """Return the open incidents that a rule found, as problems."""
    query = select(Incident).where(Incident.resolved_at.is_(None), Incident.rule.in_(_rule_ids()))
    return [
        Problem(
            kind=one.rule,
            severity=Severity(one.severity),
            object=one.object,
            since=one.opened_at,
            title=titled(one),
            meaning=incident_text(one, "meaning"),
            next_step=incident_text(one, "next_step"),
            host=one.host,
        )
        for one in session.scalars(query)
    ]
