"""The parts around the decisions: configuration, records on a bad disk, requests, wake-up packets, boot reports."""

import json
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agent.errors import AgentError
from agent.power import wake as waking
from agent.power.around import answers, boot_of
from agent.power.boot import write_report
from agent.power.clusters import Cluster
from agent.power.config import load_config
from agent.power.daemon import forget_old, open_records
from agent.power.plan import Host, ReturnCheck
from agent.power.reach import Reach, Surroundings
from agent.power.records import Phase, Verdict, read_records, write_record
from agent.power.request import new_request, take_request, write_request
from agent.power.wake import magic_packet, wake
from tests.power.simulated import START, SimulatedClinic, plan

CONFIG = {
    "host": "a",
    "upsd": {"address": "127.0.0.1", "port": 3493, "user": "xinglin-power"},
    "state_directory": "/nowhere",
    "upses": [
        {
            "name": "u", "simulated": False, "sync_seconds": 30,
            "stages": [
                {"name": "s", "latch": "u-s", "below_seconds": 9, "takes_seconds": 1,
                 "hosts": [{"name": "b", "address": "127.0.0.2", "port": 9633, "mac": None, "broadcast": ""}]},
                {"name": "last", "latch": None, "below_seconds": 5, "takes_seconds": 1,
                 "hosts": [{"name": "a", "address": "127.0.0.1", "port": 9633, "mac": "", "broadcast": ""}]},
            ],
        }
    ],
    "return_checks": [{"name": "db", "host": "b", "address": "127.0.0.2", "tcp": 5432}],
}  # fmt: skip


def changed(path: Path, change: str, value: object) -> Path:
    """Write the configuration with one thing changed: ``upses.0.stages.1.latch``."""
    document = json.loads(json.dumps(CONFIG))
    at = document
    *way, last = change.split(".")
    for part in way:
        at = at[int(part)] if part.isdigit() else at[part]
    at[last] = value
    path.write_text(json.dumps(document))
    return path


def test_a_whole_configuration_is_read(tmp_path: Path):
    config = load_config(changed(tmp_path / "c", "drill_seconds", 60))
    assert [stage.latch for stage in config.upses[0].stages] == ["u-s", None]
    assert config.upses[0].hosts[0].mac == ""


@pytest.mark.parametrize(
    ("change", "value", "what"),
    [
        ("upses.0.stages.0.latch", None, "stage s has no latch"),
        ("upses.0.stages.1.latch", "u-last", "the last stage goes with the UPS itself"),
        ("upses.0.stages.1.name", "s", "two stages have one name"),
        ("upses.0.stages.0.takes_seconds", 0, "must be more than 0"),
        ("upses.0.stages", [], "no stages"),
        ("host", "c", "its own host c must be in the last stage"),
        ("limits", {"settle": 1}, "unknown keys settle"),
        ("upses.0.stages.0.hosts", [{"name": "b"}], "missing"),
        ("upsd", "here", "string indices"),
    ],
)
def test_a_plan_that_cannot_be_kept_is_refused_by_name(tmp_path: Path, change: str, value: object, what: str):
    with pytest.raises(AgentError, match=what):
        load_config(changed(tmp_path / "c", change, value))


def test_a_file_that_is_no_record_is_put_aside_and_the_open_record_is_found(tmp_path: Path):
    clinic = SimulatedClinic(plan(), runtime_seconds=1000)
    clinic.mains = False
    clinic.run(3)
    assert clinic.disk is not None
    write_record(tmp_path, clinic.disk)
    whole = (tmp_path / f"{clinic.disk.record_id}.json").read_bytes()
    for number, broken in enumerate((b"", whole[:200], b"\xff\x00", b"[]", whole.replace(b"going", b"gone"))):
        (tmp_path / f"broken{number}.json").write_bytes(broken)
    (tmp_path / "boot.json").write_text("{}")
    assert open_records(tmp_path) == {"rack-ups": clinic.disk}
    assert len(list(tmp_path.glob("*.broken"))) == 4  # the fifth is whole: it is not going down
    assert (tmp_path / "boot.json").exists()


def test_of_two_open_records_the_older_is_closed(tmp_path: Path):
    for hours in (0, 1):
        clinic = SimulatedClinic(plan(), runtime_seconds=1000)
        clinic.wall_offset = 3600 * hours
        clinic.mains = False
        clinic.run(3)
        assert clinic.disk is not None
        write_record(tmp_path, clinic.disk)
    found = open_records(tmp_path)["rack-ups"]
    assert found.started_at > START + timedelta(hours=1)
    older = read_records(tmp_path)[1]
    assert (older.phase, older.verdict) == (Phase.FINISHED, Verdict.ERROR)


def test_old_records_are_forgotten_open_ones_never(tmp_path: Path):
    for hours in range(5):
        clinic = SimulatedClinic(plan(), runtime_seconds=1000)
        clinic.wall_offset = 3600 * hours
        clinic.mains = False
        clinic.run(3)
        if hours:
            clinic.mains = True
            clinic.tick()
        assert clinic.disk is not None
        write_record(tmp_path, clinic.disk)
    forget_old(tmp_path, kept=2)
    assert [record.phase is Phase.FINISHED for record in read_records(tmp_path)] == [True, True, False]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"ups": "u"}', '{"request_id": 1}', "x" * 100_000])
def test_a_broken_request_is_taken_away_and_not_heeded(tmp_path: Path, text: str):
    (tmp_path / "request.json").write_text(text)
    assert take_request(tmp_path) is None
    assert list(tmp_path.iterdir()) == []


