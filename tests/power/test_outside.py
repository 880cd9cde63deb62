"""Hosts without an agent: they come back when they were seen away and answer again, and nothing more is claimed."""

import json
import random
import shutil
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

from agent.polling import PollError, Trouble
from agent.power.codes import CHECKS, DETAILS, EVENTS
from agent.power.plan import Host, Limits
from agent.power.reach import Reach, Surroundings
from agent.power.records import PowerRecord, Verdict, from_json
from agent.power.state import host_step
from tests.power.outside import OutsideClinic, plan_without_agents
from tests.power.simulated import OWN

SEEDS = range(60)


def dark(clinic: OutsideClinic) -> PowerRecord:
    """Let the mains be away until everything is off, then give it back."""
    clinic.run(10)
    clinic.mains = False
    clinic.run(1500)
    clinic.mains = True
    return clinic.run_to_file()


def failed(record: PowerRecord) -> dict[str, str]:
    return {check.name: check.detail for check in record.checks if not check.passed}


def moment(record: PowerRecord, code: str, host: str) -> datetime | None:
    return next((one.at for one in record.events if one.code == code and one.detail.split()[0] == host), None)


@pytest.mark.parametrize(("port", "asked"), [(0, "icmp"), (3389, "tcp/3389")])
def test_a_host_without_an_agent_was_away_and_is_reachable(port: int, asked: str):
    record = dark(OutsideClinic(plan_without_agents("ws1", port=port)))
    ws1 = host_step(record, "ws1")
    assert (record.verdict, failed(record), ws1.detail, ws1.clean) == (Verdict.PASSED, {}, "reachable", None)
    named = {check.name: check.detail for check in record.checks if check.name.endswith("ws1")}
    assert named == {"hung:ws1": "20 s", "reachable:ws1": asked}, "neither its shutdown nor its boot is claimed"
    assert ws1.back_at == moment(record, "host_reachable", "ws1")
    assert moment(record, "host_back", "ws1") is None
    assert {event.code for event in record.events} <= set(EVENTS)
    assert {check.name.partition(":")[0] for check in record.checks} <= set(CHECKS)
    assert {step.detail for step in record.steps} <= {"", *DETAILS}


def test_a_host_that_never_went_down_is_not_taken_for_one_that_came_back():
    clinic = OutsideClinic(plan_without_agents("ws1"))
    clinic.hosts["ws1"].hangs = True
    clinic.elsewhere.add("ws1")
    record = dark(clinic)
    assert (clinic.downs["ws1"], host_step(record, "ws1").back_at) == (0, None)
    assert moment(record, "host_never_away", "ws1") is not None
    assert failed(record) == {"hung:ws1": "", "reachable:ws1": "it was never seen away"}


def test_a_host_of_the_last_stage_that_is_back_before_anybody_looks_was_never_seen_away():
    clinic = OutsideClinic(plan_without_agents("pacs1"))
    clinic.by_itself.add("pacs1")
    clinic.hosts["pacs1"].up_seconds, clinic.own.up_seconds = 5, 60
    clinic.hosts["pacs1"].down_seconds = clinic.own.down_seconds = 10
    clinic.hosts["pacs1"].listens = False  # it goes with the outlets, unseen
    record = dark(clinic)
    assert clinic.downs["pacs1"] == 1
    assert host_step(record, "pacs1").detail == "never_away"
    assert failed(record) == {"reachable:pacs1": "it was never seen away"}


@pytest.mark.parametrize("crash", [False, True])
def test_a_host_that_starts_by_itself_before_its_turn_was_seen_away(crash: bool):
    clinic = OutsideClinic(plan_without_agents("pacs1"), limits=Limits(settle_seconds=60, host_seconds=200))
    clinic.by_itself.add("pacs1")
    clinic.hosts["pacs1"].up_seconds, clinic.own.up_seconds = 40, 20
    clinic.hosts["pacs1"].listens = False
    clinic.run(10)
    clinic.mains = False
    clinic.run(1500)
    clinic.mains = True
    clinic.run(25)
    clinic.tick(crash=crash)
    record = clinic.run_to_file()
    assert (host_step(record, "pacs1").off_at, host_step(record, "pacs1").woken_at) == (None, None)
    assert moment(record, "host_silent", "pacs1") is not None
    assert (record.verdict, failed(record)) == (Verdict.PASSED, {})


def test_a_host_without_an_agent_that_stays_away_fails_the_record_by_name():
    clinic = OutsideClinic(plan_without_agents("ws1"))
    clinic.hosts["ws1"].wakes = False
    record = dark(clinic)
    assert (failed(record), host_step(record, "ws1").detail) == ({"reachable:ws1": "icmp: no answer"}, "not_back")


def test_a_monitor_that_was_only_started_anew_is_no_return():
    clinic = OutsideClinic(plan_without_agents("ws1"))
    clinic.mains = False
    clinic.run(105)
    assert clinic.disk is not None
    assert host_step(clinic.disk, "ws1").left_at is not None
    clinic.hosts["ws1"].going_at = None  # it logs in again, and was there all the time
    clinic.mains = True
    record = clinic.run_to_file()
    assert clinic.downs["ws1"] == 0
    assert failed(record) == {"reachable:ws1": "it was never seen away"}


def test_a_host_that_hung_and_went_down_late_is_back_all_the_same():
    clinic = OutsideClinic(plan_without_agents("ws1"))
    clinic.hosts["ws1"].hangs = True
    clinic.mains = False
    clinic.run(170)
    clinic.mains = True
    clinic.hosts["ws1"].on = False
    record = clinic.run_to_file()
    assert moment(record, "host_silent", "ws1") is not None
    assert host_step(record, "ws1").back_at == moment(record, "host_reachable", "ws1")
    assert set(failed(record)) == {"hung:ws1"}


