"""Who cleans up what killed runs left must not take a lab whose run lives."""

import fcntl
import json
from pathlib import Path
from typing import IO

import pytest

from tests.lab import lab as labs
from tests.lab.lab import Lab


@pytest.fixture
def lab(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Lab:
    """A lab with nothing in it."""
    monkeypatch.setattr(labs, "STATE", tmp_path)
    (tmp_path / "one").mkdir()
    (tmp_path / "one/lab.json").write_text(json.dumps({"slot": 1, "zones": [], "flows": [], "hosts": []}))
    found = labs.find("one")
    assert found is not None
    return found


@pytest.fixture
def purged(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the labs that were removed."""
    names: list[str] = []
    monkeypatch.setattr(Lab, "purge", lambda self: names.append(self.name))
    return names


def test_a_lab_is_swept_when_its_run_is_gone_and_at_no_moment_before(
    lab: Lab, purged: list[str], monkeypatch: pytest.MonkeyPatch
):
    lock = fcntl.flock

    def swept_before(file: IO[str], how: int) -> None:
        if how == fcntl.LOCK_EX:
            labs.sweep()
        lock(file, how)

    monkeypatch.setattr(fcntl, "flock", swept_before)
    with labs.held(lab):
        labs.sweep()
        assert purged == []
    assert purged == ["one"]
    labs.sweep()  # purge is played: the marker is still there, and nobody holds it
    assert purged == ["one", "one"]


def test_a_lab_that_vanishes_while_labs_are_listed_is_none(lab: Lab, monkeypatch: pytest.MonkeyPatch):
    read = Path.read_text

    def removed_before(path: Path) -> str:
        path.unlink()
        return read(path)

    monkeypatch.setattr(Path, "read_text", removed_before)
    assert labs.labs() == ()
