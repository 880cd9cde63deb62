"""The source for Windows shares against a real Samba."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from backup.errors import BackupError
from backup.process import end
from backup.repositories import repository
from backup.sources.smb import relay
from backup.sources.smb.complaints import judge
from tests.backup.conftest import scratch_place
from tests.backup.test_death import await_true
from tests.sources.rig import Rig
from tests.sources.samba import Samba, samba

LONG = "很长的名字" * 20


@pytest.fixture
def server() -> Iterator[Samba]:
    with scratch_place() as place, samba(place) as running:
        (running.share / "病历/门诊").mkdir(parents=True)
        (running.share / "病历/门诊/张三.txt").write_text("咳嗽三天\n")
        (running.share / "片 1.bin").write_bytes(os.urandom(3_000_000))
        (running.share / "empty").touch()
        (running.share / "空目录").mkdir()
        (running.share / LONG[:80]).mkdir()
        (running.share / LONG[:80] / LONG[:80]).write_text("deep")
        yield running


def captured_code(rig: Rig, source: object) -> str:
    with pytest.raises(BackupError) as caught:
        rig.capture(source)  # type: ignore[arg-type]
    assert not repository.snapshots(rig.local)
    return caught.value.cause.code


def test_a_share_is_captured_and_every_file_proved(rig: Rig, server: Samba):
    server.source.require()
    part, stored = rig.capture(server.source)
    assert (part.manifest["files"], part.manifest["unread"]) == (4, [])
    lines = (rig.works[0].staging / f"{part.name}.files.jsonl").read_text().splitlines()
    assert {json.loads(line)["path"] for line in lines} >= {"病历/门诊/张三.txt", "空目录/", "empty", "片 1.bin"}
    findings = rig.prove(server.source, part, stored)
    assert [item.id.rpartition(": ")[2] for item in findings.assertions] == ["listing", "archive", "files"]
    assert rig.works[0].notes.warning is None


def test_what_cannot_be_read_is_a_warning_that_names_it(rig: Rig, server: Samba):
    (server.share / "口令 1.txt").write_text("x")
    (server.share / "口令 1.txt").chmod(0o600)
    (server.share / "院长").mkdir(mode=0o700)
    part, stored = rig.capture(server.source)
    warning = rig.works[0].notes.warning
    assert warning is not None
    assert (warning.code, part.manifest["files"]) == ("source_unreadable", 4)
    assert sorted(part.manifest["unread"]) == ["口令 1.txt: no right to read it", "院长/: no right to read it"]
    rig.prove(server.source, part, stored)


def test_smbclient_works_without_netlink_as_in_the_locked_down_service(server: Samba, tmp_path: Path):
    source = server.source
    command = relay.command(source.share, source.port, source.credentials_file, relay.configure(tmp_path), 1)
    command[-1] = str(tmp_path / "out.tar")
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("without_netlink.py")), *command],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert judge(done.returncode, [*done.stdout.splitlines(), *done.stderr.splitlines()]).code is None
    assert (tmp_path / "out.tar").stat().st_size > 3_000_000


def test_an_empty_share_is_refused(rig: Rig):
    with scratch_place() as place, samba(place) as server:
        with pytest.raises(BackupError) as caught:
            rig.capture(server.source)
        assert caught.value.cause.code == "share_empty"


def test_a_wrong_password_a_missing_share_and_a_host_that_is_away_are_told(rig: Rig, server: Samba):
    wrong = replace(server.source, credentials_file=server.credentials("wrong", "guess"))
    assert captured_code(rig, wrong) == "share_refused"
    assert captured_code(rig, replace(server.source, share="//127.0.0.1/nosuch")) == "share_missing"
    server.process.terminate()
    end(server.process)
    assert captured_code(rig, server.source) == "share_unreachable"


def test_a_server_that_dies_while_it_is_read_leaves_no_snapshot(rig: Rig, server: Samba):
    big = server.share / "big"
    with big.open("wb") as stream:
        stream.truncate(1 << 36)

    def die_while_it_is_read() -> None:
        await_true(lambda: big in opened(server.process.pid), "smbd to read the file")
        os.killpg(server.process.pid, signal.SIGKILL)

    killer = threading.Thread(target=die_while_it_is_read)
    killer.start()
    assert captured_code(rig, server.source) == "share_unreachable"
    killer.join()


def opened(group: int) -> set[Path]:
    """Return which files the processes of a group have open."""
    found = set()
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if os.getpgid(int(entry.name)) == group:
                found |= {descriptor.readlink() for descriptor in (entry / "fd").iterdir()}
    return found


def test_a_file_cut_shorter_while_it_is_read_does_not_hang_the_backup(
    server: Samba, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    big = server.share / "0.bin"
    with big.open("wb") as stream:
        stream.truncate(1 << 30)

    class Target:
        """Cuts the file as soon as its first bytes come; only from then on is anything waited for in vain."""

        def write(self, _: bytes) -> None:
            if big.stat().st_size > 1 << 20:
                os.truncate(big, 1 << 20)
                monkeypatch.setattr(relay, "STALL_SECONDS", 3.0)

        def flush(self) -> None:
            """Nothing is kept."""

    read_end, archive = os.pipe()
    source = server.source
    command = relay.command(source.share, source.port, source.credentials_file, relay.configure(tmp_path), archive)
    judgement = relay.relay(command, archive, read_end, Target(), tmp_path / "listing")  # type: ignore[arg-type]
    assert (judgement.code, judgement.detail.rpartition(" ")[2]) == ("share_stalled", "0.bin")


@pytest.mark.parametrize("what", ["listing", "other", "archive"])
def test_a_backup_that_differs_is_told(rig: Rig, server: Samba, what: str):
    part, stored = rig.capture(server.source)
    if what == "other":
        (server.share / "empty").write_text("no more")
        other, _ = rig.capture(server.source)
        part = replace(part, snapshot_id=other.snapshot_id)
        stored = replace(stored, listed=repository.snapshots(rig.local))
    elif what == "listing":
        part.manifest["files"] += 1
    else:
        part = replace(part, filename="nothing.tar")
    with pytest.raises(BackupError) as caught:
        rig.prove(server.source, part, stored)
    assert caught.value.cause.code in {"manifest_mismatch", "not_in_snapshot", "unknown", "restore_failed"}
    assert what != "other" or "empty" in caught.value.cause.detail


@pytest.mark.parametrize(
    ("returncode", "line", "code", "unread"),
    [
        (0, r"NT_STATUS_ACCESS_DENIED opening remote file \病历\a b.txt", None, "病历/a b.txt: no right to read it"),
        (0, r"NT_STATUS_SHARING_VIOLATION opening remote file \his.mdb", None, "his.mdb: another program holds it"),
        (0, r"NT_STATUS_OBJECT_NAME_NOT_FOUND opening remote file \x", None, "x: vanished while the share was read"),
        (0, r"Error reading file \x : NT_STATUS_FILE_LOCK_CONFLICT", None, "x: read only in part: another"),
        (1, r"NT_STATUS_ACCESS_DENIED listing \secret\*", None, "secret/: no right to read it"),
        (1, r"NT_STATUS_ACCESS_DENIED listing \*", "share_refused", ""),
        (1, r"NT_STATUS_CONNECTION_DISCONNECTED listing \*", "share_unreachable", ""),
        (1, r"Error reading file \x : NT_STATUS_IO_TIMEOUT", "share_unreachable", ""),
        (1, "session setup failed: NT_STATUS_LOGON_FAILURE", "share_refused", ""),
        (1, "tree connect failed: NT_STATUS_ACCESS_DENIED", "share_refused", ""),
        (1, "tree connect failed: NT_STATUS_BAD_NETWORK_NAME", "share_missing", ""),
        (1, "do_connect: Connection to h failed (Error NT_STATUS_HOST_UNREACHABLE)", "share_unreachable", ""),
        (0, "something nobody has seen", "share_failed", ""),
        (1, "", "share_failed", ""),
        (0, "tar: dumped 6 files and 0 directories", None, ""),
    ],
)
def test_what_smbclient_says_is_judged(returncode: int, line: str, code: str | None, unread: str):
    found = judge(returncode, [line])
    assert found.code == code
    assert not unread or found.unread[0].text.startswith(unread)
