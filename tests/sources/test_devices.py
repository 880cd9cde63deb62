"""Devices' configurations through a real sshd.  Debian answers itself; OpenWrt and VRP are stand-ins and say so."""

import fcntl
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from backup.errors import BackupError
from backup.process import end
from backup.sources.devices import ssh, store
from backup.sources.devices.platforms import PLATFORMS, cut_out, fault, meaning
from backup.sources.devices.source import DevicesSource
from backup.sources.devices.ssh import Device
from tests.sources.rig import Rig
from tests.sources.sshd import Sshd, sshd

VRP = "!Software Version V200R021C00\n#\nsysname SW-1\n#\n" + "vlan 20\n description 门诊\n#\n" * 40 + "return\n"
UCI = "package system\n\nconfig system\n\toption hostname 'ap-ward'\n"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Sshd]:
    with sshd(tmp_path / "sshd") as running:
        yield running


@pytest.fixture
def switch(tmp_path: Path) -> Path:
    path = tmp_path / "switch.cfg"
    path.write_text(VRP)
    return path


@pytest.fixture
def access_point(tmp_path: Path) -> Path:
    (tmp_path / "ap/etc/config").mkdir(parents=True)
    (tmp_path / "ap/etc/config/system").write_text("config system\n")
    (tmp_path / "ap/uci").write_text(UCI)
    return tmp_path / "ap"


def test_devices_are_captured_and_proved(rig: Rig, server: Sshd, switch: Path, access_point: Path):
    source = DevicesSource((server.vrp("sw-core", switch), server.openwrt("ap-ward", access_point)))
    part, stored = rig.capture(source)
    files = sorted(path.name for path in (rig.works[0].staging / "devices").iterdir())
    assert files == ["ap-ward.tar.gz", "ap-ward.uci", "sw-core.cfg"]
    assert (rig.works[0].staging / "devices/sw-core.cfg").read_text() == VRP
    assert [entry["changed"] for entry in part.manifest["devices"]] == [True, True]
    assert rig.works[0].notes.warning is None
    assert len(rig.prove(source, part, stored).assertions) == 2


def test_debian_itself_gives_its_firewall_and_network_files(server: Sshd):
    if not shutil.which("nft"):
        pytest.skip("nft is not installed (apt-get install nftables)")
    own = "unshare --net sh -c 'nft add table inet hospital; eval \"$SSH_ORIGINAL_COMMAND\"'"
    found = ssh.fetch(server.device("gw1", "debian", own))
    assert found["nft"].startswith(b"table inet hospital {")
    listed = subprocess.run(["tar", "-t"], input=found["tar"], capture_output=True, check=True, timeout=30).stdout
    assert b"etc/hosts" in listed


def test_a_silent_device_keeps_its_last_good_configuration_and_is_a_warning(
    rig: Rig, server: Sshd, switch: Path, access_point: Path
):
    source = DevicesSource((server.vrp("sw-core", switch), server.openwrt("ap-ward", access_point)))
    first, _ = rig.capture(source)
    switch.write_text(VRP.replace("门诊", "住院"))
    second, _ = rig.capture(source)
    assert [entry["changed"] for entry in second.manifest["devices"]] == [True, False]
    server.process.terminate()
    end(server.process)
    third, stored = rig.capture(source)
    warning = rig.works[-1].notes.warning
    assert warning is not None
    assert warning.code == "device_silent"
    entries = third.manifest["devices"]
    assert f"kept: that of {entries[0]['fetched_at']}" in warning.detail
    assert [entry["stale"] for entry in entries] == [True, True]
    assert entries[0]["files"] == second.manifest["devices"][0]["files"] != first.manifest["devices"][0]["files"]
    rig.prove(source, third, stored)


def test_a_device_that_hangs_up_after_its_prompt_is_silent_and_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """What it was told then goes nowhere, which must not end the night of all the others."""
    hung_up = tmp_path / "ssh"
    hung_up.write_text("#!/bin/sh\nexec 0<&-\nprintf '<SW-1>'\nexec sleep 600\n")
    hung_up.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    gone = Device("sw-core", "huawei_vrp", "127.0.0.1", "root", tmp_path / "key", tmp_path / "known_hosts")
    with pytest.raises(BackupError) as caught:
        ssh.fetch(gone)
    assert (caught.value.cause.code, caught.value.cause.detail) == ("device_silent", "the session ended")