def test_a_request_is_taken_once(tmp_path: Path):
    request = new_request("boot", "rack-ups", "facility", "test", "李伟")
    write_request(tmp_path, request)
    assert take_request(tmp_path) == request
    assert take_request(tmp_path) is None


def test_a_magic_packet_names_its_card_sixteen_times_and_reaches_a_broadcast(monkeypatch: pytest.MonkeyPatch):
    mac = "02:00:c6:12:00:0b"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as card:
        card.bind(("127.255.255.255", 0))
        card.settimeout(5)
        monkeypatch.setattr(waking, "PORT", card.getsockname()[1])
        monkeypatch.setattr(waking, "EVERYWHERE", "127.255.255.255")
        wake(mac, "127.255.255.255")
        assert card.recv(200) == magic_packet(mac) == b"\xff" * 6 + bytes.fromhex("0200c612000b") * 16


@pytest.mark.parametrize("mac", ["", "02:00", "no address", "02:00:c6:12:00:0b:0c"])
def test_what_is_no_hardware_address_is_refused(mac: str):
    with pytest.raises(ValueError, match=r"hardware address|hexadecimal"):
        magic_packet(mac)


def test_one_lost_answer_is_no_shutdown():
    script = [Reach.SERVING, Reach.NOTHING, Reach.SERVING, Reach.NOTHING, Reach.NOTHING, Reach.NOTHING]
    hosts = [Host("b", "127.0.0.2", 9)]
    surroundings = Surroundings(lambda _: script.pop(0))
    silent = []
    while script:
        surroundings.look(hosts, float(-len(script)), 0.5)
        known = surroundings._known["b"].pending
        assert known is not None
        known.result(5)
        silent.append("b" in surroundings.look(hosts, -100, 0.5).silent)
    surroundings.close()
    assert silent == [False, False, False, False, False, True]


def test_a_service_answers_or_says_why_not():
    with socket.create_server(("127.0.0.1", 0)) as server:
        check = ReturnCheck("db", "b", "127.0.0.1", server.getsockname()[1])
        assert answers(check) == ""
    assert answers(check) == "Connection refused"


@pytest.mark.parametrize("document", [None, {}, {"power": {"boot": None}}, {"power": {"boot": {"boot_id": 1}}}])
def test_what_is_no_boot_report_is_none(document: object):
    assert boot_of(document) is None


def test_a_boot_is_clean_when_the_boot_before_left_its_mark(tmp_path: Path):
    at = datetime.now(UTC)
    first = write_report(tmp_path, "one", at, lambda: ())
    assert first["previous"]["clean"] is None
    (tmp_path / "ended.boot").write_text("one\n")
    second = write_report(tmp_path, "two", at, lambda: ())
    assert second["previous"]["clean"] is True
    third = write_report(tmp_path, "three", at, lambda: ())  # two left no mark
    assert third["previous"] == {"boot_id": "two", "clean": False, "ended_at": None}
    again = write_report(tmp_path, "three", at, lambda: ())
    assert again["previous"] == third["previous"]
    told = boot_of({"power": {"boot": again}})
    assert told is not None
    assert told.previous_clean is False


@pytest.fixture
def server() -> Iterator["Server"]:
    """A PostgreSQL server of its own, on a socket; in a directory that its user can reach, unlike tmp_path."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not programs or os.geteuid() != 0:
        pytest.skip("PostgreSQL is not installed, or nobody may become its user")
    with tempfile.TemporaryDirectory(prefix="xinglin-power-") as directory:
        one = Server(programs[-1], Path(directory))
        yield one
        one.end()


class Server:
    def __init__(self, programs: Path, directory: Path) -> None:
        self.programs = programs
        data = directory / "data"
        data.mkdir()
        shutil.chown(data, "postgres", "postgres")
        shutil.chown(directory, "postgres", "postgres")
        self.cluster = Cluster("15/test", 54329, str(directory), directory / "log", data)
        self.run("initdb", "-D", str(data), "-A", "trust", "--locale=C", "--no-sync")

    def run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [self.programs / program, *arguments], check=True, user="postgres", group="postgres", timeout=60,
            stdout=subprocess.DEVNULL, cwd="/",
        )  # fmt: skip

    def start(self) -> None:
        options = f"-p {self.cluster.port} -k {self.cluster.socket_directory} -c listen_addresses= -c fsync=off"
        self.run("pg_ctl", "-D", str(self.cluster.data), "-l", str(self.cluster.log), "-o", options, "-w", "start")

    def stop(self, mode: str) -> None:
        self.run("pg_ctl", "-D", str(self.cluster.data), "-m", mode, "-w", "stop")

    def end(self) -> None:
        if (self.cluster.data / "postmaster.pid").exists():
            self.stop("immediate")


def test_postgresqls_own_log_tells_a_clean_shutdown_from_a_cut(server: Server, tmp_path: Path):
    reports = []
    for boot, mode in enumerate(("fast", "immediate", "fast")):
        at = datetime.now(UTC)
        server.start()
        (database,) = write_report(tmp_path, f"boot{boot}", at, lambda: (server.cluster,))["databases"]
        reports.append(database)
        server.stop(mode)
    assert [one["clean"] for one in reports] == [True, True, False]
    assert all(one["accepts"] for one in reports)
    assert "was shut down at" in reports[1]["evidence"]
    assert "was interrupted" in reports[2]["evidence"]
    (down,) = write_report(tmp_path, "boot9", datetime.now(UTC), lambda: (server.cluster,), 0)["databases"]
    assert (down["clean"], down["accepts"]) == (None, False)
