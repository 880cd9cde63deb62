"""The real upsmon with the role's own files: who goes down when, in which order, and whom it trusts."""

import os
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from agent.nut.client import NutClient
from playbooks.filter_plugins.ups import nut_password
from tests.agent.pki import Authority
from tests.nut.rig import ALONE, ON_LINE, PROGRAMS, Rig, nss_database, running_rig
from tests.playbooks.rendered import SECRETS, Rendered, render

HOSTS = ("appliance1", "his1", "ws1")
WAIT_SECONDS = 60
LATCHES = ("rack-ups-workstations", "rack-ups-his")


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Rendered:
    return render(tmp_path_factory.mktemp("rendered"), ["ups"])


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory, texts: Rendered) -> Iterator[Rig]:
    """upsd of the example clinic's appliance."""
    latch = texts["appliance1"]["ups/latch.dev"]
    devices = {"rack-ups": ON_LINE, **dict.fromkeys(LATCHES, latch)}
    users = texts["appliance1"]["ups/upsd.users"]
    with running_rig(tmp_path_factory.mktemp("nut"), devices, name="appliance1", users=users) as running:
        yield running


@dataclass
class Monitor:
    """One host's upsmon; instead of shutting this machine down it writes ``down``."""

    process: subprocess.Popen[bytes]
    down: Path
    log: Path

    def down_at(self) -> float:
        """Wait for the shutdown command; returns when it ran (Unix seconds)."""
        deadline = time.monotonic() + WAIT_SECONDS
        while not self.down.exists():
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.02)
        return self.down.stat().st_mtime


@contextmanager
def monitor(rig: Rig, conf: str, ca: Path, directory: Path) -> Iterator[Monitor]:
    """Run upsmon with a rendered configuration, changed only where loopback and this machine demand it."""
    directory.mkdir()
    nss_database(directory / "nss", ca)
    down = directory / "down"
    conf = re.sub(r"(198\.18\.0\.10|127\.0\.0\.1):3493", f"127.0.0.1:{rig.port}", conf)
    conf = re.sub(r"^CERTHOST \S+", "CERTHOST 127.0.0.1", conf, flags=re.MULTILINE)
    conf = conf.replace("/etc/nut/nss", str(directory / "nss")).replace("/etc/killpower", str(directory / "killpower"))
    conf = conf.replace("/sbin/shutdown -h +0", f"touch {down}").replace("RUN_AS_USER nut", "RUN_AS_USER root")
    (directory / "upsmon.conf").write_text(conf)
    (directory / "upsmon.conf").chmod(0o600)
    environment = {**rig.environment, "NUT_CONFPATH": str(directory)}
    with (directory / "upsmon.log").open("wb") as log:
        process = subprocess.Popen([*ALONE, PROGRAMS / "upsmon", "-p", "-F"], env=environment, stdout=log, stderr=log)
    try:
        yield Monitor(process, down, directory / "upsmon.log")
    finally:
        process.kill()
        process.wait()


def connect(rig: Rig) -> NutClient:
    power = NutClient.connect("127.0.0.1", rig.port, tls=None, server_name=None, timeout_seconds=30)
    power.authenticate("xinglin-power", nut_password(SECRETS["vault_nut_secret"], "appliance1", "xinglin-power"))
    return power


@pytest.mark.skipif(os.geteuid() != 0, reason="upsmon asks for root")
def test_a_stage_goes_by_its_latch_and_the_rest_by_the_battery_the_primary_last(
    rig: Rig, texts: Rendered, tmp_path: Path
):
    assert rig.authority is not None
    ca = rig.authority.certificate
    confs = {host: texts[host]["ups/upsmon.conf"] for host in HOSTS}
    with (
        monitor(rig, confs["appliance1"], ca, tmp_path / "appliance1") as primary,
        monitor(rig, confs["his1"], ca, tmp_path / "his1") as his,
        monitor(rig, confs["ws1"], ca, tmp_path / "ws1") as workstation,
        connect(rig) as power,
    ):
        rig.wait_until(lambda: len(power.clients("rack-ups")) == 3)
        rig.wait_until(lambda: [len(power.clients(latch)) for latch in LATCHES] == [1, 1])

        power.force_shutdown("rack-ups-workstations")
        first = workstation.down_at()
        rig.wait_until(lambda: len(power.clients("rack-ups")) == 2)
        assert not his.down.exists(), "its stage has not come"

        power.set_variable("rack-ups", "ups.status", "OB LB")
        second, last = his.down_at(), primary.down_at()
        assert first < second < last
        assert (tmp_path / "appliance1/killpower").exists(), "the UPS is to switch its outlets off"
        assert "FSD" in power.variables("rack-ups")["ups.status"].split()


@pytest.mark.skipif(os.geteuid() != 0, reason="upsmon asks for root")
def test_a_server_with_another_authoritys_certificate_gets_no_password(rig: Rig, texts: Rendered, tmp_path: Path):
    stranger = Authority(tmp_path / "stranger").certificate
    with monitor(rig, texts["his1"]["ups/upsmon.conf"], stranger, tmp_path / "his1") as his, connect(rig) as power:
        rig.wait_until(lambda: "certificate" in his.log.read_text())
        assert power.clients("rack-ups-his") == ()
        assert not his.down.exists()
