"""NUT's driver for SNMP runs with the role's own ups.conf: v3 with SHA-256 and AES-128, and v2c."""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.nut.rig import PROGRAMS
from tests.playbooks.rendered import render
from tests.simulator import V3_AUTH_KEY, V3_PRIVACY_KEY, V3_USER, running_simulator

UPS_MIB = """\
1.3.6.1.2.1.1.2.0|6|1.3.6.1.2.1.33
1.3.6.1.2.1.33.1.1.1.0|4|Stand-in
1.3.6.1.2.1.33.1.1.2.0|4|Recorded
1.3.6.1.2.1.33.1.2.1.0|2|2
1.3.6.1.2.1.33.1.2.4.0|2|87
1.3.6.1.2.1.33.1.4.1.0|2|3
"""
V3 = {"version": "v3", "user": V3_USER, "auth_key": "vault_auth", "privacy_key": "vault_privacy"}
V2C = {"version": "v2c", "community": "vault_community"}
COMMUNITY = 'of #1 "test"'


def over_snmp(name: str, snmp: dict[str, str]) -> dict[str, Any]:
    place = {"address": "198.18.0.150", "zone": "mgmt"}
    return {
        "name": name,
        "name_zh": "大厅",
        "driver": "snmp",
        "connected_to": "appliance1",
        "powers": [],
        **place,
        "snmp": snmp,
    }


def test_the_driver_reads_a_ups_with_the_roles_settings(tmp_path: Path):
    if not (PROGRAMS / "snmp-ups").exists():
        pytest.skip("snmp-ups is not installed: apt-get install nut-snmp")
    secrets = {"vault_auth": V3_AUTH_KEY, "vault_privacy": V3_PRIVACY_KEY, "vault_community": COMMUNITY}
    other = {"ups": [over_snmp("hall-ups", V3), over_snmp("attic-ups", V2C)], **secrets}
    conf = render(tmp_path / "rendered", ["ups"], other=other)["appliance1"]["ups/ups.conf"]
    assert "大厅" not in conf
    (tmp_path / "simulator").mkdir()
    with running_simulator(
        tmp_path / "simulator", {"device": UPS_MIB, COMMUNITY: UPS_MIB}, nameless="device"
    ) as simulator:
        (tmp_path / "ups.conf").write_text(conf.replace("198.18.0.150:161", f"127.0.0.1:{simulator.port}"))
        for name in ("hall-ups", "attic-ups"):
            done = subprocess.run(
                [PROGRAMS / "snmp-ups", *(["-u", "root"] if os.geteuid() == 0 else []), "-a", name, "-d", "1"],
                env={**os.environ, **dict.fromkeys(("NUT_CONFPATH", "NUT_STATEPATH", "NUT_ALTPIDPATH"), str(tmp_path))},
                capture_output=True, text=True, timeout=30, check=False,
            )  # fmt: skip
            assert "battery.charge: 87" in done.stdout, done.stderr
            assert "ups.status: OL" in done.stdout
            shown = [secret for secret in secrets.values() if secret in done.stdout + done.stderr]
            assert not shown, "whoever reads upsd sees a driver's settings"
