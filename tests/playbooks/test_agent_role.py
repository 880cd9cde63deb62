"""The role agent on a clinic with devices: what the agent reads, what it is allowed, and where the secrets are."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from agent.config import Config, load_config
from agent.errors import AgentError
from agent.polled import NutSource, ProbeTarget, SnmpDevice, TrapListener
from agent.snmp.credentials import Community, User
from tests.playbooks.rendered import SECRETS, Rendered, render

SNMP = {"version": "v3", "user": "xinglin", "auth_key": "vault_nut_secret", "privacy_key": "vault_backup_http_secret"}
OPEN = {"version": "v2c", "community": "vault_his_database_password", "port": 1161}
CLINIC: dict[str, Any] = {
    "ups": [
        {"name": "rack-ups", "name_zh": "机柜", "driver": "snmp", "connected_to": "appliance1", "powers": ["his1"],
         "address": "198.18.0.150", "zone": "mgmt", "snmp": SNMP},
        {"name": "desk-ups", "name_zh": "桌", "driver": "usb", "connected_to": "his1", "powers": ["his1"]},
    ],
    "devices": [
        {"name": "sw-core", "name_zh": "交换机", "kind": "switch", "address": "198.18.0.151", "zone": "mgmt",
         "snmp": OPEN},
        {"name": "cam-gate", "name_zh": "摄像机", "kind": "camera", "address": "198.18.0.210", "zone": "staff",
         "tcp": 554},
        {"name": "ct-1", "name_zh": "CT", "kind": "medical", "address": "198.18.0.211", "zone": "staff"},
    ],
    "access_points": [
        {"name": "ap-1", "name_zh": "门诊", "platform": "openwrt", "address": "198.18.0.140", "zone": "mgmt",
         "snmp": OPEN},
    ],
}  # fmt: skip
COMMUNITY = SECRETS["vault_his_database_password"]
KEYS = (SECRETS["vault_nut_secret"], SECRETS["vault_backup_http_secret"])


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Rendered:
    return render(tmp_path_factory.mktemp("devices"), ["agent"], other=CLINIC)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Rendered:
    """The example clinic as it is: no device that is asked over SNMP."""
    return render(tmp_path_factory.mktemp("plain"), ["agent"])


def loaded(texts: Rendered, host: str, directory: Path) -> Config:
    (directory / "agent.json").write_text(texts[host]["agent/agent.json"], encoding="utf-8")
    (directory / "snmp.json").write_text(texts[host]["agent/snmp.json"], encoding="utf-8")
    return load_config(directory / "agent.json", {"CREDENTIALS_DIRECTORY": str(directory)})


def test_the_appliance_asks_every_device_with_its_own_secret(texts: Rendered, tmp_path: Path):
    config = loaded(texts, "appliance1", tmp_path)
    assert config.snmp is not None
    assert config.snmp.devices == (
        SnmpDevice("rack-ups", "ups", "198.18.0.150", 161, User("xinglin", *KEYS)),
        SnmpDevice("sw-core", "switch", "198.18.0.151", 1161, Community("v2c", COMMUNITY)),
        SnmpDevice("ap-1", "access_point", "198.18.0.140", 1161, Community("v2c", COMMUNITY)),
    )
    assert config.snmp.traps == TrapListener("198.18.0.10", 162)
    assert config.probes == (
        ProbeTarget("cam-gate", "camera", "198.18.0.210", 554),
        ProbeTarget("ct-1", "medical", "198.18.0.211", None),
    )


def test_each_host_reads_its_own_upsd(texts: Rendered, tmp_path: Path):
    assert loaded(texts, "appliance1", tmp_path).nut == (NutSource("rack-ups", "127.0.0.1", 3493, "appliance1"),)
    his1 = loaded(texts, "his1", tmp_path)
    assert his1.nut == (NutSource("desk-ups", "127.0.0.1", 3493, "his1"),)
    assert (his1.snmp, his1.probes) == (None, ())
    assert not loaded(texts, "vault1", tmp_path).polls


def test_no_secret_is_anywhere_but_in_its_file(texts: Rendered):
    for host, files in texts.items():
        for name, text in files.items():
            found = any(secret in text for secret in (COMMUNITY, *KEYS))
            assert found == ((host, name) == ("appliance1", "agent/snmp.json")), f"{host} {name}"


def test_only_who_asks_devices_may_reach_them_and_hear_traps(texts: Rendered, plain: Rendered):
    unit = texts["appliance1"]["agent/xinglin-agent.service"]
    assert "LoadCredential=snmp.json:/etc/xinglin/secrets/snmp.json\n" in unit
    assert "AmbientCapabilities=CAP_NET_BIND_SERVICE\n" in unit
    allowed = unit.partition("IPAddressAllow=")[2].partition("\n")[0].split()
    devices = ["198.18.0.150", "198.18.0.151", "198.18.0.140", "198.18.0.210", "198.18.0.211"]
    assert allowed == ["localhost", "198.18.0.10", "198.18.0.10", *devices]
    for other in (texts["his1"], plain["appliance1"]):
        unit = other["agent/xinglin-agent.service"]
        assert "CAP_NET_BIND_SERVICE" not in unit
        assert "snmp.json" not in unit
        assert "198.18.0.150" not in unit


def test_a_clinic_without_devices_has_no_key_of_them(plain: Rendered):
    keys = set(json.loads(plain["appliance1"]["agent/agent.json"]))
    assert keys & {"snmp", "probes"} == set()
    assert json.loads(plain["appliance1"]["agent/snmp.json"]) == {}


def test_a_secret_that_is_missing_is_a_clear_mistake(texts: Rendered, tmp_path: Path):
    secrets = json.loads(texts["appliance1"]["agent/snmp.json"])
    del secrets["sw-core"]
    (tmp_path / "snmp.json").write_text(json.dumps(secrets))
    (tmp_path / "agent.json").write_text(texts["appliance1"]["agent/agent.json"])
    with pytest.raises(AgentError, match=r"sw-core has no credentials in snmp\.json"):
        load_config(tmp_path / "agent.json", {"CREDENTIALS_DIRECTORY": str(tmp_path)})


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_the_unit_stays_closed(texts: Rendered, tmp_path: Path):
    unit = tmp_path / "xinglin-agent.service"
    unit.write_text(texts["appliance1"]["agent/xinglin-agent.service"])
    command = ["systemd-analyze", "security", "--offline=true", "--threshold=25", str(unit)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
