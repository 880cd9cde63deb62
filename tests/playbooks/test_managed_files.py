"""The module that writes files: atomic, validated, with diff and check mode."""

import grp
import os
import pwd
import stat
from pathlib import Path
from typing import Any

import pytest

from tests.playbooks.modules import run_module

OWNER = pwd.getpwuid(os.geteuid()).pw_name
GROUP = grp.getgrgid(os.getegid()).gr_name


def item(path: Path, content: str | None, **more: str) -> dict[str, Any]:
    return {"path": str(path), "content": content, "owner": OWNER, "group": GROUP, **more}


def run(*files: dict[str, Any], check: bool = False) -> dict[str, Any]:
    return run_module("managed_files", {"files": list(files)}, check=check)


def test_a_file_is_written_once_with_its_mode_and_then_left_alone(tmp_path: Path):
    path = tmp_path / "new/directory/file"
    wanted = item(path, "机构\n", mode="0640")
    first = run(wanted)
    assert (first["changed"], first["paths"]) == (True, [str(path)])
    assert path.read_text(encoding="utf-8") == "机构\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    inode = path.stat().st_ino
    assert run(wanted)["changed"] is False
    assert path.stat().st_ino == inode


def test_a_drifted_mode_is_a_change_and_shown_as_one(tmp_path: Path):
    path = tmp_path / "file"
    run(item(path, "x\n"))
    path.chmod(0o666)
    result = run(item(path, "x\n"))
    assert result["diff"][0]["before_header"] == f"{path} 0666 {OWNER}:{GROUP}"
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_no_content_removes_the_file(tmp_path: Path):
    path = tmp_path / "file"
    path.write_text("old")
    assert run(item(path, None))["changed"] is True
    assert not path.exists()
    assert run(item(path, None))["changed"] is False


def test_a_refused_candidate_replaces_no_file_at_all(tmp_path: Path):
    good, bad = tmp_path / "good", tmp_path / "bad.sh"
    result = run(item(good, "x\n"), item(bad, "if then\n", validate="sh -n %s"))
    assert result["failed"] is True
    assert "nothing was replaced" in result["msg"]
    assert list(tmp_path.iterdir()) == []


def test_check_mode_shows_the_diff_and_validates_but_writes_nothing(tmp_path: Path):
    path = tmp_path / "file.sh"
    result = run(item(path, "true\n", validate="sh -n %s"), check=True)
    assert (result["changed"], result["diff"][0]["after"]) == (True, "true\n")
    assert not path.exists()
    assert run(item(path, "if then\n", validate="sh -n %s"), check=True)["failed"] is True


def test_a_link_is_replaced_by_a_file_and_its_target_is_not_touched(tmp_path: Path):
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("kept")
    link.symlink_to(target)
    run(item(link, "new\n"))
    assert not link.is_symlink()
    assert target.read_text() == "kept"


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to give a file to another user")
def test_a_file_gets_its_owner(tmp_path: Path):
    run(item(tmp_path / "file", "x\n") | {"owner": "nobody", "group": "adm"})
    assert ((tmp_path / "file").owner(), (tmp_path / "file").group()) == ("nobody", "adm")
