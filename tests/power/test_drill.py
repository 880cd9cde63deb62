"""``xinglin drill power`` from the IT officer's side: what it follows and prints, and when it is the mains of a lab."""

import json
import stat
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from agent.power.records import Cause, Phase, PowerRecord, Verdict, to_json
from playbooks.drill import follow as following
from playbooks.drill.follow import NoMains, follow
from playbooks.drill.lab import LabMains
from playbooks.drill.start import start
from playbooks.drill.table import table
from playbooks.login import Target
from playbooks.recovery.remote import RecoveryError
from tests.lab.errors import LabError
from tests.power.simulated import SimulatedClinic, plan


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Target:
    """A host behind a stand-in for ssh, which runs the file ``answer`` instead of going anywhere."""
    standin = tmp_path / "ssh"
    standin.write_text(f'#!/bin/sh\nfor last; do :; done\nexec sh {tmp_path}/answer "$last"\n')
    standin.chmod(standin.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(following, "LOOK_SECONDS", 0.01)
    return Target("appliance1", "127.0.0.1", 22, "operator", tmp_path / "key", tmp_path / "known_hosts")


def drilled() -> PowerRecord:
    clinic = SimulatedClinic(plan(), runtime_seconds=1000)
    clinic.hosts["his1"].hangs = True
    clinic.ask("simulated", "lab")
    clinic.run(2)
    clinic.mains = False
    clinic.run(1500)
    clinic.mains = True
    return clinic.run_to_file()


def test_a_refusal_of_the_power_daemon_is_told_in_its_words(host: Target, tmp_path: Path):
    script = 'case "$1" in date*) echo 1;; *) echo "xinglin power: the drill is refused: on battery" >&2; exit 3;; esac'
    (tmp_path / "answer").write_text(script)
    with pytest.raises(RecoveryError, match=r"^appliance1: the drill is refused: on battery$"):
        start(host, "rack-ups", "lab", None, "Li Wei")


def test_an_operator_of_any_name_stays_one_argument(host: Target, tmp_path: Path):
    (tmp_path / "answer").write_text(
        f'case "$1" in date*) echo 1;; *) echo "$1" >{tmp_path}/said; echo \'{{"warnings": []}}\';; esac'
    )
    start(host, "rack-ups", "facility", "test", "Li; rm -rf /")
    assert "--operator 'Li; rm -rf /' --how test" in (tmp_path / "said").read_text()


def test_a_drill_is_followed_across_the_darkness_to_its_filed_record(host: Target, tmp_path: Path):
    record = drilled()
    dark = next(number for number, event in enumerate(record.events) if event.code == "dark")
    looks = [
        [],
        [replace(record, phase=Phase.GOING_DOWN, events=record.events[:2])],
        [replace(record, phase=Phase.DARK, events=record.events[: dark + 1])],
        None,
        None,
        [record],
    ]
    for number, answer in enumerate(looks):
        if answer is not None:
            other = replace(record, record_id="older", cause=Cause.OUTAGE)
            text = json.dumps([to_json(one) for one in [*answer, other]])
            (tmp_path / f"look{number}").write_text(text)
    (tmp_path / "answer").write_text(
        f"n=$(cat {tmp_path}/n 2>/dev/null || echo 0); echo $((n + 1)) >{tmp_path}/n\n"
        f'cat {tmp_path}/look$n 2>/dev/null || {{ echo "no route" >&2; exit 255; }}\n'
    )
    said: list[str] = []
    filed = follow(host, record.started_at, "rack-ups", mains=NoMains(), say=said.append)
    assert filed == record
    told = [line for line in said if "answer" not in line.split("  ")[0]]
    assert len(told) == len(record.events)
    assert [line for line in said if line.startswith("appliance1")] == [
        "appliance1 no longer answers: appliance1 (127.0.0.1): no SSH connection: no route",
        "appliance1 answers again",
    ]


def test_a_record_that_is_never_filed_ends_in_an_error_with_the_next_step(host: Target, tmp_path: Path):
    (tmp_path / "answer").write_text("echo '[]'")
    record = drilled()
    with pytest.raises(RecoveryError, match="journalctl -u xinglin-power"):
        follow(host, record.started_at, "rack-ups", mains=NoMains(), say=print, longest_seconds=0.2)


def test_the_table_names_who_hung_and_the_verdict():
    record = drilled()
    text = table(record)
    his1 = next(line for line in text.splitlines() if line.startswith("his1"))
    assert "HUNG" in his1
    assert "CUT OFF" in his1
    assert text.endswith(f"{record.record_id}: failed")
    assert record.verdict is Verdict.FAILED


def test_an_older_drill_of_the_same_ups_is_not_taken_for_this_one(host: Target, tmp_path: Path):
    record = drilled()
    (tmp_path / "look").write_text(json.dumps([to_json(record)]))
    (tmp_path / "answer").write_text(f"cat {tmp_path}/look")
    later = record.started_at + timedelta(hours=1)
    with pytest.raises(RecoveryError):
        follow(host, later, "rack-ups", mains=NoMains(), say=print, longest_seconds=0.2)


class TakenBack(NoMains):
    """A mains that comes back when it is told to: then the drill's record is filed."""

    def __init__(self, answer: Path, record: PowerRecord) -> None:
        self.answer, self.record = answer, record
        self.told: list[tuple[str, str]] = []

    def come_back(self, host: str, ups: str) -> bool:
        self.told.append((host, ups))
        self.answer.write_text(json.dumps([to_json(self.record)]))
        return True


def interrupting(times: int) -> SimpleNamespace:
    """Return a clock in whose first so many pauses the person presses Ctrl-C."""
    presses = iter([True] * times)

    def sleep(_seconds: float) -> None:
        if next(presses, False):
            raise KeyboardInterrupt

    return SimpleNamespace(sleep=sleep, monotonic=time.monotonic)


def test_an_interrupted_lab_drill_gets_its_mains_back_and_is_followed_to_its_end(
    host: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    record = drilled()
    begun = replace(record, phase=Phase.GOING_DOWN, events=record.events[:2])
    (tmp_path / "look").write_text(json.dumps([to_json(begun)]))
    (tmp_path / "answer").write_text(f"cat {tmp_path}/look")
    monkeypatch.setattr(following, "time", interrupting(1))
    mains, said = TakenBack(tmp_path / "look", record), list[str]()
    assert follow(host, record.started_at, "rack-ups", mains=mains, say=said.append) == record
    assert mains.told == [("appliance1", "rack-ups")]
    assert len(said) == len(record.events) + 1, "every event once, and that it was interrupted"


def test_a_labs_mains_comes_back_though_the_ups_host_is_on_its_way_down():
    asked: list[tuple[str, ...]] = []

    def run(*command: str, **_more: object) -> str:
        asked.append(command)
        raise LabError("appliance1", "it goes down", "wait")

    lab: Any = SimpleNamespace(host={"appliance1": SimpleNamespace(is_on=True, run=run)}.__getitem__)
    assert LabMains(lab).come_back("appliance1", "rack-ups")
    assert [command[-1] for command in asked] == ["rack-ups"]


@pytest.mark.parametrize(("presses", "lab"), [(1, False), (2, True)], ids=["facility", "lab, twice"])
def test_who_leaves_a_drill_is_told_that_it_goes_on(
    host: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, presses: int, lab: bool
):
    record = drilled()
    begun = replace(record, phase=Phase.GOING_DOWN, events=record.events[:2])
    (tmp_path / "look").write_text(json.dumps([to_json(begun)]))
    (tmp_path / "answer").write_text(f"cat {tmp_path}/look")
    monkeypatch.setattr(following, "time", interrupting(presses))
    mains = TakenBack(tmp_path / "look", begun) if lab else NoMains()
    with pytest.raises(RecoveryError, match="goes on without this terminal"):
        follow(host, record.started_at, "rack-ups", mains=mains, say=print)
