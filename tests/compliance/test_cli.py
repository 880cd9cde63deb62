"""The command line, as the auditor and the IT officer use it."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from compliance.cli import compliance
from tests.compliance.facts import recorded


def run(*arguments: str) -> tuple[int, str]:
    """Run ``xinglin compliance`` with arguments; returns exit code and everything printed."""
    result = CliRunner().invoke(compliance, arguments)
    return result.exit_code, result.output


def fresh(document: dict[str, Any]) -> dict[str, Any]:
    """Return the facts as if they had been gathered now."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {**document, "gathered_at": now, "probes": [{**probe, "at": now} for probe in document["probes"]]}


@pytest.fixture
def facts(tmp_path: Path) -> str:
    path = tmp_path / "facts.json"
    path.write_text(json.dumps(fresh(recorded())), encoding="utf-8")
    return str(path)


def test_the_catalogue_shows_counts_per_layer_and_every_item_of_a_level():
    code, output = run("catalogue", "--level", "2")
    assert code == 0
    assert "level 2: 135 + 14" in output
    assert "CES 安全计算环境   23  (auto 17)" in output
    assert sum(line.startswith("7.") for line in output.splitlines()) == 149


def test_without_a_level_both_are_counted():
    code, output = run("catalogue")
    assert code == 0
    assert "level 3: 211 + 19" in output
    assert "8.1.4.1.a" not in output


def test_judging_prints_each_item_with_numbers_meaning_and_next_step(facts: str):
    code, output = run("judge", facts, "--level", "3")
    assert code == 1
    assert "不符合  8.1.4.5" in output
    assert "高风险 6.4.4.1" in output
    assert "登录失败 5 次后锁定账户" in output
    assert "下一步：安装 clamav-daemon" in output
    assert "本机：" in output
    assert "全部 211 项：符合率" in output
    assert "不代替测评结论" in output


def test_judging_as_json_keeps_every_number_in_both_languages(facts: str):
    code, output = run("judge", facts, "--json")
    report = json.loads(output)
    assert code == 1
    assert report["schema"] == 1
    assert len(report["results"]) == 10
    lockout = report["results"][1]["findings"][0]
    assert lockout["verdict"] == "compliant"
    assert lockout["text"]["values"]["deny"] == 5
    assert lockout["text"]["en"].startswith("An account is locked after 5")
    assert lockout["text"]["zh"].startswith("登录失败 5 次")
    assert lockout["probes"] == ["pam", "pam_settings"]
    low, high = report["rates"]["strict"]
    assert low < high
    assert report["forecast"] == {"worst": "不符合", "best": "符合"}


def test_the_agents_answer_is_taken_as_well(tmp_path: Path, facts: str):
    path = tmp_path / "answer.json"
    inner = json.loads(Path(facts).read_text(encoding="utf-8"))
    path.write_text(json.dumps({"schema": 1, "host": "his1", "facts": inner, "backup": {}}), encoding="utf-8")
    assert (
        json.loads(run("judge", str(path), "--json")[1])["results"]
        == json.loads(run("judge", facts, "--json")[1])["results"]
    )


@pytest.mark.parametrize("content", ["", "[]", '{"facts": null}', '{"schema": 1}', '{"probes": 3}', "\udcff"])
def test_what_is_no_facts_file_is_refused_with_the_next_step(tmp_path: Path, content: str):
    path = tmp_path / "x.json"
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    code, output = run("judge", str(path))
    assert code == 2
    assert "not a facts file" in output
    assert "xinglin agent gather" in output


def test_a_file_that_is_not_there_is_a_usage_error():
    assert run("judge", "/no/such/file.json")[0] == 2


def test_another_level_is_a_usage_error(facts: str):
    assert run("judge", facts, "--level", "4")[0] == 2
