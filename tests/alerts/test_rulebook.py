"""The rules as data: whole, explained, in both languages, and readable by Prometheus."""

import json
import subprocess
from pathlib import Path

import pytest

from console.alerts.export import expression, prometheus_rules
from console.alerts.rulebook import RuleBook, load_rules
from console.alerts.topology import facility_objects
from console.configcheck import ConfigError
from console.i18n import translations
from console.texts import PROBLEMS, REACH
from tests.agent.promtool import promtool
from tests.alerts.conftest import clinic
from tests.console.test_texts import placeholders

WRONG = """
[[rule]]
id = "Hot!"
metric = "a-b"
match = ['x="1', 'y=~"("', 'z=~"(?!a)b"', 'flag="OB"']
by = ["ups"]
when = "over 9"
worse = 5
severity = "bad"
title = "t"
meaning = "m"
colour = "red"
only_when = { metric = "m", on = ["device"] }

[[rule]]
id = "same"
metric = "m"
by = ["ups"]
when = "> 5"
recover = ">= 5"
worse = 4
severity = "warn"
title = "t"
meaning = "m"
next_step = "n"

[[rule]]
id = "same"
metric = "m"
mode = "absent"
expected = "ups"
by = ["device"]
severity = "warn"
title = "t"
meaning = "m"
next_step = "n"
for_seconds = -1

[[condition]]
name = "empty"
"""


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "power.toml").write_text(WRONG)
    (tmp_path / "broken.toml").write_text("[[rule")
    with pytest.raises(ConfigError) as raised:
        load_rules(tmp_path)
    told = "\n".join(raised.value.mistakes)
    for part in (
        "broken.toml: is not TOML", "rule[0].id: is 'Hot!'", "rule[0].metric: is 'a-b'",
        "has 'x=\"1'", "has 'y=~\"(\"'",
        "without look-around", "rule[0].when: is 'over 9'", "rule[0].severity: is 'bad'", "rule[0].next_step: missing",
        "rule[0].colour: unknown", "rule[0].only_when.on: is ['device']", "rule[1].worse: 4 does not fit > 5",
        "rule[2].by: is ['device']", "rule[2].for_seconds: is -1", "condition[0].kinds: missing",
        "the rule same is there twice",
    ):  # fmt: skip
        assert part in told, told


def test_every_kind_of_problem_has_a_condition(book: RuleBook) -> None:
    named = {kind for condition in book.conditions for kind in condition.kinds}
    assert named == set(PROBLEMS) | {f"host_{code}" for code in REACH}


def test_every_text_of_a_rule_has_a_translation_with_the_same_placeholders(book: RuleBook) -> None:
    chinese = translations("zh_CN")
    for rule in book.rules:
        for text in (rule.texts.title, rule.texts.meaning, rule.texts.next_step):
            assert chinese.gettext(text) != text, text
            assert placeholders(chinese.gettext(text)) == placeholders(text), text


def test_a_text_asks_only_for_what_a_rule_knows(book: RuleBook) -> None:
    """Labels beyond ``by`` come from the metrics' contract."""
    always = {"object", "host", "value", "threshold"}
    more = {"kind", "code", "alias"}
    for rule in book.rules:
        for text in (rule.texts.title, rule.texts.meaning, rule.texts.next_step):
            assert placeholders(text) <= always | more | set(rule.by), (rule.id, text)


def test_what_must_be_told_has_a_rule(book: RuleBook) -> None:
    told = {rule.id: rule.severity for rule in book.rules}
    for name in ("ups_on_battery", "ups_low_battery", "ups_unreachable", "ups_wrong_credentials", "device_unreachable"):
        assert told[name] == "crit"


def test_prometheus_takes_the_rules(tmp_path: Path, book: RuleBook) -> None:
    path = tmp_path / "rules.yml"
    path.write_text(prometheus_rules(book, facility_objects(clinic(tmp_path))))
    checked = subprocess.run([promtool(), "check", "rules", path], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    count = len(book.rules) + sum(rule.worse is not None for rule in book.rules)
    assert f"{count} rules found" in checked.stdout


def test_prometheus_judges_as_the_console_does(tmp_path: Path, book: RuleBook) -> None:
    """Run the expressions by promtool's own engine: grouped, guarded, divided, aged, counted."""
    labels = 'instance="a",ups="rack-ups"'
    link = 'device="sw-core",interface="Gi0/1"'
    series = {
        f'xinglin_ups_status{{{labels},source="nut",flag="OB"}}': "0 1x20",
        f'xinglin_ups_status{{{labels},source="snmp",flag="OB"}}': "0x20",
        f'xinglin_ups_read_timestamp_seconds{{{labels},source="nut"}}': "0x20",
        f'xinglin_ups_battery_temperature_celsius{{{labels},source="nut"}}': "39x20",
        f'xinglin_interface_up{{{link},alias="uplink"}}': "0x20",
        f"xinglin_interface_enabled{{{link}}}": "1x9 0x10",
        'node_memory_MemAvailable_bytes{instance="a"}': "5x20",
        'node_memory_MemTotal_bytes{instance="a"}': "100x20",
        'xinglin_snmp_traps_total{instance="a",result="unknown_sender"}': "0+10x20",
    }
    expected: list[tuple[str, str, dict[str, float]]] = [
        ("ups_on_battery", "0m", {}),
        ("ups_on_battery", "5m", {'{ups="rack-ups"}': 1}),
        ("ups_stale", "2m", {}),
        ("ups_stale", "10m", {'{source="nut",ups="rack-ups"}': 600}),
        ("ups_battery_hot", "5m", {}),
        ("interface_down", "5m", {'{device="sw-core",interface="Gi0/1"}': 0}),
        ("interface_down", "15m", {}),
        ("memory_low", "5m", {'{instance="a"}': 0.05}),
        ("unknown_traps", "15m", {'{instance="a"}': 100}),
    ]
    rules = {rule.id: rule for rule in book.rules}
    tests = [
        {
            "expr": expression(rules[name], rules[name].when),
            "eval_time": at,
            "exp_samples": [{"labels": found, "value": value} for found, value in samples.items()],
        }
        for name, at, samples in expected
    ]
    inputs = [{"series": name, "values": values} for name, values in series.items()]
    document = {"rule_files": [], "tests": [{"interval": "1m", "input_series": inputs, "promql_expr_test": tests}]}
    (tmp_path / "test.yml").write_text(json.dumps(document))
    run = subprocess.run(
        [promtool(), "test", "rules", tmp_path / "test.yml"], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr
