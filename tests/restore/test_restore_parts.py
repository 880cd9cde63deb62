"""SQLite, a share, devices and Orthanc restored by the command's own way: listed, beside, in place."""

import contextlib
import json
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from backup.config.policy import Config
from backup.errors import BackupError
from backup.night.recorder import now_utc
from backup.process import end, ending_with_us
from backup.restore import operation, plan, sqlite
from backup.restore.devices import WORDS
from backup.restore.request import Request
from backup.sources.devices.platforms import PLATFORMS
from backup.sources.devices.put_back import PUT_BACK
from backup.status import Outcome, read_restores
from tests.backup.clinic_host import ClinicHost, run
from tests.backup.conftest import scratch_place
from tests.backup.servers import await_port, reserved_port
from tests.backup.test_cli import xinglin
from tests.restore.test_guide import at_a_terminal
from tests.sources.samba import Samba, samba
from tests.sources.sshd import sshd
from tests.sources.test_orthanc import Orthanc, orthanc

__all__ = ["orthanc"]


def do(config: Config, **request: object) -> operation.Done:
    made = plan.make(config, Request(policy="his", **request), now_utc())  # type: ignore[arg-type]
    return operation.execute(config, made, show=lambda *_: None)


def code(config: Config, **request: object) -> str:
    """Return the cause of a refusal."""
    with pytest.raises(BackupError) as caught:
        do(config, **request)
    return caught.value.cause.code


@pytest.fixture
def book(host: ClinicHost) -> Path:
    """A SQLite database in WAL mode, in the backup."""
    path = host.root / "app/book.db"
    path.parent.mkdir()
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("CREATE TABLE visits (id INTEGER PRIMARY KEY, words TEXT)")
        database.executemany("INSERT INTO visits (words) VALUES (?)", [(f"咳嗽 {n}",) for n in range(500)])
        database.commit()
    path.chmod(0o640)
    shutil.chown(path, 33, 33)
    return path


def rows(path: Path) -> int:
    with contextlib.closing(sqlite3.connect(path)) as database:
        return int(database.execute("SELECT COUNT(*) FROM visits").fetchone()[0])


@pytest.fixture
def books(host: ClinicHost, book: Path) -> Config:
    config = host.configure([{"sqlite": {"path": str(book)}}, {"paths": [str(host.files)]}])
    assert run(config).outcome is Outcome.SUCCESS
    return config


def test_sqlite_comes_back_beside_as_a_file(books: Config, book: Path, tmp_path: Path) -> None:
    done = do(books, databases=(str(book),), target=str(tmp_path / "back"))
    assert done.record.cause is None
    (found,) = (tmp_path / "back").iterdir()
    assert (rows(found), found.stat().st_mode & 0o777) == (500, 0o600)
    assert code(books, databases=(str(book),), target=str(tmp_path / "back")) == "target_exists"


def test_sqlite_comes_back_into_the_live_file_while_a_program_has_it_open(books: Config, book: Path) -> None:
    with contextlib.closing(sqlite3.connect(book)) as application:
        application.execute("DELETE FROM visits")
        application.commit()
        made = plan.make(books, Request("his", databases=(str(book),), in_place=True), now_utc())
        assert made.confirmation("his1") == str(book)
        assert "open in: " in "\n".join(made.parts[0].lines())
        done = operation.execute(books, made, show=lambda *_: None)
        assert done.record.cause is None
        assert application.execute("SELECT COUNT(*) FROM visits").fetchone()[0] == 500
    (aside,) = book.parent.glob("*.before_*")
    assert rows(aside) == 0
    assert [(path.stat().st_mode & 0o777, path.stat().st_uid) for path in (book, aside)] == [(0o640, 33)] * 2
    if shutil.which("sqlite3"):
        subprocess.run(["sh", "-c", done.hints[0].removeprefix("to undo: ")], check=True, timeout=60)
        assert rows(book) == 0


def test_sqlite_that_is_lost_damaged_or_locked(books: Config, book: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0.3)
    with contextlib.closing(sqlite3.connect(book)) as application:
        application.execute("PRAGMA locking_mode = EXCLUSIVE")
        application.execute("DELETE FROM visits WHERE id = 1")
        application.commit()
        done = do(books, databases=(str(book),), in_place=True)
        assert done.record.cause is not None
        assert done.record.cause.code == "target_failed"
    assert rows(book) == 499
    assert not list(book.parent.glob("*.before_*"))
    book.write_bytes(b"ransom" * 1000)
    assert do(books, databases=(str(book),), in_place=True).record.cause is None
    (aside,) = book.parent.glob("*.before_*")
    assert aside.read_bytes().startswith(b"ransom")
    assert (rows(book), book.stat().st_uid) == (500, 33)
    aside.unlink()
    book.unlink()
    assert do(books, databases=(str(book),), in_place=True).record.cause is None
    assert rows(book) == 500


@pytest.fixture
def share() -> Iterator[Samba]:
    with scratch_place() as place, samba(place) as running:
        (running.share / "病历/门诊").mkdir(parents=True)
        (running.share / "病历/门诊/张三.txt").write_text("咳嗽三天\n")
        (running.share / "病历/b.txt").write_text("b")
        (running.share / "空目录").mkdir()
        yield running


def test_a_share_is_listed_and_comes_back_below_a_directory_whole_or_one_path(
    host: ClinicHost, share: Samba, tmp_path: Path
) -> None:
    source = share.source
    item = {"share": source.share, "credentials_file": str(source.credentials_file), "port": source.port}
    config = host.configure([{"smb": item}])
    assert run(config).outcome is Outcome.SUCCESS
    listed = xinglin(host, "restore", "--contents", "--part", source.share)
    assert "病历/门诊/张三.txt" in listed.stdout
    assert f"smb          {source.name}" in xinglin(host, "restore", "--contents").stdout
    one = tmp_path / "one"
    args = ["restore", "--part", source.name, "--entry", "病历\\门诊", "--target", str(one)]
    shown = xinglin(host, *args, "--dry-run", "--json")
    assert json.loads(shown.stdout)["parts"][0]["files"] == 1
    assert not one.exists()
    done = xinglin(host, *args)
    assert done.returncode == 0, done.stdout + done.stderr
    found = [path for path in one.rglob("*") if path.is_file()]
    assert [path.read_text() for path in found] == ["咳嗽三天\n"]
    assert found[0].stat().st_mtime == pytest.approx((share.share / "病历/门诊/张三.txt").stat().st_mtime, abs=1)
    assert do(config, parts=(source.name,), target=str(tmp_path / "all")).record.cause is None
    assert (tmp_path / "all" / source.name / "空目录").is_dir()
    assert (tmp_path / "all" / source.name / "病历/b.txt").read_text() == "b"
    assert code(config, parts=(source.name,), entries=("没有",), target=str(tmp_path / "none")) == "not_in_backup"
    assert code(config, parts=(source.name,), in_place=True) == "configuration_wrong"
    assert code(config, databases=(source.name,)) == "not_in_backup"


def test_devices_come_back_as_files_with_the_words_for_their_platform_for_a_person_at_a_terminal(
    host: ClinicHost, tmp_path: Path
) -> None:
    assert PUT_BACK.keys() == PLATFORMS.keys()
    switch = host.root / "switch.cfg"
    switch.write_text("#\nsysname SW-1\n#\nreturn\n")
    with sshd(host.root / "sshd") as devices:
        items = []
        for name in ("sw-core", "sw-2"):
            device = devices.vrp(name, switch)
            paths = {"key_file": str(device.key_file), "known_hosts_file": str(device.known_hosts_file)}
            named = {"name": device.name, "platform": device.platform, "address": device.address, "user": device.user}
            items.append(named | paths | {"port": device.port})
        config = host.configure([{"devices": items}])
        assert run(config).outcome is Outcome.SUCCESS
    status, said = at_a_terminal(host, ["1", "1", "sw-core", "", str(tmp_path / "back"), "y"])
    assert status == 0, said
    assert "configurations of 1 devices" in said
    found = tmp_path / "back/devices"
    assert {path.name for path in found.iterdir()} == {"sw-core.cfg", WORDS}
    assert "startup saved-configuration sw-core.cfg" in (found / WORDS).read_text()
    assert read_restores(config.restores)[0].what == "devices sw-core"
    assert code(config, parts=("devices",), entries=("sw-9",), target=str(tmp_path / "x")) == "not_in_backup"


def test_orthanc_comes_back_beside_and_an_orthanc_started_on_it_shows_the_same(
    host: ClinicHost, orthanc: Orthanc, tmp_path: Path
) -> None:
    item = {"index": str(orthanc.source.index), "storage": str(orthanc.source.storage)}
    config = host.configure([{"orthanc": item}, {"paths": [str(host.files)]}])
    assert run(config).outcome is Outcome.SUCCESS
    before = orthanc.call("GET", "/statistics")
    orthanc.add(99)
    done = do(config, parts=(orthanc.source.name,), target=str(tmp_path / "back"))
    assert (done.record.cause, done.record.outcome) == (None, Outcome.SUCCESS)
    with reserved_port() as port:
        restored = Orthanc(tmp_path / "back" / orthanc.source.name, port)
        assert str(restored.directory) in done.hints[0]
        settings: dict[str, object] = {
            "StorageDirectory": str(restored.directory),
            "IndexDirectory": str(restored.directory),
        }
        settings |= {"HttpPort": restored.port, "DicomServerEnabled": False, "AuthenticationEnabled": False}
        (tmp_path / "second.json").write_text(json.dumps(settings))
        process = subprocess.Popen(
            ending_with_us(["/usr/sbin/Orthanc", str(tmp_path / "second.json")]),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            await_port(restored.port)
            after = restored.call("GET", "/statistics")
            assert after["CountInstances"] == before["CountInstances"] == 12
            restored.call("GET", f"/instances/{restored.call('GET', '/instances')[0]}/simplified-tags")
        finally:
            end(process)
    everything = plan.make(config, Request("his", everything=True, in_place=True), now_utc())
    assert [part.name for part in everything.left_out] == [orthanc.source.name]
    done = do(config, everything=True, target=str(tmp_path / "all"))
    assert done.record.cause is None
    assert (tmp_path / "all" / orthanc.source.name / "index").is_file()
    assert (tmp_path / "all" / str(host.files).lstrip("/") / "plain.conf").is_file()
