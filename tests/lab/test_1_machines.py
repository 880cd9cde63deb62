"""The lab itself: real machines that boot, lose power, don't collide and leave nothing behind."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lab import cgroup
from tests.lab import lab as labs
from tests.lab.errors import LabError
from tests.lab.host import NSPAWN_RUN
from tests.lab.lab import Lab

pytestmark = pytest.mark.lab

# A run that makes a second clinic, boots it, says so and then waits to be killed.
RUN = """
import os, sys, threading
from tests.lab import lab
with lab.held(lab.create(sys.argv[1])) as made:
    made.boot()
    print("up", made.slot, flush=True)
    threading.Event().wait()
"""


def traces(name: str, slot: int) -> list[str]:
    """All that a lab shows on this machine: processes, mounts, links, tables, files."""
    found = [line for line in Path("/proc/mounts").read_text().splitlines() if f"/{name}/" in line]
    found += [
        link.name for link in Path("/sys/class/net").iterdir() if link.name.startswith((f"xl{slot}-", f"vb-xl{slot}-"))
    ]
    tables = subprocess.run(["nft", "list", "tables"], capture_output=True, text=True, check=True).stdout
    found += [line for line in tables.splitlines() if line.endswith(f"xinglin_lab_{slot}")]
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if f"--machine=xl{slot}-".encode() in process.read_bytes():
                found.append(str(process))
        except OSError:
            continue
    found += [str(path) for path in NSPAWN_RUN.glob(f"*/xl{slot}-*")]
    for group in cgroup.groups_of(f"xl{slot}-"):
        found += [str(path) for path in group.parent.glob(f"{group.name}*")]
    found += [str(path) for path in (labs.STATE / name,) if path.exists()]
    return found


def test_every_host_is_a_running_debian_with_no_failed_unit(bare_lab: Lab):
    for host in bare_lab.hosts:
        assert host.run("systemctl", "is-system-running").strip() == "running", host.name
        assert host.run("hostname").strip() == host.name
    assert 'VERSION_ID="12"' in bare_lab.host("his1").run("cat", "/etc/os-release")
    assert 'VERSION_ID="13"' in bare_lab.host("vault1").run("cat", "/etc/os-release")


def test_only_the_appliance_has_a_way_out(bare_lab: Lab):
    outside = "exec 3<>/dev/tcp/198.19.255.1/9"  # nobody's address: the router must refuse, not the far end
    for name in ("his1", "vault1"):
        with pytest.raises(LabError, match="No route to host"):
            bare_lab.host(name).run("timeout", "3", "bash", "-c", outside)
        with pytest.raises(LabError):
            bare_lab.host(name).run("getent", "ahostsv4", "deb.example")
    bare_lab.host("his1").run("bash", "-c", f"exec 3<>/dev/tcp/{bare_lab.host('appliance1').address}/22")


def test_two_labs_do_not_collide_and_what_a_killed_run_left_is_cleaned(bare_lab: Lab):
    name = f"killed-{os.getpid()}"
    locks = set(NSPAWN_RUN.glob("locks/*"))
    run = subprocess.Popen([sys.executable, "-c", RUN, name], stdout=subprocess.PIPE, text=True)
    try:
        assert run.stdout is not None
        said = run.stdout.readline().split()
        assert said[:1] == ["up"], "the second lab did not come up"
        slot = int(said[1])
        assert slot != bare_lab.slot
        other = labs.find(name)
        assert other is not None
        assert {host.address for host in other.hosts}.isdisjoint(host.address for host in bare_lab.hosts)
        assert other.host("his1").run("hostname").strip() == "his1"
        assert bare_lab.host("his1").is_on
        labs.sweep()
        assert other.host("his1").is_on, "a lab whose run lives must be left alone"
    finally:
        run.send_signal(signal.SIGKILL)
        run.communicate()
    assert traces(name, slot)
    labs.sweep()
    assert traces(name, slot) == []
    assert set(NSPAWN_RUN.glob("locks/*")) <= locks
    assert bare_lab.host("his1").is_on, "another lab's host must be left alone"


def test_a_host_that_lost_its_power_keeps_its_disk_and_boots_again(bare_lab: Lab):
    host = bare_lab.host("vault1")
    host.run("sh", "-c", "echo kept > /root/note && sync")
    host.kill()
    assert not host.is_on
    with pytest.raises(LabError, match="the host is off"):
        host.run("true")
    host.boot()
    assert host.run("cat", "/root/note").strip() == "kept"
    assert host.run("systemctl", "is-system-running").strip() == "running"
