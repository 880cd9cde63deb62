"""The role ``ups`` renders the power daemon's plan from the facility, and units that systemd takes."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from agent.power.config import load_config
from playbooks.filter_plugins.power import power_upses
from tests.playbooks.rendered import ROOT, SECRETS, Rendered, render

UNITS = ("xinglin-power.service", "xinglin-power-booted.service", "xinglin-power-ended.service")


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Rendered:
    return render(tmp_path_factory.mktemp("rendered"), ["ups"])


def test_the_appliance_gets_the_plan_of_the_facility(texts: Rendered, tmp_path: Path):
    path = tmp_path / "power.json"
    path.write_text(texts["appliance1"]["ups/xinglin-power.json"])
    config = load_config(path)
    (ups,) = config.upses
    assert [(stage.name, stage.latch, [host.name for host in stage.hosts]) for stage in ups.stages] == [
        ("workstations", "rack-ups-workstations", ["ws1"]),
        ("his", "rack-ups-his", ["his1"]),
        ("appliance", None, ["appliance1"]),
    ]
    assert ups.simulated
    assert all(re.fullmatch("(..:){5}..", host.mac) and host.broadcast for host in ups.hosts)
    assert [(check.name, check.tcp) for check in config.return_checks] == [("his-database", 5432)]
    sync = re.search(r"^HOSTSYNC (\d+)", texts["appliance1"]["ups/upsmon.conf"], re.MULTILINE)
    assert sync is not None
    assert ups.sync_seconds == float(sync[1])


def test_a_fed_device_has_no_agent_and_is_asked_from_outside(tmp_path: Path):
    (tmp_path / "rendered").mkdir()
    clinic = yaml.safe_load((ROOT / "inventory/qinghe/group_vars/all/facility.yml").read_text(encoding="utf-8"))
    clinic["ups"][0]["powers"] += ["desk1", "nas1"]
    clinic["shutdown_stages"][0]["hosts"] += ["desk1", "nas1"]
    clinic["devices"] = [
        {"name": "desk1", "name_zh": "收费", "kind": "other", "address": "198.18.0.201", "zone": "staff", "tcp": 3389},
        {"name": "nas1", "name_zh": "存储", "kind": "other", "address": "198.18.0.20", "zone": "servers",
         "mac": "02:00:c6:12:00:14"},
    ]  # fmt: skip
    changed = {key: clinic[key] for key in ("ups", "shutdown_stages", "devices")}
    texts = render(tmp_path / "rendered", ["ups"], other=changed)
    path = tmp_path / "power.json"
    path.write_text(texts["appliance1"]["ups/xinglin-power.json"])
    hosts = {host.name: host for host in load_config(path).upses[0].hosts}
    asked = {name: (host.asked, host.broadcast, host.mac) for name, host in hosts.items() if not host.agent}
    assert asked == {
        "desk1": ("tcp/3389", "198.18.0.255", ""),
        "nas1": ("icmp", "198.18.0.63", "02:00:c6:12:00:14"),
    }
    users = texts["appliance1"]["ups/upsd.users"]
    assert "[desk1]" in users
    assert "[nas1]" in users


def test_no_secret_is_in_what_anybody_may_read(texts: Rendered):
    for host in texts:
        for name, text in texts[host].items():
            if "xinglin-power" in name:
                assert not [secret for secret in SECRETS.values() if str(secret) in text]


def test_a_ups_that_does_not_feed_its_own_host_has_no_plan():
    ups = {"name": "u", "driver": "usb", "connected_to": "a", "powers": ["b"]}
    assert power_upses([ups], [{"name": "s", "hosts": ["b"]}], "a", {}, []) == []


@pytest.mark.parametrize("unit", UNITS)
def test_systemd_takes_the_unit(texts: Rendered, tmp_path: Path, unit: str):
    text = texts["appliance1"][f"ups/{unit}"]
    text = re.sub(r"^(ExecStart|ExecStop)=.*", r"\1=/bin/true", text, flags=re.MULTILINE)
    (tmp_path / unit).write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(tmp_path / unit)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, [line for line in done.stderr.splitlines() if unit in line]) == (0, [])
