"""Read the rules from their data files, ``rules/*.toml``, and check them as a whole."""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from importlib.resources import files
from pathlib import Path

from console.alerts.machine import Timing
from console.alerts.rule import (
    OPERATORS,
    OPPOSITE,
    Comparison,
    Condition,
    Drilled,
    Expected,
    Guard,
    Matcher,
    Mode,
    Rule,
    Selector,
    Unit,
)
from console.configcheck import ConfigError, Reader
from console.explanation import Explanation
from console.rules.problem import Severity

RULES = Path(str(files("console.alerts"))) / "rules"
COMPARISON = re.compile(r"(==|!=|<=|>=|<|>)\s*(-?[0-9]+(?:\.[0-9]+)?)")
MATCHER = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)\s*(=~|!=|=)\s*"([^"\\]*)"')
METRIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
NAME = re.compile(r"[a-z][a-z0-9_]*")
DAY = 86400.0
LOOK_AROUND = re.compile(r"\(\?[=!<]")
RULE_KEYS = frozenset(
    {"id", "metric", "match", "by", "mode", "when", "recover", "worse", "for_seconds", "keep_seconds", "severity"}
    | {"title", "meaning", "next_step", "unit", "divided_by", "window_seconds", "expected"}
    | {"only_when", "gone_when", "over_when", "drilled"}
)
GUARD_KEYS = frozenset({"metric", "match", "on", "value"})
CONDITION_KEYS = frozenset(
    {"name", "kinds", "for_seconds", "keep_seconds", "needs_host", "explained_by_power", "view_only"}
)


@dataclass(frozen=True)
class RuleBook:
    """Every rule and every condition."""

    rules: tuple[Rule, ...] = ()
    conditions: tuple[Condition, ...] = ()
    _other: Condition = field(default=Condition(None, "platform", (), Timing(0, 300)), repr=False)

    @cached_property
    def metrics(self) -> frozenset[str]:
        """Return every metric that a rule looks at."""
        return frozenset(metric for rule in self.rules for metric in rule.metrics)

    @cached_property
    def _kinds(self) -> dict[str, Condition]:
        return {kind: condition for condition in self.conditions for kind in condition.kinds}

    def condition(self, kind: str) -> Condition:
        """Return the condition of a kind of problem; one that no file names gets no special treatment."""
        return self._kinds.get(kind, self._other)

    def drilled(self, name: str) -> Drilled | None:
        """Return what a power drill has to do with the rule or condition of this name."""
        rule = next((one for one in self.rules if one.id == name), None)
        if rule is not None:
            return rule.drilled
        return Drilled.HOSTS if self.by_name(name).explained_by_power else None

    def by_name(self, name: str) -> Condition:
        """Return the condition with this name, or of this kind."""
        return next((one for one in self.conditions if one.name == name), self.condition(name))


def load_rules(directory: Path = RULES) -> RuleBook:
    """Return the rules of every ``*.toml`` in ``directory``; the file's name is the concern.

    Raises ``ConfigError`` with all mistakes of all files at once.
    """
    rules: list[Rule] = []
    conditions: list[Condition] = []
    mistakes: list[str] = []
    for path in sorted(directory.glob("*.toml")):
        try:
            document = tomllib.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            mistakes.append(f"{path.name}: is not TOML: {error}")
            continue
        found: list[str] = []
        reader = Reader(document, "", found)
        _known(reader, document, frozenset({"rule", "condition"}))
        raw_rules, raw_conditions = document.get("rule", []), document.get("condition", [])
        rules += [_rule(item, raw, path.stem) for item, raw in zip(reader.items("rule"), raw_rules, strict=False)]
        pairs = zip(reader.items("condition"), raw_conditions, strict=False)
        conditions += [_condition(item, raw, path.stem) for item, raw in pairs]
        mistakes += [f"{path.name}: {mistake}" for mistake in found]
    mistakes += _twice("rule", [rule.id for rule in rules])
    mistakes += _twice("kind of problem", [kind for one in conditions for kind in one.kinds])
    if mistakes:
        raise ConfigError(directory, tuple(mistakes))
    return RuleBook(tuple(rules), tuple(conditions))


def _twice(what: str, names: list[str]) -> Iterator[str]:
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"the {what} {name} is there twice; allowed: once"


def _known(reader: Reader, raw: object, keys: frozenset[str]) -> None:
    for key in sorted(set(raw) - keys if isinstance(raw, dict) else ()):
        reader.mistake(key, "unknown", ", ".join(sorted(keys)))


