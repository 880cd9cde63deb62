"""Files restored: one, some or all; beside or in place with the old versions kept; from a slow repository, killed."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from backup.config.policy import Config
from backup.errors import BackupError
from backup.night.recorder import now_utc
from backup.restore import files, operation, plan, texts
from backup.restore.request import Request
from backup.status import Outcome, read_restores
from tests.backup import tools
from tests.backup.clinic_host import ClinicHost, run
from tests.backup.test_cli import CHECKOUT, xinglin
from tests.backup.test_death import await_true

ODD = "報告[2026] *?.pdf"


@pytest.fixture
def night(host: ClinicHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    """One backup of some files; what a restore keeps and makes goes below ``tmp_path``."""
    monkeypatch.setattr(plan, "KEPT", tmp_path / "kept")
    monkeypatch.setattr(plan, "RESTORED", tmp_path / "restored")
    config = host.with_files()
    (host.files / ODD).write_text("x-ray\n")
    (host.files / "sub").mkdir()
    (host.files / "sub/link").symlink_to("../plain.conf")
    (host.files / "sub/run.sh").write_text("#!/bin/sh\n")
    (host.files / "sub/run.sh").chmod(0o750)
    os.chown(host.files / "sub/run.sh", 33, 34)
    assert run(config).outcome is Outcome.SUCCESS
    return config


def make(config: Config, **request: object) -> plan.Plan:
    return plan.make(config, Request(policy="his", **request), now_utc())  # type: ignore[arg-type]


def do(config: Config, **request: object) -> operation.Done:
    return operation.execute(config, make(config, **request), show=lambda *_: None)


def test_one_file_comes_back_into_a_directory_whatever_its_name(
    night: Config, host: ClinicHost, tmp_path: Path
) -> None:
    done = do(night, paths=(str(host.files / ODD),), target=str(tmp_path / "back"))
    assert done.record.cause is None
    found = [path for path in (tmp_path / "back").rglob("*") if path.is_file()]
    assert [path.name for path in found] == [ODD]
    assert found[0].read_text() == "x-ray\n"
    assert (tmp_path / "back").stat().st_mode & 0o777 == 0o700
    with pytest.raises(BackupError) as caught:
        make(night, all_files=True, target=str(tmp_path / "back"))
    assert caught.value.cause.code == "target_exists"


def test_a_path_that_the_set_does_not_hold_is_named(night: Config, host: ClinicHost) -> None:
    with pytest.raises(BackupError) as caught:
        make(night, paths=(str(host.files / "plain.conf"), "/etc/nothing"))
    assert caught.value.cause.code == "not_in_backup"
    assert caught.value.cause.detail == "/etc/nothing"


def test_in_place_only_what_differs_is_overwritten_and_the_old_versions_can_be_put_back(
    night: Config, host: ClinicHost, tmp_path: Path
) -> None:
    """A changed file may have the size and time that the backup knows: ransomware can set both."""
    plain, script = host.files / "plain.conf", host.files / "sub/run.sh"
    times = (plain.stat().st_atime_ns, plain.stat().st_mtime_ns)
    plain.write_text("a = 2\n")
    os.utime(plain, ns=times)
    script.unlink()
    (host.files / "sub/new.txt").write_text("new\n")
    (host.files / "sub").chmod(0o751)
    shown = make(night, all_files=True, in_place=True)
    assert shown.files is not None
    assert str(plain) in shown.files.preview.changed
    assert (shown.files.preview.made, shown.confirmation("his1")) == (1, "his1")
    done = operation.execute(night, shown, show=lambda *_: None)
    assert done.record.cause is None
    assert plain.read_text() == "a = 1\n"
    found = script.stat()
    assert (found.st_mode & 0o777, found.st_uid, found.st_gid) == (0o750, 33, 34)
    assert (host.files / "sub/new.txt").read_text() == "new\n"
    assert not (night.state_directory / "staging").exists()
    kept = next((tmp_path / "kept").iterdir())
    assert (kept / str(plain).lstrip("/")).read_text() == "a = 2\n"
    undo = next(hint for hint in done.hints if hint.startswith("to undo: ")).removeprefix("to undo: ")
    mode = host.files.parent.stat().st_mode
    subprocess.run(["sh", "-c", undo], check=True, capture_output=True, timeout=60)
    assert plain.read_text() == "a = 2\n"
    assert host.files.parent.stat().st_mode == mode


def test_in_place_without_keeping_leaves_no_old_versions(night: Config, host: ClinicHost, tmp_path: Path) -> None:
    (host.files / "plain.conf").write_text("a = 2\n")
    assert do(night, paths=(str(host.files),), in_place=True, keep=False).record.outcome is Outcome.SUCCESS
    assert (host.files / "plain.conf").read_text() == "a = 1\n"
    assert not (tmp_path / "kept").exists()


def test_an_older_set_is_chosen_by_id_or_by_time(night: Config, host: ClinicHost, tmp_path: Path) -> None:
    first = now_utc()
    (host.files / "plain.conf").write_text("a = 2\n")
    run(night)
    listed = json.loads(xinglin(host, "restore", "--list", "--json").stdout)["sets"]
    assert len(listed) == 2
    for number, chosen in enumerate((listed[1]["snapshot_id"][:8], listed[1]["run_id"], first.isoformat())):
        done = do(night, paths=(str(host.files / "plain.conf"),), chosen_set=chosen, target=str(tmp_path / str(number)))
        back = tmp_path / str(number) / str(host.files / "plain.conf").lstrip("/")
        assert back.read_text() == "a = 1\n"
        assert done.record.snapshot_id == listed[1]["snapshot_id"]
    with pytest.raises(BackupError) as caught:
        make(night, all_files=True, chosen_set="2020-01-01 00:00")
    assert caught.value.cause.code == "set_missing"


def test_a_disk_that_is_too_small_is_told_before_anything_is_written(
    night: Config, host: ClinicHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(100, 99, 1))
    with pytest.raises(BackupError) as caught:
        make(night, all_files=True, target=str(tmp_path / "back"))
    assert caught.value.cause.code == "target_space"
    assert not (tmp_path / "back").exists()


def test_a_restore_killed_in_the_middle_has_no_directory_of_the_targets_name(
    host: ClinicHost, tmp_path: Path, programs: tools.Tools
) -> None:
    """restic is so slow here that it is hit in the middle, however late we are."""
    slow = tmp_path / "slow/restic"
    slow.parent.mkdir()
    slow.write_text(f'#!/bin/sh\nexec {programs.restic} --limit-download=500 "$@"\n')
    slow.chmod(0o755)
    config = host.with_files()
    (host.files / "big.bin").write_bytes(os.urandom(120_000_000))
    run(config)
    target = tmp_path / "back"
    command = [sys.executable, "xinglin.py", "backup", "restore", "--config", str(host.config_path)]
    command += ["--files", "--target", str(target)]
    environment = os.environ | {"PATH": f"{slow.parent}:{os.environ['PATH']}"}
    killed = subprocess.Popen(
        command, cwd=CHECKOUT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    await_true(files.unfinished(target).exists, "the first file")
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait(60)
    assert not target.exists()
    assert xinglin(host, "heal").stdout == "changed\n"
    assert [record.outcome for record in read_restores(config.restores)] == [Outcome.INTERRUPTED]
    assert do(config, all_files=True, target=str(target)).record.outcome is Outcome.SUCCESS
    assert not files.unfinished(target).exists()
    assert (target / str(host.files / "big.bin").lstrip("/")).stat().st_size == 120_000_000
    assert [record.outcome for record in read_restores(config.restores)] == [Outcome.SUCCESS, Outcome.INTERRUPTED]


def test_a_request_that_makes_no_sense_is_wrong_usage(night: Config, host: ClinicHost) -> None:
    for wrong in (
        [],
        ["--files", "--in-place", "--target", "/srv/x"],
        ["--files", "--target", "relative"],
        ["--paths", "relative"],
    ):
        refused = xinglin(host, "restore", *wrong)
        assert refused.returncode == 2, wrong


def test_a_damaged_file_is_never_called_restored(night: Config, host: ClinicHost, tmp_path: Path) -> None:
    made = make(night, all_files=True, target=str(tmp_path / "back"))
    shutil.rmtree(night.cache_directory)
    for pack in (host.local_server.data / "his1/data").glob("*/*"):
        pack.chmod(0o600)
        content = bytearray(pack.read_bytes())
        content[100] ^= 1
        pack.write_bytes(content)
    done = operation.execute(night, made, show=lambda *_: None)
    assert done.record.outcome is Outcome.FAILED
    assert not (tmp_path / "back").exists()


def test_old_versions_are_kept_whatever_the_encoding_of_their_names(
    night: Config, host: ClinicHost, tmp_path: Path
) -> None:
    """A name in GBK comes out of restic as U+FFFD; two may look the same."""
    directory = os.fsencode(host.files) + "/门诊".encode("gbk")
    names = [directory + b"/" + "病历.txt".encode("gbk"), directory + b"/" + "病例.txt".encode("gbk")]
    os.mkdir(directory)  # noqa: PTH102 - these names are bytes
    for name in names:
        Path(os.fsdecode(name)).write_text("then")
    run(night)
    for name in names:
        Path(os.fsdecode(name)).write_text("and now")
    before = make(night, all_files=True, in_place=True)
    assert before.files is not None
    changed = [path for path in before.files.preview.changed if path.endswith(".txt")]
    assert sorted(changed) == sorted(map(os.fsdecode, names))
    json.dumps(texts.plan_json(before, None), ensure_ascii=False).encode()
    texts.plan_lines(before, night.timezone).encode()
    done = operation.execute(night, before, show=lambda *_: None)
    assert done.record.cause is None
    kept = next((tmp_path / "kept").iterdir())
    for name in names:
        path = Path(os.fsdecode(name))
        assert path.read_text() == "then"
        assert (kept / str(path).lstrip("/")).read_text() == "and now"