def test_a_read_that_ends_behind_angles_in_a_line_is_no_prompt(tmp_path: Path):
    """A description may look like a prompt, and what is read at once may end there."""
    read_end, write_end = os.pipe()
    fcntl.fcntl(write_end, fcntl.F_SETPIPE_SZ, 1 << 18)
    line = "\n description to <core>"
    first = VRP.ljust((1 << 16) - len(line.encode()) - len(VRP.encode()) + len(VRP), "#") + line
    with os.fdopen(write_end, "w", encoding="utf-8") as device:
        device.write(first + "\nreturn\n<SW-1>")
    switch = Device("sw-core", "huawei_vrp", "127.0.0.1", "root", tmp_path / "key", tmp_path / "known_hosts")
    with os.fdopen(read_end, "rb") as shown, (tmp_path / "stderr").open("w+b") as stderr:
        deadline = time.monotonic() + 60
        assert ssh._until_prompt(switch, PLATFORMS["huawei_vrp"], shown, stderr, deadline).endswith("<core>\nreturn")


@pytest.mark.parametrize(
    "content", ["", "#\nsysname SW-1\n", "Error: You do not have permission to run the command.\n"]
)
def test_an_empty_or_cut_or_refused_configuration_is_refused(rig: Rig, server: Sshd, switch: Path, content: str):
    source = DevicesSource((server.vrp("sw-core", switch),))
    good, _ = rig.capture(source)
    switch.write_text(content)
    part, _ = rig.capture(source)
    warning = rig.works[-1].notes.warning
    assert warning is not None
    assert warning.code == "device_answer_wrong"
    assert part.manifest["devices"][0]["files"] == good.manifest["devices"][0]["files"]


def test_another_host_key_and_a_refused_key_are_told(server: Sshd, switch: Path, tmp_path: Path):
    device = server.vrp("sw-core", switch)
    (tmp_path / "other").write_text((server.root / "known_hosts").read_text())
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "k")], check=True, timeout=30)
    (tmp_path / "other").write_text(f"[127.0.0.1]:{server.port} {(tmp_path / 'k.pub').read_text()}")
    for changed, code in (
        (replace(device, known_hosts_file=tmp_path / "other"), "device_key_changed"),
        (replace(device, known_hosts_file=tmp_path / "none"), "device_key_changed"),
        (replace(device, key_file=tmp_path / "k"), "device_refused"),
    ):
        with pytest.raises(BackupError) as caught:
            ssh.fetch(changed)
        assert caught.value.cause.code == code


def test_a_changed_file_in_the_backup_is_told(rig: Rig, server: Sshd, switch: Path):
    source = DevicesSource((server.vrp("sw-core", switch),))
    part, stored = rig.capture(source)
    part.manifest["devices"][0]["files"][0]["sha256"] = "0" * 64
    with pytest.raises(BackupError, match="manifest_mismatch"):
        rig.prove(source, part, stored)


def test_a_kept_configuration_that_was_altered_is_not_kept(tmp_path: Path):
    store.keep(tmp_path, "sw", "m", {"cfg": b"#\n"}, platform="huawei_vrp", moment="2026-01-01T00:00:00.000Z")
    assert store.kept(tmp_path, "sw")
    (tmp_path / "sw.cfg").write_bytes(b"##")
    assert store.kept(tmp_path, "sw") is None
    assert json.loads((tmp_path / "sw.json").read_text())["files"][0][0] == "sw.cfg"


RGOS = "show running-config\n\nBuilding configuration...\nCurrent configuration : 42 bytes\n\n!\nhostname R\n!\nend\n\n"
COMWARE = "display current-configuration\n#\n version 7.1.070\n#\n sysname C\n#\nreturn\n"


@pytest.mark.parametrize(("platform", "shown"), [("ruijie_rgos", RGOS), ("h3c_comware", COMWARE)])
def test_a_text_of_another_vendor_is_cut_out_and_known_again(platform: str, shown: str):
    (output,) = PLATFORMS[platform].outputs
    content = cut_out(output, shown)
    assert fault(output, content) == ""
    assert not content.startswith(b"show")
    later = content.replace(b"42 bytes", b"43 bytes")
    assert meaning(PLATFORMS[platform], output, content) == meaning(PLATFORMS[platform], output, later)
    with pytest.raises(ValueError, match="missing"):
        cut_out(output, shown.rpartition("end" if platform == "ruijie_rgos" else "return")[0])
