"""Devices without an agent, asked by the appliance's locked-down agent on a real host; their traps are heard."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.snmp.credentials import User
from inventory.vault import decrypt, encrypt, new_secret
from tests.agent.snmpd import need, running_snmpd
from tests.lab.command import run
from tests.lab.eventually import eventually
from tests.lab.host import Host
from tests.lab.lab import Lab
from tests.lab.mutual_tls import ask_agent
from tests.lab.test_2_provision import provision

pytestmark = pytest.mark.lab

SWITCH, PRINTER, CAMERA = 20, 21, 22  # last parts of their addresses, on this machine's side of the servers' bridge
DEVICES = """devices:
  - {{name: sw-core, name_zh: 核心交换机, kind: switch, address: {net}.20, zone: servers,
     snmp: {{version: v3, user: xinglin, auth_key: vault_sw_auth, privacy_key: vault_sw_privacy}}}}
  - {{name: printer-1, name_zh: 收费处打印机, kind: printer, address: {net}.21, zone: servers,
     snmp: {{version: v2c, community: vault_printer}}}}
  - {{name: cam-gate, name_zh: 大门摄像机, kind: camera, address: {net}.22, zone: servers}}
  - {{name: ct-1, name_zh: CT, kind: medical, address: {net}.23, zone: servers, tcp: 104}}
"""


@pytest.fixture(scope="module")
def network(clinic: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A switch, a printer and a camera that answer, a CT that doesn't; returns the printer's community."""
    need("snmpd", "snmptrap")
    zone = next(zone for zone in clinic.zones if zone.name == "servers")
    net = zone.gateway.rpartition(".")[0]
    secrets = {name: new_secret() for name in ("vault_sw_auth", "vault_sw_privacy", "vault_printer")}
    for last in (SWITCH, PRINTER, CAMERA):
        run(["ip", "address", "add", f"{net}.{last}/32", "dev", zone.bridge])
    switch = User("xinglin", secrets["vault_sw_auth"], secrets["vault_sw_privacy"])
    directory = tmp_path_factory.mktemp("snmpd")
    written = describe(clinic.facility_directory, net, secrets)
    try:
        with (
            running_snmpd(directory / "switch", user=switch, address=f"{net}.{SWITCH}", port=161),
            running_snmpd(
                directory / "printer", community=secrets["vault_printer"], address=f"{net}.{PRINTER}", port=161
            ),
        ):
            yield secrets["vault_printer"]
    finally:
        for path, content in written.items():
            path.write_bytes(content)
        done = provision(clinic.facility_directory, "--limit", "appliance1", "--tags", "firewall,agent,console")
        assert done.returncode == 0, done.stdout + done.stderr
        for last in (SWITCH, PRINTER, CAMERA):
            run(["ip", "address", "delete", f"{net}.{last}/32", "dev", zone.bridge])


def describe(facility: Path, net: str, secrets: dict[str, str]) -> dict[Path, bytes]:
    """Write the devices and their secrets into the facility and provision; returns what the files were before."""
    variables, vault = facility / "group_vars/all/facility.yml", facility / "group_vars/all/vault.yml"
    before = {path: path.read_bytes() for path in (variables, vault)}
    text = before[variables].decode()
    assert text.count("\ndevices: []\n") == 1
    variables.write_text(text.replace("devices: []\n", DEVICES.format(net=net)), encoding="utf-8")
    password = (facility / ".vault-password").read_bytes().strip()
    plain = decrypt(before[vault], password) + "".join(f"{name}: {one}\n" for name, one in secrets.items()).encode()
    vault.write_bytes(encrypt(plain, password))
    done = provision(facility, "--limit", "appliance1", "--tags", "firewall,agent,console")
    assert done.returncode == 0, done.stdout + done.stderr
    return before


def states(appliance: Host) -> dict[str, float]:
    page = ask_agent(appliance, appliance.address, "/metrics").body
    found = re.findall(r'^xinglin_device_up\{device="([^"]+)"[^}]*\} (\S+)$', page, re.MULTILINE)
    return {name: float(value) for name, value in found}


def test_each_device_is_asked_as_it_can_answer(network: str, appliance: Host):
    wanted = {"sw-core": 1.0, "printer-1": 1.0, "cam-gate": 1.0, "ct-1": 0.0}
    eventually("every device was asked", lambda: states(appliance) == wanted)
    page = ask_agent(appliance, appliance.address, "/metrics").body
    assert re.search(r'^xinglin_interface_up\{[^}]*device="sw-core"', page, re.MULTILINE)
    assert re.search(r'^xinglin_device_trouble\{code="unreachable",device="ct-1"', page, re.MULTILINE)


def test_the_secrets_are_in_no_log_and_no_process_list(network: str, appliance: Host):
    told = appliance.run("journalctl", "-b", "--no-pager", "-u", "xinglin-agent", "-u", "xinglin-worker")
    assert network not in told
    assert network not in appliance.run("ps", "axww", "-o", "args")
    assert appliance.run("stat", "-c", "%U %a", "/etc/xinglin/secrets/snmp.json").split() == ["root", "600"]


def test_a_devices_trap_is_heard_and_a_strangers_is_not(network: str, clinic: Lab, appliance: Host):
    net = appliance.address.rpartition(".")[0]
    link_down = ["", "1.3.6.1.6.3.1.1.5.3", "1.3.6.1.2.1.2.2.1.1.2", "i", "2"]
    for last, community in ((CAMERA, network), (PRINTER, "stranger"), (PRINTER, network)):
        sent = ["snmptrap", "-v2c", "-c", community, f"--clientaddr={net}.{last}", f"{appliance.address}:162"]
        subprocess.run([*sent, *link_down], check=True, capture_output=True)
    eventually("the trap is an event", lambda: '"link_down"' in events(appliance))
    assert events(appliance).count('"source": "trap"') + events(appliance).count('"source":"trap"') == 1


def events(appliance: Host) -> str:
    return ask_agent(appliance, appliance.address, "/events?after=0&wait=0").body


def test_the_appliances_agent_stays_small_and_locked_down(network: str, appliance: Host):
    pid = appliance.run("systemctl", "show", "--property=MainPID", "--value", "xinglin-agent").strip()
    peak = re.search(r"VmHWM:\s+(\d+) kB", appliance.run("cat", f"/proc/{pid}/status"))
    assert peak
    assert int(peak[1]) <= 60 * 1024
    exposure = appliance.run("systemd-analyze", "security", "xinglin-agent.service").splitlines()[-1]
    found = re.search(r"(\d+\.\d+)", exposure)
    assert found
    assert float(found[1]) <= 2.5
