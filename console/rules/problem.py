"""A problem as people read it: what, since when, what it means for the clinic, what to do next."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from console.i18n import Text
from console.texts import PROBLEMS


class Severity(StrEnum):
    """How bad; the words of the status vocabulary."""

    CRIT = "crit"
    WARN = "warn"


ORDER = {Severity.CRIT: 0, Severity.WARN: 1}


@dataclass(frozen=True)
class Problem:
    """One problem.  ``object`` names the thing, ``host`` the host it is on (None: the whole facility)."""

    kind: str
    severity: Severity
    object: str
    since: datetime | None
    title: Text
    meaning: Text
    next_step: Text
    host: str | None = None


def problem(
    kind: str,
    severity: Severity,
    target: str,
    since: datetime | None,
    *,
    host: str | None = None,
    values: Mapping[str, object] | None = None,
) -> Problem:
    """Return the problem of ``kind`` with its texts from ``console.texts``, filled from ``values``."""
    texts = PROBLEMS[kind]
    filled = {"object": target, "host": host or target, **(values or {})}
    return Problem(
        kind=kind,
        severity=severity,
        object=target,
        since=since,
        title=Text(texts.title, filled),
        meaning=Text(texts.meaning, filled),
        next_step=Text(texts.next_step, filled),
        host=host,
    )


def sort_key(one: Problem) -> tuple[int, float, str, str]:
    """Worst first; among equals the longest-standing first."""
    since = one.since.timestamp() if one.since is not None else 0.0
    return (ORDER[one.severity], since, one.object, one.kind)
