"""Records are kept until the appliance has them, and one facility has one run at a time."""

import getpass
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from playbooks import delivery
from playbooks.delivery import RunningAlreadyError, deliver, keep, only_run
from playbooks.login import Target
from playbooks.record import RunRecord
from tests.playbooks.rendered import ROOT

RECORD = RunRecord("20261123T024639Z-1", "site.yml", False, None, (), "root", "2026-11-23T02:46:39.000Z")
HOLD = """
import sys
from pathlib import Path
from playbooks.delivery import only_run
with only_run(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_run_of_the_same_facility_is_refused_until_the_first_ends(tmp_path: Path):
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == b"held\n"
        with pytest.raises(RunningAlreadyError, match=f"process {first.pid}"), only_run(tmp_path):
            pass
        first.kill()
    with only_run(tmp_path):
        pass


def test_a_record_is_kept_for_its_owner_only_and_replaced_in_one_step(tmp_path: Path):
    with only_run(tmp_path):
        path = keep(tmp_path, RECORD)
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.parent.stat().st_mode & 0o777 == 0o700
        assert json.loads(path.read_text())["status"] == "interrupted"
        assert keep(tmp_path, RECORD) == path
        assert [each.name for each in path.parent.glob("*.json*")] == [path.name]


SSH = """#!/bin/sh
for command; do :; done
head -c "$PASSED" | sh -c "$command"
"""
SUDO = """#!/bin/sh
shift
exec "$@"
"""


def test_a_record_whose_connection_breaks_is_none_at_the_appliance_and_stays(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    programs, spool = tmp_path / "bin", tmp_path / "spool"
    programs.mkdir()
    spool.mkdir()
    for name, text in (("ssh", SSH), ("sudo", SUDO)):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setattr(delivery, "SPOOL", str(spool))
    monkeypatch.setattr(delivery, "CONSOLE_USER", getpass.getuser())
    appliance = Target("appliance1", "127.0.0.1", 22, "ops", tmp_path / "key", tmp_path / "known_hosts")
    with only_run(tmp_path):
        path = keep(tmp_path, RECORD)
        monkeypatch.setenv("PASSED", "100")
        assert deliver(tmp_path, appliance)
        assert list(spool.glob("*.json")) == []
        monkeypatch.setenv("PASSED", "1000000")
        whole = path.read_bytes()
        assert deliver(tmp_path, appliance) == ""
        assert (spool / path.name).read_bytes() == whole
    assert not path.exists()


def test_a_record_stays_while_the_appliance_is_away(tmp_path: Path):
    appliance = Target("appliance1", "127.0.0.1", 1, "ops", tmp_path / "key", tmp_path / "known_hosts")
    with only_run(tmp_path):
        path = keep(tmp_path, RECORD)
        assert "Connection refused" in deliver(tmp_path, appliance)
    assert path.exists()
