"""The module that makes directories: owner, mode, parents, check mode."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from playbooks.library import managed_directories
from tests.playbooks.rendered import ROOT


def run(directories: list[dict[str, str]], *, check: bool = False) -> dict[str, object]:
    """Run the module as Ansible's pipelining does: arguments on standard input, the result on standard output."""
    arguments = {"directories": directories, "_ansible_check_mode": check}
    script = (
        "import json, sys; from ansible.module_utils.testing import patch_module_args\n"
        "from playbooks.library.managed_directories import main\n"
        "with patch_module_args(json.load(sys.stdin)): main()"
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, input=json.dumps(arguments), capture_output=True, text=True, check=False, cwd=ROOT)
    result: dict[str, object] = json.loads(done.stdout)
    return result


@pytest.fixture(autouse=True)
def _as_root() -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root, to give directories to other users")


def test_a_directory_gets_its_owner_and_mode_and_the_second_run_changes_nothing(tmp_path: Path) -> None:
    wanted = [{"path": str(tmp_path / "a/b"), "mode": "2750", "owner": "nobody", "group": "adm"}]
    assert run(wanted)["changed"] is True
    assert stat.S_IMODE((tmp_path / "a/b").stat().st_mode) == 0o2750
    assert (tmp_path / "a/b").owner() == "nobody"
    assert (tmp_path / "a/b").group() == "adm"
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o755
    assert run(wanted)["changed"] is False


def test_check_mode_says_what_it_would_make_and_makes_nothing(tmp_path: Path) -> None:
    result = run([{"path": str(tmp_path / "a"), "mode": "0700"}], check=True)
    assert (result["changed"], result["paths"]) == (True, [str(tmp_path / "a")])
    assert not (tmp_path / "a").exists()


def test_a_user_that_does_not_exist_is_told_and_a_link_is_never_followed(tmp_path: Path) -> None:
    assert "nosuchuser" in str(run([{"path": str(tmp_path / "a"), "owner": "nosuchuser"}])["msg"])
    (tmp_path / "link").symlink_to(tmp_path)
    assert "is not a directory" in str(run([{"path": str(tmp_path / "link")}])["msg"])


def test_a_drifted_mode_is_seen(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir(mode=0o700)
    assert managed_directories.access(str(tmp_path / "a")) == "0700 root:root"
    assert run([{"path": str(tmp_path / "a"), "mode": "0755"}])["changed"] is True
    assert managed_directories.access(str(tmp_path / "a")) == "0755 root:root"