def in_network_namespace(*arguments: str) -> str:
    """Run Python with a network of its own."""
    network = [shutil.which("unshare") or "unshare", "--net"]
    if subprocess.run([*network, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no network namespaces here (needs root)")
    command = [*network, sys.executable, *arguments]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_hosts_on_a_real_network_go_away_and_come_back():
    """One is asked at its port, which opens ten seconds after its network is up, the other by ICMP."""
    told = json.loads(in_network_namespace("-m", "tests.power.real_network"))
    record = from_json(told["record"])
    assert (record.verdict, failed(record)) == (Verdict.PASSED, {})
    by_port, by_echo = (host_step(record, name) for name in ("ws1", "ws2"))
    assert (by_port.detail, by_echo.detail) == ("reachable", "reachable")
    assert by_port.back_at is not None
    assert by_port.back_at.isoformat() == told["opened_at"], "a closed port is not what the inventory names"
    assert None not in (by_echo.off_at, by_echo.back_at)
    assert {check.detail for check in record.checks if check.name.startswith("reachable:")} == {"tcp/3389", "icmp"}


def test_who_may_send_no_echo_does_not_take_the_host_for_away():
    said = in_network_namespace(
        "-c",
        "import ssl\n"
        "from pathlib import Path\n"
        "from agent.polling import PollError\n"
        "from agent.power.plan import Host\n"
        "from agent.power.reach import tls_probe\n"
        "Path('/proc/sys/net/ipv4/ping_group_range').write_text('1 0')\n"
        "try:\n"
        "    print(tls_probe(ssl.create_default_context())(Host('nas1', '127.0.0.1', 0, agent=False)))\n"
        "except PollError as error:\n"
        "    print(error)\n",
    )
    assert "net.ipv4.ping_group_range" in said


def test_a_host_that_cannot_be_asked_is_neither_there_nor_away_and_that_is_told_once(caplog: pytest.LogCaptureFixture):
    def forbidden(_host: Host) -> Reach:
        raise PollError(Trouble.UNREACHABLE, "no ping socket")

    surroundings = Surroundings(forbidden)
    hosts = [Host("nas1", "127.0.0.1", 0, agent=False)]
    for second in range(5):
        surroundings.look(hosts, second, 0.5)
        pending = surroundings._known["nas1"].pending
        assert pending is not None
        assert isinstance(pending.exception(5), PollError)
    seen = surroundings.look(hosts, 10, 100)
    surroundings.close()
    assert (seen.answering, seen.silent) == (frozenset(), frozenset())
    assert [one.getMessage() for one in caplog.records] == ["nas1 cannot be asked (icmp): unreachable: no ping socket"]


def clinic_of(dice: random.Random) -> OutsideClinic:
    names = [name for name in ("ws1", "ws2", "his1", "pacs1") if dice.random() < 0.6] or ["ws1"]
    clinic = OutsideClinic(plan_without_agents(*names), runtime_seconds=dice.uniform(400, 1600))
    for name, host in clinic.hosts.items():
        host.down_seconds, host.up_seconds = dice.uniform(5, 55), dice.uniform(3, 90)
        if name == OWN:
            continue
        fate = dice.random()
        host.hangs, host.on, host.listens = fate < 0.15, not 0.15 < fate < 0.25, not 0.25 < fate < 0.35
        host.wakes = fate < 0.9
        clinic.by_itself |= {name} if dice.random() < 0.4 and host.on and host.wakes else set()
        clinic.elsewhere |= {name} if dice.random() < 0.2 else set()
    return clinic


def played(seed: int) -> tuple[OutsideClinic, PowerRecord]:
    dice = random.Random(seed)  # noqa: S311 - a reproducible outage, no secret
    clinic = clinic_of(dice)
    clinic.run(5)
    clinic.mains = False
    for _ in range(int(dice.uniform(5, clinic.full * 1.5))):
        clinic.tick(crash=dice.random() < 0.03)
    clinic.mains = True
    for _ in range(4000):
        if clinic.filed:
            break
        clinic.tick(crash=dice.random() < 0.01)
    return clinic, clinic.filed[0]


@pytest.mark.parametrize("seed", SEEDS)
def test_in_any_outage_only_who_was_off_comes_back(seed: int):
    clinic, record = played(seed)
    answers = {check.name: check.passed for check in record.checks}
    for host in clinic.ups.hosts:
        if host.agent:
            assert f"reachable:{host.name}" not in answers
            continue
        step = host_step(record, host.name)
        assert not {f"{word}:{host.name}" for word in ("back", "report", "shutdown")} & set(answers)
        assert step.clean is None
        if step.back_at is not None:
            assert clinic.downs[host.name] > 0, "nobody comes back who was never off"
        if answers.get(f"reachable:{host.name}"):
            assert clinic.hosts[host.name].on
        if step.detail == "never_away" and step.told_at is not None:
            assert answers[f"reachable:{host.name}"] is False


def test_the_random_outages_are_of_every_kind():
    found = {"reachable": 0, "never_away": 0, "not_back": 0, "off_before": 0, "silent": 0}
    for seed in SEEDS:
        clinic, record = played(seed)
        for host in clinic.ups.hosts:
            detail = host_step(record, host.name).detail
            if not host.agent and detail in found:
                found[detail] += 1
        found["silent"] += any(event.code == "host_silent" for event in record.events)
    assert min(found.values()) > 0, found
