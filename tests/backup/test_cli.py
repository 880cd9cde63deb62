"""The commands as a person and systemd run them: what they print, and their exit codes."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

from backup.postgres.postgresql import Database
from tests.backup.clinic_host import ClinicHost

CHECKOUT = Path(__file__).parents[2]


def xinglin(host: ClinicHost, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "xinglin.py", "backup", *arguments, "--config", str(host.config_path)]
    return subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=300, check=False)


def test_a_clinic_from_no_repository_to_a_proved_backup(host: ClinicHost, cluster: Database) -> None:
    host.with_database(cluster)
    for server in (host.local_server, host.offsite_server):
        shutil.rmtree(server.data / "his1")
    assert (xinglin(host, "init").stdout, xinglin(host, "init").stdout) == ("changed\n", "unchanged\n")
    before = xinglin(host, "status")
    assert before.returncode == 1
    assert "never run. Next step: xinglin backup run" in before.stdout
    night = xinglin(host, "run", "--due")
    assert night.returncode == 0, night.stderr
    assert "check_offsite: success" in night.stdout
    assert "INFO backup.night.recorder" in night.stderr
    unproved = xinglin(host, "status")
    assert unproved.returncode == 1
    assert "never proved by a restore from offsite" in unproved.stdout
    proof = xinglin(host, "verify", "--due")
    assert proof.returncode == 0, proof.stdout
    local, offsite = re.findall(r"restore test .* \((\w+)\): passed, (\d+) of (\d+) assertions hold", proof.stdout)
    assert (local[0], offsite[0]) == ("local", "offsite")
    assert int(local[1]) == int(local[2]) == int(offsite[1]) + 4, "the self-test, on the week's first proof only"
    assert xinglin(host, "verify", "--due").stdout == ""
    (host.root / "state/runs/20990101T000000Z-his-aaaaaa.json").write_text('{"schema": 1, "run')
    after = xinglin(host, "status", "--json")
    assert after.returncode == 0
    standing = json.loads(after.stdout)
    assert standing["policies"][0]["good"] is True
    assert standing["policies"][0]["last_verification"]["verdict"] == "passed"
    assert "20990101T000000Z-his-aaaaaa.json" in standing["unreadable"][0]
    assert xinglin(host, "heal").stdout == "unchanged\n"


def test_a_vault_that_is_off_does_not_keep_the_local_repository_from_being_made(host: ClinicHost) -> None:
    host.with_files()
    shutil.rmtree(host.local_server.data / "his1")
    host.offsite_server.stop()
    made = xinglin(host, "init")
    assert (made.returncode, made.stdout) == (1, "changed\n")
    assert "offsite" in made.stderr
    assert "Next step:" in made.stderr
    host.offsite_server.start()
    assert (xinglin(host, "init").returncode, xinglin(host, "init").stdout) == (0, "unchanged\n")


def test_a_failure_says_what_where_and_what_next(host: ClinicHost) -> None:
    host.with_files()
    (host.local_server.data / "his1").rename(host.root / "gone")
    night = xinglin(host, "run")
    assert night.returncode == 3
    assert "There is no backup repository [repository_missing]" in night.stdout
    assert f"local {host.local_server.url.removeprefix('rest:')} holds no restic repository" in night.stdout
    assert "Next step: Run: xinglin backup init" in night.stdout
    for output in (night.stdout, night.stderr):
        assert host.local_server.http_password not in output
        assert "Traceback" not in output


def test_an_offsite_vault_that_is_off_is_exit_code_one(host: ClinicHost) -> None:
    host.with_files()
    host.offsite_server.stop()
    night = xinglin(host, "run")
    assert night.returncode == 1
    assert "copy: warning" in night.stdout
    assert "The local backup is good" in night.stdout


def test_wrong_usage_is_exit_code_two(host: ClinicHost) -> None:
    host.with_files()
    unknown = xinglin(host, "run", "--policy", "pacs")
    assert unknown.returncode == 2
    assert "this host has no such policy; it has: his" in unknown.stderr
    host.config_path.write_text("{")
    assert xinglin(host, "status").returncode == 2


def test_an_old_restic_is_refused(host: ClinicHost, tmp_path: Path) -> None:
    old = tmp_path / "bin/restic"
    old.parent.mkdir()
    old.write_text("#!/bin/sh\necho 'restic 0.14.0 compiled with go1.19.8 on linux/amd64'\n")
    old.chmod(0o755)
    host.with_files()
    night = subprocess.run(
        [sys.executable, "xinglin.py", "backup", "run", "--config", str(host.config_path)],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"PATH": f"{old.parent}:/usr/bin:/bin"},
    )
    assert night.returncode == 3
    assert "0.18.0 or newer is needed, found: restic 0.14.0" in night.stdout


def test_the_timer_runs_only_what_is_due_and_a_person_whatever_is_asked_for(host: ClinicHost) -> None:
    host.with_files()
    first = xinglin(host, "run", "--due")
    assert (first.returncode, first.stdout.count("backup 20")) == (0, 1)
    again = xinglin(host, "run", "--due")
    assert (again.returncode, again.stdout) == (0, "")
    assert xinglin(host, "run").stdout.count("backup 20") == 1


def test_a_failed_policy_is_tried_once_a_round_and_three_times_a_slot(host: ClinicHost) -> None:
    host.configure([{"paths": [str(host.root / "gone")]}])
    rounds = [xinglin(host, "run", "--due") for _ in range(4)]
    assert [(done.returncode, done.stdout.count("source_missing")) for done in rounds] == [
        (3, 1),
        (3, 1),
        (3, 1),
        (0, 0),
    ]
