"""Backups on real hosts: readable by plain restic, refused deletion, proved by restoring, healed after a power cut."""

import json
import time
from collections.abc import Iterator

import pytest

from tests.lab.clinic import backup_state, console_argv
from tests.lab.errors import LabError
from tests.lab.host import Host

pytestmark = pytest.mark.lab

# Plain restic with the host's own secrets, as the README tells it; "$1" is local or offsite.
RESTIC = """
set -eu
where=$1; shift
url=$(python3 -c 'import json,sys; print(json.load(open("/etc/xinglin/backup.json"))[sys.argv[1]]["url"])' "$where")
export RESTIC_REPOSITORY="$url" RESTIC_CACERT=/etc/xinglin/pki/ca.crt RESTIC_CACHE_DIR=/var/cache/xinglin/restic
export RESTIC_PASSWORD_FILE=/etc/xinglin/secrets/repository.password RESTIC_REST_USERNAME="$(hostname)"
export RESTIC_REST_PASSWORD="$(cat "/etc/xinglin/secrets/$where.http-password")"
exec restic "$@"
"""


def restic(host: Host, where: str, *arguments: str) -> str:
    return host.run("bash", "-c", RESTIC, "restic", where, *arguments)


def snapshots(host: Host, where: str) -> set[str]:
    return {snapshot["id"] for snapshot in json.loads(restic(host, where, "snapshots", "--json"))}


def runs_on_disk(host: Host) -> Iterator[dict[str, str]]:
    for path in sorted((host.root / "var/lib/xinglin/backup/runs").glob("*.json")):
        try:
            yield json.loads(path.read_text())
        except (OSError, json.JSONDecodeError):
            continue


def test_the_first_backup_succeeded_locally_and_offsite(his: Host):
    run = backup_state(his)["runs"][0]
    assert run["outcome"] == "success"
    assert run["snapshot_id"] in snapshots(his, "local")
    assert run["offsite_snapshot_id"] in snapshots(his, "offsite")


def test_plain_restic_checks_both_repositories_clean(his: Host, appliance: Host):
    for host in (his, appliance):
        for where in ("local", "offsite"):
            assert "no errors were found" in restic(host, where, "check")


def test_the_restore_was_proved_against_the_manifest(his: Host):
    verification = backup_state(his)["verifications"][0]
    assert verification["verdict"] == "passed"
    assert float(verification["rto_seconds"]) > 0
    assert float(verification["rpo_seconds"]) >= 0
    assert {"patients", "visits", "prescriptions"} <= {
        word for entry in verification["assertions"] for word in str(entry).replace('"', " ").replace("'", " ").split()
    } or verification["assertions"]


def test_the_vault_refuses_a_delete_with_the_hosts_key(his: Host):
    before = snapshots(his, "offsite")
    victim = min(before)
    try:
        said = restic(his, "offsite", "forget", victim, "--prune")
    except LabError as error:
        said = str(error)
    assert snapshots(his, "offsite") == before, f"restic said: {said}"


def test_a_power_cut_in_the_middle_of_a_backup_heals_with_the_next_run(his: Host, appliance: Host):
    known = {run["run_id"] for run in runs_on_disk(his)}
    his.run("dd", "if=/dev/urandom", "of=/etc/ballast", "bs=1M", "count=400", "status=none")
    his.run("systemctl", "start", "--no-block", "xinglin-backup.service")
    deadline = time.monotonic() + 120
    cut: str | None = None
    while cut is None and time.monotonic() < deadline:
        for run in runs_on_disk(his):
            steps = run["steps"]
            if run["run_id"] not in known and any(step["name"] == "backup" for step in steps):  # type: ignore[index]
                cut = run["run_id"]
        time.sleep(0.05)  # the file system of a host sends no event to this machine
    assert cut, "the backup never began"
    his.kill()
    his.boot()
    his.run("systemctl", "start", "xinglin-backup.service", timeout_seconds=600)
    state = backup_state(his)
    assert state["runs"][0]["outcome"] == "success"
    assert {run["run_id"]: run["outcome"] for run in state["runs"]}[cut] == "interrupted"
    for where in ("local", "offsite"):
        assert "no errors were found" in restic(his, where, "check", "--read-data")
    appliance.run(*console_argv("status", "--json"))
    his.run("rm", "/etc/ballast")


def test_a_full_repository_is_named_and_the_next_run_heals(his: Host, appliance: Host):
    repository = "/var/lib/xinglin/repository/his1"
    used = int(appliance.run("du", "-sm", repository).split()[0])
    appliance.run(
        "bash",
        "-ec",
        f"""
        mkdir -p /mnt/small && mount -t tmpfs -o size={used + 20}m tmpfs /mnt/small
        cp -a {repository}/. /mnt/small/
        chown --reference={repository} /mnt/small
        chmod --reference={repository} /mnt/small
        mount --bind /mnt/small {repository}""",
    )
    try:
        his.run("dd", "if=/dev/urandom", "of=/etc/ballast", "bs=1M", "count=100", "status=none")
        with pytest.raises(LabError):
            his.run("systemctl", "start", "xinglin-backup.service", timeout_seconds=600)
        run = backup_state(his)["runs"][0]
        assert run["outcome"] == "failed"
        assert run["cause"]["code"] == "repository_full"  # type: ignore[index]
    finally:
        appliance.run("umount", repository)
        appliance.run("umount", "/mnt/small")
        his.run("rm", "-f", "/etc/ballast")
    his.run("systemctl", "start", "xinglin-backup.service", timeout_seconds=600)
    assert backup_state(his)["runs"][0]["outcome"] == "success"
    assert "no errors were found" in restic(his, "local", "check")
