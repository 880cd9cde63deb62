"""What the agent tells of a drill: from before its first sign to its end, and not a moment longer."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import cast

from agent.collectors.drill import DrillCollector
from agent.nut.errors import NutError
from agent.power.announced import announce, announcement, running, withdraw_lost
from agent.power.config import Config, Upsd
from agent.power.machine import Machine, Outside
from agent.power.plan import Host
from agent.power.reach import Reach, Surroundings
from agent.power.records import Cause, write_record
from agent.power.request import DrillRequest
from agent.power.state import Boot
from agent.power.upsd import Seen, UpsdSession
from agent.ups.reading import Flag, UpsReading
from tests.power.simulated import START, SimulatedClinic, plan


def told(directory: Path, clinic: SimulatedClinic) -> list[tuple[str, bool]]:
    """Return what the agent tells now: the drills, and whether each has given the mains back."""
    if clinic.disk is not None:
        write_record(directory, clinic.disk)
    return [(one.announced.drill, one.mains_back) for one in running(directory, clinic.now.wall)]


def asked(directory: Path, how: str, **changes: float) -> tuple[SimulatedClinic, str]:
    clinic = SimulatedClinic(plan(), runtime_seconds=2000)
    clinic.limits = replace(clinic.limits, **changes)
    clinic.ask(how)
    assert clinic.state.request is not None
    drill = clinic.state.request.record_id
    announce(directory, announcement(drill, "rack-ups", how, clinic.now.wall, clinic.limits))
    return clinic, drill


def test_a_drill_is_told_from_its_announcement_over_the_mains_return_to_its_end(tmp_path: Path) -> None:
    clinic, drill = asked(tmp_path, "unplug")
    clinic.run(60)
    assert told(tmp_path, clinic) == [(drill, False)]  # nobody has pulled the plug yet
    clinic.mains = False
    clinic.run(1900)
    assert told(tmp_path, clinic) == [(drill, False)]
    clinic.mains = True
    clinic.run(300, lambda: clinic.own.on and told(tmp_path, clinic) == [(drill, True)])
    assert told(tmp_path, clinic) == [(drill, True)]
    assert clinic.run_to_file().record_id == drill
    assert told(tmp_path, clinic) == []


def test_a_drill_that_nobody_began_is_told_no_more(tmp_path: Path) -> None:
    clinic, drill = asked(tmp_path, "unplug")
    assert told(tmp_path, clinic) == [(drill, False)]
    assert clinic.run_to_file().record_id == drill  # withdrawn
    assert told(tmp_path, clinic) == []
    (tmp_path / f"{drill}.json").unlink()
    assert list(running(tmp_path, clinic.now.wall + timedelta(minutes=5))) == []  # the daemon died meanwhile


def test_a_daemon_that_begins_anew_no_longer_waits_for_the_plug(tmp_path: Path) -> None:
    clinic, _drill = asked(tmp_path, "unplug")
    withdraw_lost(tmp_path)
    assert told(tmp_path, clinic) == []
    clinic, drill = asked(tmp_path, "unplug")
    clinic.mains = False
    clinic.run(2)
    assert told(tmp_path, clinic) == [(drill, False)]
    withdraw_lost(tmp_path)
    assert told(tmp_path, clinic) == [(drill, False)]  # that one goes on


def test_a_drill_that_is_asked_for_as_the_last_one_is_filed_is_not_lost(tmp_path: Path) -> None:
    clinic, _drill = asked(tmp_path, "unplug")
    clinic.run_to_file()
    clinic.ask("unplug")
    assert clinic.state.request is not None  # its announcement would otherwise stand for an outage
    drill = clinic.state.request.record_id
    clinic.mains = False
    clinic.run(2)
    assert clinic.disk is not None
    assert (clinic.disk.record_id, clinic.disk.cause) == (drill, Cause.DRILL)


def test_an_outage_after_the_return_is_no_part_of_the_drill(tmp_path: Path) -> None:
    clinic, drill = asked(tmp_path, "unplug")
    clinic.mains = False
    clinic.run(1300)
    clinic.mains = True
    clinic.run(3)
    clinic.mains = False
    clinic.run(3)
    assert told(tmp_path, clinic) == [(drill, True)]


def test_a_battery_test_that_sends_hosts_off_has_become_an_outage_and_none_lasts_for_ever(tmp_path: Path) -> None:
    clinic, drill = asked(tmp_path, "test", test_seconds=900)
    clinic.run(5)
    assert told(tmp_path, clinic) == [(drill, False)]
    clinic.mains = False
    clinic.run(1000, lambda: told(tmp_path, clinic) == [])
    assert (clinic.now.wall - START).total_seconds() > 900  # as long as a test may last
    clinic.run(2000, lambda: clinic.disk is not None and bool(clinic.disk.begun))
    assert list(running(tmp_path, START + timedelta(seconds=60))) != []
    assert told(tmp_path, clinic) == []
    assert list(running(tmp_path, START + timedelta(seconds=60))) == []


def test_the_metrics_name_the_drill_and_a_broken_file_names_none(tmp_path: Path) -> None:
    assert list(DrillCollector(tmp_path).collect()) == []
    (tmp_path / "other.drill").write_text('{"drill": 1')
    _clinic, drill = asked(tmp_path, "unplug")
    text = (tmp_path / "rack-ups.drill").read_text()
    (tmp_path / "rack-ups.drill").write_text(text.replace("2026", "2999"))
    found = {metric.name: metric.samples[0] for metric in DrillCollector(tmp_path).collect()}
    back = found["xinglin_power_drill_mains_back"]
    assert (back.labels["ups"], back.labels["how"], back.value) == ("rack-ups", "unplug", 0)
    assert back.labels["drill"] == drill.replace("2026", "2999")
    until, at = (found[f"xinglin_power_drill_{name}_timestamp_seconds"].value for name in ("until", "announced"))
    assert until - at == 615


@dataclass
class DummyUpsd:
    """Takes variables, and notes whether the drill was announced before each."""

    directory: Path
    refuses: bool = False
    said: list[tuple[str, bool]] = field(default_factory=list)

    def set_variable(self, _ups: str, name: str, _value: str) -> None:
        if self.refuses:
            raise NutError("READONLY", "")
        self.said.append((name, (self.directory / "power/rack-ups.drill").exists()))


def machine(directory: Path, upsd: DummyUpsd) -> Machine:
    (directory / "power").mkdir()
    ups = replace(plan(), simulated=True)
    clinic = SimulatedClinic(ups, runtime_seconds=2000)
    config = Config("appliance1", Upsd("127.0.0.1", 9, "u", None), directory, (ups,), (), clinic.limits, 300)

    def nothing(_host: Host) -> Reach:
        return Reach.NOTHING

    def no_report(_host: Host) -> Boot | None:
        return None

    outside = Outside(nothing, no_report)
    made = Machine(ups, config, cast("UpsdSession", upsd), Surroundings(nothing), outside)
    made.seen = Seen(UpsReading(frozenset({Flag.ON_LINE}), 1.0))
    return made


def test_a_drill_is_announced_before_the_simulated_mains_goes(tmp_path: Path) -> None:
    upsd, now = DummyUpsd(tmp_path), SimulatedClinic(plan(), runtime_seconds=1).now
    wanted = DrillRequest("r1", now.boot_id, "rack-ups", "lab", "simulated", "Li Wei")
    made = machine(tmp_path, upsd)
    assert made.answer(wanted, now).refused == ""
    assert upsd.said[-1] == ("ups.status", True)
    assert [one.announced.drill for one in running(tmp_path / "power", now.wall)] == [made.state.request.record_id]  # type: ignore[union-attr]


def test_a_drill_that_the_ups_does_not_take_or_that_cannot_be_announced_leaves_no_announcement(tmp_path: Path) -> None:
    upsd, now = DummyUpsd(tmp_path, refuses=True), SimulatedClinic(plan(), runtime_seconds=1).now
    wanted = DrillRequest("r1", now.boot_id, "rack-ups", "lab", "simulated", "Li Wei")
    made = machine(tmp_path, upsd)
    assert "does not take it" in made.answer(wanted, now).refused
    assert list((tmp_path / "power").iterdir()) == []
    (tmp_path / "power").rmdir()
    assert "cannot be announced" in made.answer(wanted, now).refused
    assert made.state.request is None