def _rule(reader: Reader, raw: object, concern: str) -> Rule:
    _known(reader, raw, RULE_KEYS)
    mode = Mode(_one_of(reader, "mode", Mode, Mode.VALUE))
    absent = mode is Mode.ABSENT
    when = Comparison("==", 0) if absent else _comparison(reader, "when", None)
    by = reader.texts("by")
    if not by:
        reader.mistake("by", "missing", "the labels of the thing that an incident is about")
    rule = Rule(
        id=_named(reader, "id"),
        concern=concern,
        selector=_selector(reader),
        by=by,
        mode=mode,
        when=when,
        recover=_comparison(reader, "recover", Comparison(OPPOSITE[when.operator], when.threshold)),
        worse=reader.number("worse", -1e12, 1e12) if reader.has("worse") else None,
        timing=_timing(reader),
        severity=Severity(_one_of(reader, "severity", Severity, None)),
        texts=Explanation(reader.text("title"), reader.text("meaning"), reader.text("next_step")),
        unit=Unit(_one_of(reader, "unit", Unit, Unit.PLAIN)),
        divided_by=_metric(reader, "divided_by") if reader.has("divided_by") else None,
        window_seconds=reader.number("window_seconds", 1, DAY) if mode is Mode.INCREASE else 0,
        expected=Expected(_one_of(reader, "expected", Expected, None)) if absent else None,
        only_when=_guard(reader, raw, "only_when", by),
        gone_when=_guard(reader, raw, "gone_when", by),
        over_when=_guard(reader, raw, "over_when", by),
        drilled=Drilled(_one_of(reader, "drilled", Drilled, None)) if reader.has("drilled") else None,
    )
    _sense(reader, rule)
    return rule


def _sense(reader: Reader, rule: Rule) -> None:
    """Note what each key allows, but not together."""
    if rule.worse is not None and not rule.when.holds(rule.worse):
        reader.mistake("worse", f"{rule.worse:g} does not fit {rule.when.operator} {rule.when.threshold:g}", "further")
    if rule.worse is not None and rule.severity is Severity.CRIT:
        reader.mistake("worse", "nothing is worse than crit", "with severity warn only")
    if rule.when.holds(rule.recover.threshold) and rule.recover.holds(rule.recover.threshold):
        reader.mistake("recover", "holds together with when", "values that when does not fit")
    if rule.expected is not None and rule.by != (rule.expected.value,):
        reader.mistake("by", f"is {list(rule.by)}", f"[{rule.expected.value!r}], what is expected")


def _condition(reader: Reader, raw: object, concern: str) -> Condition:
    _known(reader, raw, CONDITION_KEYS)
    kinds = reader.texts("kinds")
    if not kinds:
        reader.mistake("kinds", "missing", "kinds of problems (console.texts)")
    return Condition(
        name=_named(reader, "name") if reader.has("name") else None,
        concern=concern,
        kinds=kinds,
        timing=_timing(reader),
        needs_host=reader.flag("needs_host", default=False),
        explained_by_power=reader.flag("explained_by_power", default=False),
        view_only=reader.flag("view_only", default=False),
    )


def _timing(reader: Reader) -> Timing:
    return Timing(reader.number("for_seconds", 0, DAY, 0), reader.number("keep_seconds", 0, DAY, 60))


def _one_of(
    reader: Reader, key: str, kinds: type[Mode | Severity | Unit | Expected | Drilled], default: str | None
) -> str:
    allowed = [str(one) for one in kinds]
    value = reader.text(key, default)
    if value not in allowed:
        if value:  # a missing one has been noted
            reader.mistake(key, f"is {value!r}", ", ".join(allowed))
        return allowed[0]
    return value


def _named(reader: Reader, key: str) -> str:
    value = reader.text(key)
    if value and NAME.fullmatch(value) is None:
        reader.mistake(key, f"is {value!r}", "small letters, digits and _")
    return value


def _metric(reader: Reader, key: str) -> str:
    value = reader.text(key)
    if value and METRIC.fullmatch(value) is None:
        reader.mistake(key, f"is {value!r}", "the name of a metric")
    return value


def _selector(reader: Reader) -> Selector:
    return Selector(_metric(reader, "metric"), tuple(_matchers(reader)))


def _matchers(reader: Reader) -> Iterator[Matcher]:
    for text in reader.texts("match"):
        found = MATCHER.fullmatch(text)
        if found is None:
            reader.mistake("match", f"has {text!r}", 'label="value", label!="value" or label=~"expression"')
            continue
        if found[2] == "=~":
            try:
                re.compile(found[3])
            except re.error as error:
                reader.mistake("match", f"has {text!r}: {error}", "a regular expression")
                continue
            if LOOK_AROUND.search(found[3]):
                reader.mistake("match", f"has {text!r}", "an expression without look-around, which Prometheus lacks")
        yield Matcher(found[1], found[2], found[3])


def _comparison(reader: Reader, key: str, default: Comparison | None) -> Comparison:
    if default is not None and not reader.has(key):
        return default
    text = reader.text(key)
    found = COMPARISON.fullmatch(text.strip())
    if found is None:
        if text:
            reader.mistake(key, f"is {text!r}", f"a comparison such as '> 0.9' ({' '.join(OPERATORS)})")
        return Comparison("==", 0)
    return Comparison(found[1], float(found[2]))


def _guard(reader: Reader, raw: object, key: str, by: tuple[str, ...]) -> Guard | None:
    if not reader.has(key):
        return None
    section = reader.section(key)
    _known(section, raw.get(key) if isinstance(raw, dict) else None, GUARD_KEYS)
    on = section.texts("on")
    if not on or not set(on) <= set(by):
        section.mistake("on", f"is {list(on)}", f"some of the labels in by: {', '.join(by)}")
    value = section.number("value", -1e12, 1e12) if section.has("value") else None
    return Guard(_selector(section), on, value)
