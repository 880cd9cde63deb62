"""The playbooks against real hosts: check first, set up, and then nothing is left to change."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.lab.clinic import Arrival, console_status, first_login
from tests.lab.eventually import eventually
from tests.lab.facility import EXAMPLE
from tests.lab.lab import Lab

pytestmark = pytest.mark.lab

CHECKOUT = EXAMPLE.parents[1]


def provision(facility: Path, *arguments: str, checkout: Path = CHECKOUT) -> "subprocess.CompletedProcess[str]":
    """`xinglin provision` as a person runs it."""
    command = [sys.executable, str(checkout / "xinglin.py"), "provision", str(facility), *arguments]
    return subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False, timeout=900)


def test_check_on_fresh_hosts_does_not_fail_and_changes_nothing(bare_lab: Lab):
    done = provision(bare_lab.facility_directory, "--check")
    assert done.returncode == 0, done.stdout + done.stderr
    for host in bare_lab.hosts:
        assert host.attempt("test", "-e", "/etc/xinglin").returncode != 0, host.name
        assert host.attempt("id", "xinglin-ops").returncode != 0, host.name


def test_the_clinic_comes_up_from_bare_debian(arrival: Arrival):
    assert arrival.changed_tasks > 50
    assert set(arrival.backed_up) == set(arrival.proved) == {"appliance1", "his1"}
    assert first_login(arrival.lab)


def test_hosts_got_their_packages_without_a_route_to_the_outside(clinic: Lab):
    for name in ("his1", "vault1"):
        host = clinic.host(name)
        assert "3142" in host.run("cat", "/etc/apt/apt.conf.d/00-xinglin-cache")
        assert host.run("apt-get", "-qq", "update") == ""
        assert host.attempt("timeout", "3", "bash", "-c", "exec 3<>/dev/tcp/198.19.255.1/9").returncode != 0
        assert host.run("/opt/xinglin/venv/bin/xinglin", "--help")


def test_a_second_run_changes_nothing_and_the_console_has_both(clinic: Lab):
    done = provision(clinic.facility_directory)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "successful, nothing to change" in done.stdout
    assert " 0 changed" in done.stdout
    check = provision(clinic.facility_directory, "--check")
    assert check.returncode == 0, check.stdout + check.stderr
    assert "nothing to change" in check.stdout


def test_no_password_opens_a_host_any_more(clinic: Lab):
    for host in clinic.hosts:
        settings = host.run("sshd", "-T").splitlines()
        assert "passwordauthentication no" in settings
        assert "permitrootlogin no" in settings


def test_clocks_follow_the_appliance(clinic: Lab):
    for host in (clinic.host("his1"), clinic.host("vault1")):
        tracking = partial(host.run, "chronyc", "tracking")
        eventually(f"{host.name} follows the appliance", partial(_contains, "Leap status     : Normal", tracking))


def _contains(text: str, say: Callable[[], str]) -> bool:
    return text in say()


def test_a_host_that_dies_during_a_run_is_named_and_the_others_go_on(clinic: Lab):
    vault = clinic.host("vault1")
    command = [sys.executable, str(CHECKOUT / "xinglin.py"), "provision", str(clinic.facility_directory)]
    run = subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert run.stderr is not None
    for line in run.stderr:
        if "Base system" in line:
            vault.kill()
            break
    said, _ = run.communicate(timeout=900)
    try:
        assert run.returncode == 1, said
        assert "vault1" in said
        assert "did not answer" in said
        for name in ("appliance1", "his1"):
            fate = next(line for line in said.splitlines() if line.startswith(name))
            assert "failed" not in fate
            assert "did not answer" not in fate
        assert "Next:" in said or "next" in said
    finally:
        vault.boot()
    healed = provision(clinic.facility_directory, "--limit", "vault1")
    assert healed.returncode == 0, healed.stdout + healed.stderr


def test_a_wrong_operator_key_is_refused_with_place_cause_and_next_step(clinic: Lab, tmp_path: Path):
    facility = tmp_path / "facility"
    shutil.copytree(clinic.facility_directory, facility)
    for path in facility.glob("operator_ed25519*"):
        path.unlink()
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", facility / "operator_ed25519"], check=True)
    done = provision(facility, "--limit", "his1")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "his1" in done.stdout
    assert "ermission denied" in done.stdout or "key" in done.stdout


def test_firewall_rules_that_would_lock_the_operator_out_take_themselves_back(clinic: Lab, tmp_path: Path):
    everywhere = shutil.ignore_patterns("__pycache__", ".*_cache")
    on_top = shutil.ignore_patterns(".git", ".venv", "facility", "docs")

    def left_out(directory: str, names: list[str]) -> set[str]:
        return everywhere(directory, names) | (on_top(directory, names) if directory == str(CHECKOUT) else set())

    broken = shutil.copytree(CHECKOUT, tmp_path / "broken", ignore=left_out)
    template = broken / "playbooks/roles/firewall/templates/nftables.conf.j2"
    rules = template.read_text(encoding="utf-8")
    template.write_text(
        rules.replace("\t\tct state vmap", "\t\ttcp dport 22 drop\n\t\tct state vmap"), encoding="utf-8"
    )
    his = clinic.host("his1")
    before = his.run("cat", "/etc/nftables.conf")
    done = provision(clinic.facility_directory, "--tags", "firewall", "--limit", "his1", checkout=broken)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "the host has its last good ruleset back" in done.stdout
    assert "tcp dport 22 drop" not in his.run("nft", "list", "ruleset")
    assert his.run("cat", "/etc/nftables.conf") == before
    healed = provision(clinic.facility_directory, "--tags", "firewall", "--limit", "his1")
    assert healed.returncode == 0, healed.stdout + healed.stderr


def test_the_console_sees_every_host_and_no_failed_run(clinic: Lab):
    eventually(
        "every host is ok on the console",
        lambda: {host["state"] for host in console_status(clinic)["hosts"]} == {"ok"},
    )
