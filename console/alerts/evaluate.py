"""Look at the rules' conditions.  Pure: what is known now in, what is seen of each condition out."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from console.alerts.machine import Sight
from console.alerts.rule import Guard, Labels, Mode, Rule
from console.alerts.signal import Look, Signal
from console.alerts.watch import HOST, Series, Watch
from console.alerts.wording import measured, spoken_label


@dataclass(frozen=True)
class Objects:
    """The objects that the facility describes: label → name → the host whose agent reads it; and their shown names."""

    readers: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    names: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def name(self, label: str, value: str) -> str:
        """Return how people call an object."""
        return self.names.get(label, {}).get(value, value)


def look(rule: Rule, watch: Watch, objects: Objects, known: Mapping[str, Labels]) -> Iterator[Look]:
    """Yield a look at each group of the rule of which something is known now.

    ``known``: fingerprint → labels of the groups that are not inactive.  What nothing is known of is left out, so that
    it stays as it was.
    """
    if rule.mode is Mode.ABSENT:
        yield from _absent(rule, watch, objects)
        return
    groups: dict[str, list[tuple[Sight, Series]]] = {}
    guarded = _labels_of(rule.only_when, watch) if rule.only_when else None
    proving = _labels_of(rule.over_when, watch) if rule.over_when else None
    for one in _valued(rule, watch):
        sight = _sight(rule, one, guarded, proving)
        if sight is not None:
            groups.setdefault(rule.fingerprint(one.labels), []).append((sight, one))
    for fingerprint, seen in groups.items():
        yield _group(rule, objects, fingerprint, seen)
    gone = _labels_of(rule.gone_when, watch) if rule.gone_when else None
    for fingerprint, labels in known.items():
        if fingerprint not in groups and gone is not None and gone.fits(labels) is True:
            yield Look(fingerprint, Sight.FALSE, rule.timing)


def _valued(rule: Rule, watch: Watch) -> Iterator[Series]:
    """Yield the rule's series with the value that is compared."""
    divisors = None
    if rule.divided_by is not None:
        whole = replace(rule.selector, metric=rule.divided_by)
        divisors = {tuple(sorted(one.labels.items())): one.value for one in watch.select(whole)}
    for one in watch.select(rule.selector):
        if rule.mode is Mode.AGE:
            yield replace(one, value=one.clock - one.value)
        elif rule.mode is Mode.INCREASE:
            growth = watch.increase(rule, one)
            if growth is not None:
                yield replace(one, value=growth)
        elif divisors is not None:
            divisor = divisors.get(tuple(sorted(one.labels.items())))
            if divisor:
                yield replace(one, value=one.value / divisor)
        else:
            yield one


@dataclass(frozen=True)
class _Guarded:
    guard: Guard
    holding: frozenset[tuple[str, ...]]
    there: frozenset[tuple[str, ...]]

    def fits(self, labels: Labels) -> bool | None:
        """Return whether the guard holds for these labels; None when it has no series for them."""
        key = tuple(labels.get(name, "") for name in self.guard.on)
        if key not in self.there:
            return None
        return key in self.holding


def _labels_of(guard: Guard, watch: Watch) -> _Guarded:
    holding, there = set(), set()
    for one in watch.select(guard.selector):
        key = tuple(one.labels.get(name, "") for name in guard.on)
        there.add(key)
        if guard.value is None or one.value == guard.value:
            holding.add(key)
    return _Guarded(guard, frozenset(holding), frozenset(there))


def _sight(rule: Rule, one: Series, guarded: _Guarded | None, proving: _Guarded | None) -> Sight | None:
    if guarded is not None:
        fits = guarded.fits(one.labels)
        if fits is None:
            return None
        if not fits:
            return Sight.FALSE
    if rule.when.holds(one.value):
        return Sight.TRUE
    if rule.recover.holds(one.value) and (proving is None or proving.fits(one.labels)):
        return Sight.FALSE
    return None if math.isnan(one.value) else Sight.BETWEEN


def _group(rule: Rule, objects: Objects, fingerprint: str, seen: Iterable[tuple[Sight, Series]]) -> Look:
    """Return the look at a group: it holds when any series does, and is over when all are."""
    sights = {sight for sight, _ in seen}
    if Sight.TRUE not in sights:
        return Look(fingerprint, Sight.BETWEEN if Sight.BETWEEN in sights else Sight.FALSE, rule.timing)
    holding = [one for sight, one in seen if sight is Sight.TRUE]
    lowest = rule.when.operator in {"<", "<="}
    worst = (min if lowest else max)(holding, key=lambda one: one.value)
    return Look(fingerprint, Sight.TRUE, rule.timing, _signal(rule, objects, worst.labels, worst.value))


def _signal(rule: Rule, objects: Objects, labels: Labels, value: float | None) -> Signal:
    names = {name: objects.name(name, label) for name, label in labels.items()}
    target = " ".join(names[name] for name in rule.by if names.get(name))
    values: dict[str, object] = {**names, "object": target, "host": labels.get(HOST, "-")}
    values |= {name: spoken_label(labels[name]) for name in ("code", "alarm", "quantity") if name in labels}
    values["threshold"] = measured(rule.when.threshold, rule.unit)
    values["value"] = "-" if value is None else measured(value, rule.unit)
    return Signal(
        fingerprint=rule.fingerprint(labels),
        rule=rule.id,
        target=target,
        host=labels.get(HOST) if HOST in rule.by else None,
        labels=dict(labels),
        severity=rule.severity if value is None else rule.severity_at(value),
        texts=rule.texts,
        values=values,
        value=value,
    )


def _absent(rule: Rule, watch: Watch, objects: Objects) -> Iterator[Look]:
    """Yield a look at each expected object whose reader answers; of the others nothing is known."""
    label = rule.by[0]
    there = {one.labels.get(label) for one in watch.select(rule.selector)}
    for name, reader in objects.readers.get(label, {}).items():
        labels = {label: name, HOST: reader}
        fingerprint = rule.fingerprint(labels)
        if name in there:
            yield Look(fingerprint, Sight.FALSE, rule.timing)
        elif reader in watch.answering:
            yield Look(fingerprint, Sight.TRUE, rule.timing, _signal(rule, objects, labels, None))
