"""SQLite databases: copied while programs write, proved against their manifest."""

import contextlib
import hashlib
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from backup.errors import BackupError
from backup.night import backup_set
from backup.repositories import repository
from backup.sources import sqlite
from backup.status import Outcome, Verdict
from backup.verification.verify import verify_policy
from tests.backup.clinic_host import ClinicHost, run

CLINIC = """
CREATE TABLE patients (id INTEGER PRIMARY KEY, name TEXT NOT NULL, weight REAL, photo BLOB);
CREATE TABLE codes (code TEXT PRIMARY KEY, text TEXT) WITHOUT ROWID;
CREATE TABLE "odd ""name" (rowid TEXT, "x y" INTEGER);
CREATE VIRTUAL TABLE notes USING fts5(body);
CREATE INDEX by_name ON patients (name);
CREATE VIEW heavy AS SELECT * FROM patients WHERE weight > 90;
INSERT INTO notes VALUES ('咳嗽三天');
INSERT INTO "odd ""name" VALUES ('b', 1), ('a', NULL);
INSERT INTO codes VALUES ('J00', '急性鼻咽炎'), ('A09', '感染性腹泻');
"""


@pytest.fixture
def clinic(tmp_path: Path) -> Path:
    path = tmp_path / "clinic's.db"
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.executescript("PRAGMA journal_mode = WAL;" + CLINIC)
        rows = [(f"杏林\n{n}", n / 7, bytes([n % 256])) for n in range(2000)]
        database.executemany("INSERT INTO patients (name, weight, photo) VALUES (?, ?, ?)", rows)
        database.commit()
    return path


@contextlib.contextmanager
def in_use(path: Path) -> Iterator[sqlite3.Connection]:
    """Have a program keep the database open, with a row that is only in its log."""
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute("INSERT INTO patients (name) VALUES ('in the log')")
        database.commit()
        yield database


def test_a_database_in_use_is_backed_up_whole_and_proved(host: ClinicHost, clinic: Path) -> None:
    config = host.configure([{"sqlite": {"path": str(clinic)}}])
    with in_use(clinic) as program:
        program.execute("INSERT INTO patients (name) VALUES ('not committed')")
        done = run(config)
        program.rollback()
    assert done.outcome is Outcome.SUCCESS
    assert done.steps[2].numbers["rows"] >= 2005
    proof = verify_policy(config, config.policy("his"))
    assert proof.cause is None
    assert proof.verdict is Verdict.PASSED
    assert any("integrity" in item.id for item in proof.assertions)
    manifest = stored_manifest(host, done.snapshot_id or "")
    patients = manifest["tables"]["patients"]
    assert patients["rows"] == 2001
    if not shutil.which("sqlite3"):
        pytest.skip("the sqlite3 program is not installed, to redo the hash with")
    command = ["sqlite3", str(clinic), str(patients["query"])]
    printed = subprocess.run(command, capture_output=True, check=True, timeout=30)
    assert hashlib.sha256(printed.stdout).hexdigest() == patients["sha256"]


def stored_manifest(host: ClinicHost, snapshot_id: str) -> dict[str, dict[str, dict[str, object]]]:
    config = host.configure([{"paths": ["/etc"]}])
    target = host.root / "manifest"
    source = str(config.staging / backup_set.MANIFEST_NAME)
    repository.dump(config.repository("local"), snapshot_id, source, target, 60)
    return backup_set.read(target).parts[0].manifest


def test_a_damaged_database_is_not_backed_up(host: ClinicHost, clinic: Path) -> None:
    content = bytearray(clinic.read_bytes())
    content[4096:8192] = os.urandom(4096)
    clinic.write_bytes(content)
    done = run(host.configure([{"sqlite": {"path": str(clinic)}}]))
    assert done.cause is not None
    assert (done.outcome, done.cause.code) == (Outcome.FAILED, "source_damaged")
    assert str(clinic) in done.cause.place


def test_what_is_no_database_or_not_there_is_said_so(host: ClinicHost, tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    config = host.configure([{"sqlite": {"path": str(path)}}])
    missing = run(config).cause
    assert missing is not None
    assert missing.code == "source_missing"
    path.write_text("no database at all, but text" * 100)
    wrong = run(config).cause
    assert wrong is not None
    assert (wrong.code, wrong.detail) == ("dump_failed", "file is not a database")


def test_a_closed_database_on_a_read_only_file_system_is_copied(clinic: Path, tmp_path: Path) -> None:
    """A locked-down service may not write beside the database, which SQLite needs for a log that nobody has open."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to mount read-only")
    crashed = tmp_path / "crashed"
    crashed.mkdir()
    with in_use(clinic):
        for name in (clinic.name, f"{clinic.name}-wal"):
            shutil.copy(clinic.with_name(name), crashed / name)
    subprocess.run(["mount", "--bind", "-o", "ro", crashed, crashed], check=True, timeout=30)
    try:
        uri = f"file:{crashed / clinic.name}?mode=ro"
        with contextlib.closing(sqlite3.connect(uri, uri=True)) as database, pytest.raises(sqlite3.OperationalError):
            database.execute("SELECT * FROM patients")
        sqlite.copy_database(crashed / clinic.name, tmp_path / "copy", tmp_path)
    finally:
        subprocess.run(["umount", crashed], check=True, timeout=30)
    with contextlib.closing(sqlite3.connect(tmp_path / "copy")) as copy:
        assert copy.execute("SELECT count(*) FROM patients WHERE name = 'in the log'").fetchone() == (1,)
    assert not (tmp_path / "copy-wal").exists()


def test_a_locked_database_is_given_up(clinic: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0.2)
    with contextlib.closing(sqlite3.connect(clinic)) as owner:
        owner.executescript("PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE; DELETE FROM codes;")
        with pytest.raises(BackupError) as caught:
            sqlite.copy_database(clinic, tmp_path / "copy", tmp_path)
    assert caught.value.cause.code == "dump_failed"
    assert "locked" in caught.value.cause.detail


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ("UPDATE patients SET name = 'x' WHERE id = 7", "table patients: the same number of rows, other content"),
        ("DELETE FROM codes WHERE code = 'J00'", "table codes: 2 rows became 1"),
        ("DROP TABLE codes", "schema_sha256 differs"),
        ("CREATE TABLE more (x)", "table more is new"),
        (
            "UPDATE patients SET photo = zeroblob(1)",
            "table patients: the same number of rows, other content",
        ),
    ],
)
def test_every_difference_is_named(clinic: Path, change: str, found: str) -> None:
    with contextlib.closing(sqlite3.connect(clinic)) as database:
        before = sqlite.describe(database)
        assert sqlite.compare(before, sqlite.describe(database, before["tables"])) == []
        database.executescript(change)
        assert found in sqlite.compare(before, sqlite.describe(database, before["tables"]))
