"""``xinglin console incidents`` and ``status`` on a store with a power cut."""

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from console.cli import console
from tests.alerts.conftest import Desk, ups


@pytest.fixture
def config(tmp_path: Path, desk: Desk) -> Path:
    desk.scrape(ups("OB"))
    desk.send()
    path = tmp_path / "console.json"
    facility = vars(desk.config.facility)
    hosts = [{**vars(one), "groups": list(one.groups)} for one in desk.config.hosts]
    document = {"facility": facility, "hosts": hosts, "state_directory": str(tmp_path), "public_url": "https://x"}
    path.write_text(json.dumps(document))
    return path


def run(config: Path, *arguments: str) -> Result:
    return CliRunner().invoke(console, [*arguments, "--config", str(config)], env={**os.environ, "SUDO_USER": "li.wei"})


def test_an_incident_is_listed_shown_taken_care_of_and_closed(config: Path, tmp_path: Path) -> None:
    listed = run(config, "incidents", "list")
    assert listed.exit_code == 1
    assert "crit  open" in listed.stdout
    assert run(config, "incidents", "ack", "1", "--comment", "on my way").exit_code == 0
    status = run(config, "status")
    assert "incident 1  crit" in status.stdout
    assert "local: li.wei takes care" in status.stdout
    shown = json.loads(run(config, "incidents", "show", "1", "--json").stdout)
    assert [event["kind"] for event in shown["events"]] == ["opened", "acknowledged"]
    assert {sent["route"]: sent["tries"][0]["answer"] for sent in shown["notifications"]} == {
        "hook": "taken", "urgent": "taken"
    }  # fmt: skip
    assert shown["title_zh"].startswith("市电中断")
    assert run(config, "incidents", "resolve", "1", "--reason", "a test of the breaker").exit_code == 0
    assert run(config, "incidents", "list").stdout == ""
    closed = run(config, "incidents", "list", "--all")
    assert (closed.exit_code, "resolved" in closed.stdout) == (0, True)
    text = run(config, "incidents", "show", "1").stdout
    assert "a test of the breaker" in text
    assert "Next: Look whether the whole house is dark." in text
    log = next((tmp_path / "audit").rglob("*.jsonl")).read_text()
    assert '"actor":"local: li.wei"' in log


def test_what_is_not_open_cannot_be_closed(config: Path) -> None:
    for arguments in (["resolve", "9", "--reason", "x"], ["ack", "9"], ["show", "9"]):
        done = run(config, "incidents", *arguments)
        assert done.exit_code == 3
        assert "incident 9" in done.stderr
        assert "Next:" in done.stderr


def test_the_rules_are_printed_for_prometheus(config: Path) -> None:
    printed = run(config, "rules", "export")
    assert printed.exit_code == 0
    assert "alert: XinglinUpsOnBattery" in printed.stdout
