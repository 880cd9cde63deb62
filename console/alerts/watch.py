"""What the newest scrapes show of the metrics that the rules look at, over all hosts."""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from console.alerts.rule import Labels, Rule, Selector

HOST = "host"  # the label that tells whose agent gave a series
CLOCK = "node_time_seconds"
LONGEST_WINDOW_SAMPLES = 6000


@dataclass(frozen=True)
class Series:
    """One value now, with the label ``host`` added; ``clock`` is the agent's time of it in Unix seconds."""

    labels: Labels
    value: float
    clock: float


@dataclass
class _Host:
    series: Mapping[str, list[Series]]


@dataclass
class Watch:
    """The newest samples of each host that answers; nothing of one that does not.  Belongs to one thread at a time."""

    metrics: frozenset[str]
    windows: Mapping[str, float]  # metric of a rule of increase → the longest window
    _hosts: dict[str, _Host] = field(default_factory=dict)
    _past: dict[tuple[str, tuple[tuple[str, str], ...]], deque[tuple[float, float]]] = field(default_factory=dict)

    @property
    def answering(self) -> frozenset[str]:
        """Return the hosts whose newest scrape was good."""
        return frozenset(self._hosts)

    def take(self, host: str, samples: Mapping[str, list[tuple[Labels, float]]] | None, at: float) -> frozenset[str]:
        """Replace what is known of ``host``; None: it did not answer.  ``at`` in Unix seconds.

        Returns the metrics whose series may have changed.
        """
        before = self._hosts.pop(host, None)
        touched = set(before.series) if before else set()
        if samples is not None:
            clock = next((value for _, value in samples.get(CLOCK, ())), at)
            series = {
                metric: [Series({**labels, HOST: host}, value, clock) for labels, value in samples[metric]]
                for metric in self.metrics & samples.keys()
            }
            self._hosts[host] = _Host(series)
            touched |= series.keys()
            for metric in self.windows.keys() & series.keys():
                self._remember(metric, series[metric])
        return frozenset(touched)

    def select(self, selector: Selector) -> Iterator[Series]:
        """Yield the series of all hosts that fit."""
        for host in self._hosts.values():
            for one in host.series.get(selector.metric, ()):
                if all(matcher.matches(one.labels) for matcher in selector.matchers):
                    yield one

    def increase(self, rule: Rule, series: Series) -> float | None:
        """Return how much a counter grew within the rule's window; None with one value only.

        A counter that went back began anew at zero.
        """
        past = self._past.get((rule.selector.metric, _key(series.labels)), ())
        values = [value for clock, value in past if clock >= series.clock - rule.window_seconds]
        if len(values) < 2:
            return None
        return sum(after - before if after >= before else after for before, after in pairwise(values))

    def _remember(self, metric: str, found: list[Series]) -> None:
        for one in found:
            past = self._past.setdefault((metric, _key(one.labels)), deque(maxlen=LONGEST_WINDOW_SAMPLES))
            while past and (past[0][0] < one.clock - self.windows[metric] or past[0][0] > one.clock):
                past.popleft()
            past.append((one.clock, one.value))


def _key(labels: Labels) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(labels.items()))
