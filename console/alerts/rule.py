"""What a rule is: when it holds, when it is over again, and what it says to people."""

import math
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from console.alerts.machine import Timing
from console.explanation import Explanation
from console.rules.problem import Severity

Labels = Mapping[str, str]

OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
OPPOSITE = {"==": "!=", "!=": "==", "<": ">=", "<=": ">", ">": "<=", ">=": "<"}


@dataclass(frozen=True)
class Matcher:
    """A condition on a label, as in Prometheus: ``=``, ``!=`` or ``=~`` (the whole value; no look-around)."""

    label: str
    operator: str
    value: str

    def matches(self, labels: Labels) -> bool:
        """Return whether the label fits; a missing label is empty."""
        value = labels.get(self.label, "")
        if self.operator == "=~":
            return re.fullmatch(self.value, value) is not None
        return (value == self.value) is (self.operator == "=")


@dataclass(frozen=True)
class Comparison:
    """A comparison with a threshold in the metric's own unit."""

    operator: str
    threshold: float

    def holds(self, value: float) -> bool:
        """Return whether ``value`` fits; NaN fits nothing."""
        return not math.isnan(value) and OPERATORS[self.operator](value, self.threshold)


@dataclass(frozen=True)
class Selector:
    """Series of one metric."""

    metric: str
    matchers: tuple[Matcher, ...] = ()


@dataclass(frozen=True)
class Guard:
    """Another metric that must have a series with the same labels ``on``, and, when given, this value."""

    selector: Selector
    on: tuple[str, ...]
    value: float | None = None


class Mode(StrEnum):
    """What of a series is compared."""

    VALUE = "value"
    AGE = "age"  # seconds since the time that it tells: a reading that is stale
    INCREASE = "increase"  # growth of a counter over ``window_seconds``
    ABSENT = "absent"  # nothing: an expected object has no series


class Expected(StrEnum):
    """Which objects must have series; the label in which they are named."""

    UPS = "ups"
    DEVICE = "device"


class Drilled(StrEnum):
    """What a power drill does by intention: an incident of it belongs to the drill."""

    MAINS_AWAY = "mains_away"  # of its UPS, until the drill gives the mains back
    BATTERY = "battery"  # of its UPS, until the drill is over
    HOSTS = "hosts"  # of the hosts that hang on its UPS, until the drill is over


class Unit(StrEnum):
    """How a value is written for people."""

    PLAIN = "plain"
    PERCENT = "percent"  # of a ratio
    SECONDS = "seconds"
    CELSIUS = "celsius"
    VOLTS = "volts"


@dataclass(frozen=True)
class Rule:
    """A rule of the data files.

    Series are grouped ``by`` labels; one incident a group.  The condition holds when ``when`` holds for any series of
    the group, and is over when ``recover`` holds for all.  ``only_when``: other series do not count.  ``gone_when``: a
    group without series is over only where this guard holds; without the guard it is unknown and stays as it was.
    ``over_when``: only where this guard holds does ``recover`` count; a card that has lost its UPS proves nothing.
    ``drilled``: a power drill makes it hold.
    """

    id: str
    concern: str
    selector: Selector
    by: tuple[str, ...]
    mode: Mode
    when: Comparison
    recover: Comparison
    worse: float | None  # beyond this threshold the severity is crit
    timing: Timing
    severity: Severity
    texts: Explanation
    unit: Unit = Unit.PLAIN
    divided_by: str | None = None
    window_seconds: float = 0
    expected: Expected | None = None
    only_when: Guard | None = None
    gone_when: Guard | None = None
    over_when: Guard | None = None
    drilled: Drilled | None = None

    @property
    def metrics(self) -> frozenset[str]:
        """Return every metric that it looks at."""
        guards = [one.selector.metric for one in (self.only_when, self.gone_when, self.over_when) if one]
        return frozenset({self.selector.metric, *guards, *([self.divided_by] if self.divided_by else ())})

    def fingerprint(self, labels: Labels) -> str:
        """Return what tells this rule's group with these labels from every other one."""
        return fingerprint(self.id, {name: labels.get(name, "") for name in self.by})

    def severity_at(self, value: float) -> Severity:
        """Return how bad this value is."""
        if self.worse is not None and Comparison(self.when.operator, self.worse).holds(value):
            return Severity.CRIT
        return self.severity


@dataclass(frozen=True)
class Condition:
    """How problems that the console itself finds (``console.problems``) become incidents.

    ``name``: kinds that are one fact share it, and so one incident an object.  ``needs_host``: only a host that answers
    can show that the problem is over.  ``explained_by_power``: held back while the host's UPS is on battery.
    ``view_only``: never an incident.
    """

    name: str | None
    concern: str
    kinds: tuple[str, ...]
    timing: Timing
    needs_host: bool = False
    explained_by_power: bool = False
    view_only: bool = False


def fingerprint(name: str, labels: Labels) -> str:
    """Return ``name{a="x",b="y"}`` with the labels in order."""
    inside = ",".join(f'{key}="{labels[key]}"' for key in sorted(labels))
    return f"{name}{{{inside}}}"
