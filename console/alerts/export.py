"""The rules in Prometheus' rule format, for a facility that keeps its long history there.

What the console finds itself (``[[condition]]``) is no metric and stays here.  A recovery of its own (``recover``,
``gone_when``, ``over_when``) has no counterpart either: Prometheus ends an alert when its condition ends, kept for
``keep_firing_for`` (Prometheus 2.42).
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from console.alerts.evaluate import Objects
from console.alerts.rule import Comparison, Guard, Mode, Rule, Selector
from console.alerts.rulebook import RuleBook
from console.i18n import translate
from console.rules.problem import Severity

INSTANCE = {"host": "instance"}  # the console's label for the agent → Prometheus' own
PLACEHOLDER = re.compile(r"\{(\w+)\}")


def prometheus_rules(book: RuleBook, objects: Objects) -> str:
    """Return the rule file: a group for each concern."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for rule in book.rules:
        groups.setdefault(rule.concern, []).extend(_alerts(rule, objects))
    document = {"groups": [{"name": f"xinglin-{name}", "rules": rules} for name, rules in groups.items() if rules]}
    return yaml.safe_dump(document, allow_unicode=True, sort_keys=False, width=10_000)


def expression(rule: Rule, when: Comparison) -> str:
    """Return the PromQL of a rule that is not absent; aggregated as the console groups it."""
    value = _selected(rule.selector)
    if rule.mode is Mode.AGE:
        value = f"(time() - {value})"
    elif rule.mode is Mode.INCREASE:
        value = f"increase({value}[{rule.window_seconds:.0f}s])"
    elif rule.divided_by is not None:
        divisor = Selector(rule.divided_by, rule.selector.matchers)
        value = f"({value} / {_selected(divisor)})"
    if rule.only_when is not None:
        value = f"({value} and on ({_labels(rule.only_when.on)}) {_guard(rule.only_when)})"
    worst = "min" if when.operator in {"<", "<="} else "max"
    if when.operator == "==":
        value = f"({value} == {when.threshold:g})"
    return f"{worst} by ({_labels(rule.by)}) ({value}) {when.operator} {when.threshold:g}"


def _alerts(rule: Rule, objects: Objects) -> Iterator[dict[str, Any]]:
    name = "Xinglin" + "".join(word.capitalize() for word in rule.id.split("_"))
    if rule.mode is Mode.ABSENT:
        for target in objects.readers.get(rule.by[0], {}):
            expr = f'absent({rule.selector.metric}{{{rule.by[0]}="{target}"}})'
            yield _alert(rule, name, expr, rule.severity)
        return
    yield _alert(rule, name, expression(rule, rule.when), rule.severity)
    if rule.worse is not None:
        worse = expression(rule, Comparison(rule.when.operator, rule.worse))
        yield _alert(rule, f"{name}Critical", worse, Severity.CRIT)


def _alert(rule: Rule, name: str, expr: str, severity: Severity) -> dict[str, Any]:
    timing: Mapping[str, str] = {
        key: f"{seconds:.0f}s"
        for key, seconds in (("for", rule.timing.for_seconds), ("keep_firing_for", rule.timing.keep_seconds))
        if seconds
    }
    annotations = {}
    for language, suffix in (("zh_CN", ""), ("en", "_en")):
        texts = {"summary": rule.texts.title, "description": rule.texts.meaning, "next_step": rule.texts.next_step}
        for key, text in texts.items():
            annotations[key + suffix] = _templated(rule, translate(language, text))
    labels = {"severity": severity.value, "rule": rule.id}
    return {"alert": name, "expr": expr, **timing, "labels": labels, "annotations": annotations}


def _templated(rule: Rule, text: str) -> str:
    """Return a text with Prometheus' templates for its placeholders; labels that aggregation drops are dashes."""

    def filled(found: re.Match[str]) -> str:
        name = found[1]
        if name == "object":
            return " ".join(f"{{{{ $labels.{INSTANCE.get(label, label)} }}}}" for label in rule.by)
        if name == "value":
            return "{{ $value | humanize }}"
        if name == "threshold":
            return f"{rule.when.threshold:g}"
        return f"{{{{ $labels.{INSTANCE.get(name, name)} }}}}" if name in rule.by else "—"

    return PLACEHOLDER.sub(filled, text)


def _selected(selector: Selector) -> str:
    inside = ",".join(f'{INSTANCE.get(one.label, one.label)}{one.operator}"{one.value}"' for one in selector.matchers)
    return f"{selector.metric}{{{inside}}}" if inside else selector.metric


def _guard(guard: Guard) -> str:
    selected = _selected(guard.selector)
    return selected if guard.value is None else f"({selected} == {guard.value:g})"


def _labels(names: tuple[str, ...]) -> str:
    return ", ".join(INSTANCE.get(name, name) for name in names)
