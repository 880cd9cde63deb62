"""The whole agent as a process that asks other devices: its metrics, its events, its memory, and what it imports."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.agent.client import Client
from tests.agent.pki import Authority
from tests.agent.ports import free_port
from tests.agent.process import ROOT, Agent, running_agent, write_config
from tests.agent.promtool import complaints
from tests.agent.samples import Key, key, parse
from tests.agent.snmpd import COMMUNITY, V3, Snmpd, need, running_snmpd
from tests.agent.test_events import wait_until

MIB = 1024 * 1024
MAX_RESIDENT_BYTES = 60 * MIB
DEVICES = 6
TRAPS_FROM = "127.0.0.21"
"""The address of the device that sends traps: nobody answers there."""


@pytest.fixture(scope="module")
def snmpd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Snmpd]:
    with running_snmpd(tmp_path_factory.mktemp("snmpd")) as running:
        yield running


@pytest.fixture(scope="module")
def trap_port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("pki"))


@pytest.fixture(scope="module")
def agent(
    tmp_path_factory: pytest.TempPathFactory, authority: Authority, snmpd: Snmpd, trap_port: int
) -> Iterator[Agent]:
    directory = tmp_path_factory.mktemp("agent")
    devices: list[dict[str, Any]] = [
        {"name": f"sw-{number}", "kind": "switch", "address": "127.0.0.1", "port": snmpd.port}
        for number in range(DEVICES)
    ]
    devices.append({"name": "rack-ups", "kind": "ups", "address": TRAPS_FROM, "port": 1161})
    v2c = {"version": "v2c", "community": COMMUNITY}
    v3 = {"version": "v3", "user": V3.user, "auth_key": V3.auth_key, "privacy_key": V3.privacy_key}
    secrets = {device["name"]: v3 if number % 2 else v2c for number, device in enumerate(devices)}
    (directory / "snmp.json").write_text(json.dumps(secrets))
    polled = {
        "snmp": {"interval_seconds": 2, "devices": devices, "traps": {"listen": "127.0.0.1", "port": trap_port}},
        "probes": [{"name": "cam-gate", "kind": "camera", "address": "127.0.0.1", "tcp": free_port()}],
        "nut": [{"ups": "rack-ups", "address": "127.0.0.1", "port": 1, "server_name": "appliance1"}],
    }
    config = write_config(directory, authority, authority.issue("his1"), **polled)
    with running_agent(directory, config, {**os.environ, "CREDENTIALS_DIRECTORY": str(directory)}) as running:
        yield running


@pytest.fixture(scope="module")
def client(agent: Agent, authority: Authority) -> Client:
    return Client(agent.port, authority.certificate, authority.issue("appliance1"))


def samples(client: Client) -> dict[Key, float]:
    return parse(client.get("/metrics").body)


def test_polled_devices_are_on_the_metrics_page(client: Client):
    def all_up() -> bool:
        found = samples(client)
        names = [f"sw-{number}" for number in range(DEVICES)]
        probed = key("xinglin_device_up", device="cam-gate", kind="camera", source="probe") in found
        return probed and all(
            found.get(key("xinglin_device_up", device=name, kind="switch", source="snmp")) == 1 for name in names
        )

    wait_until(all_up)
    found = samples(client)
    assert any(name == "xinglin_interface_up" and ("device", "sw-0") in labels for name, labels in found)
    assert all(found[key("xinglin_snmp_poll_duration_seconds", device=f"sw-{number}")] > 0 for number in range(DEVICES))
    assert found[key("xinglin_device_up", device="cam-gate", kind="camera", source="probe")] == 0
    assert found[key("xinglin_snmp_traps_total", result="accepted")] >= 0
    assert found[key("xinglin_collector_success", collector="polled")] == 1


def test_a_ups_that_nobody_answers_for_has_its_trouble_from_both_sources(client: Client):
    def both_told() -> bool:
        troubles = {
            dict(labels).get("source") for (name, labels), _ in samples(client).items() if name == "xinglin_ups_trouble"
        }
        return troubles == {"snmp", "nut"}

    wait_until(both_told)
    found = samples(client)
    assert found[key("xinglin_ups_up", ups="rack-ups", source="snmp")] == 0
    assert found[key("xinglin_ups_up", ups="rack-ups", source="nut")] == 0


def test_promtool_finds_nothing_to_complain_about(client: Client):
    assert complaints(client.get("/metrics").body) == []


def test_a_trap_is_an_event_at_once(client: Client, trap_port: int):
    need("snmptrap")
    before = json.loads(client.get("/events").body)
    environment = {**os.environ, "SNMP_PERSISTENT_DIR": "/dev/shm", "MIBS": ""}  # noqa: S108
    command = ["snmptrap", f"--clientaddr={TRAPS_FROM}", "-v2c", "-c", COMMUNITY, f"127.0.0.1:{trap_port}", ""]
    subprocess.run([*command, "1.3.6.1.4.1.318.0.5"], check=True, env=environment)
    after, stream = before["last"], before["stream"]
    events: list[dict[str, Any]] = []
    while not any(event["source"] == "trap" for event in events):
        answer = json.loads(client.get(f"/events?after={after}&stream={stream}&wait=10").body)
        assert answer["last"] > after, "no event came"
        after, events = answer["last"], answer["events"]
    trap = next(event for event in events if event["source"] == "trap")
    assert (trap["device"], trap["code"], trap["detail"]) == ("rack-ups", "on_battery", "1.3.6.1.4.1.318.0.5")


def test_the_memory_stays_small(client: Client, agent: Agent):
    for _ in range(5):
        client.get("/metrics")
    resident = agent.status_bytes("VmRSS")
    assert resident <= MAX_RESIDENT_BYTES, f"{resident / MIB:.1f} MiB"


IMPORTS = """
import sys
from pathlib import Path
import agent.cli
from agent.config import load_config
from agent.events import Journal
from agent.pages import Pages
from agent.registry import Registry
from agent.service import collectors, watched_devices
config = load_config(Path(sys.argv[1]))
registry = Registry(collectors(config, "test"))
Pages(config, registry, Journal(), "test")
devices = watched_devices(config, Journal())
registry.scrape()
print(" ".join(sys.modules))
"""


@pytest.mark.parametrize(
    ("polled", "absent"),
    [
        ({}, {"pysnmp", "pyasn1", "asyncio", "agent.ups", "agent.devices", "agent.nut", "agent.probes"}),
        (
            {"nut": [{"ups": "rack-ups", "address": "127.0.0.1", "server_name": "his1"}]},
            {"pysnmp", "pyasn1", "asyncio"},
        ),
        ({"probes": [{"name": "cam", "kind": "camera", "address": "127.0.0.1"}]}, {"pysnmp", "pyasn1"}),
    ],
    ids=["nothing", "upsd", "probes"],
)
def test_a_host_imports_nothing_of_what_it_does_not_ask(
    tmp_path: Path, authority: Authority, polled: dict[str, object], absent: set[str]
):
    config = write_config(tmp_path, authority, authority.issue("his1"), **polled)
    command = [sys.executable, "-c", IMPORTS, str(config)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    names = set(done.stdout.split())
    imported = names | {name.split(".")[0] for name in names}
    assert {"agent.service", "prometheus_client"} <= imported
    assert imported & absent == set()
