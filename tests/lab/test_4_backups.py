"""Backups on real hosts: readable by plain restic, refused deletion, proved by restoring, healed after a power cut."""

import time
from pathlib import Path

import pytest

from backup.status import Outcome, Verdict
from tests.lab.clinic import backup_runs, host_state, proofs
from tests.lab.errors import LabError
from tests.lab.eventually import eventually
from tests.lab.host import Host
from tests.lab.lab import Lab
from tests.lab.plain_restic import attempt, require_clean, restic, snapshots

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("nights_by_hand")]

CHECKOUT = Path(__file__).parents[2]
TABLES = "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname !~ '^(pg_|information)'"


def test_the_first_backup_succeeded_locally_and_offsite(his: Host):
    run = backup_runs(his)[0]
    assert run.outcome is Outcome.SUCCESS
    assert run.snapshot_id in snapshots(his, "local")
    assert run.offsite_snapshot_id in snapshots(his, "offsite")


def test_plain_restic_checks_both_repositories_clean(his: Host, appliance: Host):
    for host in (his, appliance):
        for where in ("local", "offsite"):
            assert "no errors were found" in restic(host, where, "check")


def test_the_restore_was_proved_against_the_manifest(his: Host):
    proof = proofs(his)[0]
    assert proof.verdict is Verdict.PASSED
    assert proof.rto_seconds is not None
    assert proof.rpo_seconds is not None
    assert proof.snapshot_id in snapshots(his, proof.repository)
    assert any("tables" in assertion.id for assertion in proof.assertions)
    assert {assertion.status for assertion in proof.assertions} == {Verdict.PASSED}


PLAIN = """
set -eu
rm -rf /root/plain; mkdir /root/plain; cd /root/plain
apt-get install -y -qq -o DPkg::Lock::Timeout=300 postgresql-15 >/dev/null
pg_createcluster --start --port 5499 15 plain -- --auth=trust >/dev/null
export PGPORT=5499 PGUSER=postgres PGHOST=localhost
cp /etc/xinglin/pki/ca.crt ca.crt
"""
ASK = "SELECT count(*), md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {table} t"


def test_what_the_readme_says_brings_the_his_back_without_our_software(his: Host, vault: Host):
    text = (CHECKOUT / "README.md").read_text(encoding="utf-8")
    chapter = text[text.index("### Without our software") :]
    block = chapter[chapter.index("```sh\n") + 6 : chapter.index("\n```\n")]
    password = his.run("cat", "/etc/xinglin/secrets/repository.password").strip()
    http = his.run("cat", "/etc/xinglin/secrets/offsite.http-password").strip()
    for name, value in (("VAULT", vault.address), ("PASSWORD=…", f"PASSWORD={http}"), ("=…", f"={password}")):
        assert name in block
        block = block.replace(name, value, 1)
    try:
        his.run("bash", stdin=PLAIN + block, timeout_seconds=600)
        tables = his.run("runuser", "-u", "postgres", "--", "psql", "-qAt", "his", "-c", TABLES).split()
        assert tables
        for table in tables:
            live, plain = (
                his.run("runuser", "-u", "postgres", "--", "psql", "-qAtp", port, "his", "-c", ASK.format(table=table))
                for port in ("5432", "5499")
            )
            assert plain == live, table
        assert his.run("cat", "/root/plain/restored/etc/hostname").strip() == "his1"
    finally:
        his.attempt("pg_dropcluster", "--stop", "15", "plain")
        his.run("rm", "-rf", "/root/plain")


def test_the_vault_refuses_a_delete_with_the_hosts_key(his: Host):
    before = snapshots(his, "offsite")
    victim = min(before)
    said = attempt(his, "offsite", "forget", victim, "--prune")
    assert before <= snapshots(his, "offsite"), f"restic said: {said}"


def test_a_power_cut_in_the_middle_of_a_backup_heals_with_the_next_run(clinic: Lab, his: Host):
    known = {run.run_id for run in backup_runs(his)}
    his.run("dd", "if=/dev/urandom", "of=/etc/ballast", "bs=1M", "count=400", "status=none")
    his.run("systemctl", "start", "--no-block", "xinglin-backup.service")
    cut = _wait_until_data_flows(his, known)
    his.kill()
    eventually("the console tells that his1 is gone", lambda: host_state(clinic, "his1") != "ok")
    his.boot()
    his.run("systemctl", "start", "xinglin-backup.service", timeout_seconds=600)
    runs = backup_runs(his)
    assert runs[0].outcome is Outcome.SUCCESS
    assert {run.run_id: run.outcome for run in runs}[cut] is Outcome.INTERRUPTED
    require_clean(his)
    his.run("rm", "/etc/ballast")


def _wait_until_data_flows(host: Host, known: set[str]) -> str:
    """Return the id of the new run once it is sending data; a host's file system sends this machine no event."""
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        for run in backup_runs(host):
            if run.run_id not in known and any(step.name == "backup" for step in run.steps):
                return run.run_id
        time.sleep(0.05)
    raise AssertionError("the backup never began to send data")


def test_a_full_repository_is_named_and_the_next_run_heals(his: Host, appliance: Host):
    repository = "/var/lib/xinglin/repository/his1"
    # At rest: a proof or a WAL run would make and remove its locks meanwhile, and its clients try again.
    appliance.run(
        "bash",
        "-ec",
        f"""
        systemctl stop xinglin-repository.service xinglin-watch.service
        used=$(du -sm {repository} | cut -f 1)
        mkdir -p /mnt/small && mount -t tmpfs -o "size=$((used + 20))m" tmpfs /mnt/small
        cp -a {repository}/. /mnt/small/
        chown --reference={repository} /mnt/small
        chmod --reference={repository} /mnt/small
        systemctl start xinglin-repository.service
        mount --bind /mnt/small {repository}""",
    )
    try:
        his.run("dd", "if=/dev/urandom", "of=/etc/ballast", "bs=1M", "count=100", "status=none")
        with pytest.raises(LabError):
            his.run("systemctl", "start", "xinglin-backup.service", timeout_seconds=600)
        run = backup_runs(his)[0]
        assert run.outcome is Outcome.FAILED
        assert run.cause is not None
        assert run.cause.code == "repository_full"
    finally:
        # The failed night is followed by its proof, and whoever reads there keeps the disk busy.
        appliance.run(
            "bash",
            "-ec",
            f"""
            systemctl stop xinglin-repository.service xinglin-watch.service
            umount {repository}; umount /mnt/small
            systemctl start xinglin-repository.service""",
        )
        his.run("rm", "-f", "/etc/ballast")
    his.run("systemctl", "start", "xinglin-backup.service", timeout_seconds=600)
    assert backup_runs(his)[0].outcome is Outcome.SUCCESS
    assert "no errors were found" in restic(his, "local", "check")
