"""What a check is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from compliance.facts import Facts
from compliance.results import Outcome, Text


@dataclass(frozen=True)
class Step:
    """One numbered step (测评实施) of a check: a pure function of the facts its ``probes`` gave.

    ``rows`` are the rows of the assessor's probe list it follows.  It belongs to ``levels`` only.
    """

    id: str
    rows: tuple[str, ...]
    probes: tuple[str, ...]
    judge: Callable[[Facts], Outcome]
    levels: tuple[int, ...] = (2, 3)


@dataclass(frozen=True)
class Check:
    """A check: the requirement it judges at each level, its steps, and what a failure means for the clinic."""

    id: str
    requirements: Mapping[int, str]
    steps: tuple[Step, ...]
    meaning: Text

    @property
    def probes(self) -> tuple[str, ...]:
        """Return every probe the check needs, each once."""
        return tuple(dict.fromkeys(probe for step in self.steps for probe in step.probes))
