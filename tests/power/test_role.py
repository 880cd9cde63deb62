"""The role ``ups`` renders the power daemon's plan from the facility, and units that systemd takes."""

import re
import subprocess
from pathlib import Path

import pytest

from agent.power.config import load_config
from playbooks.filter_plugins.power import power_upses
from tests.playbooks.rendered import SECRETS, Rendered, render

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
