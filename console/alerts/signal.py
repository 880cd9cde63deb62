"""What a look at one condition gives, whichever source it came from."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from console.alerts.machine import Sight, Timing
from console.alerts.rule import Labels
from console.explanation import Explanation
from console.i18n import Text
from console.rules.problem import Severity


@dataclass(frozen=True)
class Signal:
    """One condition as it is seen now.

    ``target`` is what people call the thing, ``host`` the host that it is on, where there is one; ``texts`` are filled
    from ``values``, in which a ``Text`` is translated, too.
    """

    fingerprint: str
    rule: str
    target: str
    host: str | None
    labels: Labels
    severity: Severity
    texts: Explanation
    values: Mapping[str, object] = field(default_factory=dict)
    value: float | None = None
    explained_by_power: bool = False

    def text(self, msgid: str) -> Text:
        """Return one of the texts, filled."""
        return Text(msgid, self.values)


@dataclass(frozen=True)
class Look:
    """A signal and what was seen of it.  ``signal`` is None where only the end of a known condition was seen."""

    fingerprint: str
    sight: Sight
    timing: Timing
    signal: Signal | None = None
