"""The guided restore, as a person at a terminal sees it."""

import os
import pty
import subprocess
import sys
from pathlib import Path

from backup.status import Outcome, read_restores
from tests.backup.clinic_host import ClinicHost, run
from tests.backup.test_cli import CHECKOUT


def at_a_terminal(host: ClinicHost, answers: list[str]) -> tuple[int, str]:
    """Run ``xinglin backup restore`` on a terminal of its own, type the answers, return its exit code and output."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "xinglin.py", "backup", "restore", "--config", str(host.config_path)]
    process = subprocess.Popen(command, cwd=CHECKOUT, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    os.write(ours, "".join(f"{answer}\n" for answer in answers).encode())
    said = b""
    try:
        while chunk := os.read(ours, 65536):
            said += chunk
    except OSError:
        pass  # Linux ends a terminal that nobody holds any more with EIO.
    finally:
        os.close(ours)
    return process.wait(60), said.decode("utf-8", "replace")


def test_a_person_is_offered_the_vault_when_the_appliance_is_off_and_gets_the_files_back(
    host: ClinicHost, tmp_path: Path
) -> None:
    config = host.with_files()
    run(config)
    host.local_server.stop()
    target = tmp_path / "back"
    code, said = at_a_terminal(host, ["y", "1", "1", "1", str(target), "y"])
    assert code == 0, said
    for words in ("cannot be reached", "改用异地库", "备份集", "恢复到哪里", "expected time"):
        assert words in said
    assert (target / str(host.files / "plain.conf").lstrip("/")).read_text() == "a = 1\n"
    record = read_restores(config.restores)[0]
    assert (record.repository, record.outcome) == ("offsite", Outcome.SUCCESS)


def test_in_place_a_person_types_the_hosts_name_or_nothing_happens(host: ClinicHost) -> None:
    config = host.with_files()
    run(config)
    (host.files / "plain.conf").write_text("a = 2\n")
    picked = ["1", "2", "relative", str(host.files / "plain.conf"), "", "2"]
    code, said = at_a_terminal(host, [*picked, "his2"])
    assert code == 2, said
    assert f"overwritten: {host.files / 'plain.conf'}" in said
    assert (host.files / "plain.conf").read_text() == "a = 2\n"
    assert read_restores(config.restores) == []
