"""The command ``xinglin agent gather``; the gatherer itself is tested in tests/facts."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from agent.cli import agent


def test_facts_go_to_the_named_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("agent.facts.gather.main_gather", lambda output: output.write_text("facts"))
    result = CliRunner().invoke(agent, ["gather", "--output", str(tmp_path / "facts.json")])
    assert result.exit_code == 0
    assert (tmp_path / "facts.json").read_text() == "facts"


def test_facts_that_cannot_be_written_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "file").touch()
    output = tmp_path / "file" / "facts.json"
    monkeypatch.setattr("agent.facts.gather.main_gather", lambda path: path.write_text("facts"))
    result = CliRunner().invoke(agent, ["gather", "--output", str(output)])
    assert result.exit_code == 3
    assert f"{output}: the facts could not be written: Not a directory. Next: run as root" in result.stderr
