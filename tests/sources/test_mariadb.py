"""The MariaDB source against a real server, private to the test."""

import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from backup.errors import BackupError
from backup.sources.mariadb import client, scratch, view
from backup.sources.mariadb.client import Server
from backup.sources.mariadb.source import MariadbSource
from backup.status import Verdict
from tests.backup.conftest import scratch_place
from tests.sources.rig import Rig

SETTINGS = {
    "innodb_page_size": 16384,
    "lower_case_table_names": 0,
    "character_set": "utf8mb4",
    "collation": "utf8mb4_general_ci",
}
CLINIC = """
CREATE DATABASE his CHARACTER SET utf8mb4; USE his;
CREATE TABLE patients (id bigint PRIMARY KEY AUTO_INCREMENT, name varchar(40) NOT NULL, sex enum('男', '女'),
  born date, notes json, photo longblob, weight float, seen timestamp NULL, flags bit(4));
CREATE TABLE visits (patient bigint NOT NULL, at datetime(6) NOT NULL, complaint text,
  fee decimal(10, 2) CHECK (fee >= 0), PRIMARY KEY (patient, at), KEY at (at),
  CONSTRAINT whose FOREIGN KEY (patient) REFERENCES patients (id) ON DELETE CASCADE);
CREATE TABLE `Ärzte; DROP` (`Na``me` varchar(20) CHARACTER SET gbk);
CREATE TABLE unkeyed (line text, n int);
CREATE TABLE old_engine (id int PRIMARY KEY, x varbinary(10)) ENGINE = Aria;
CREATE TABLE parted (id int PRIMARY KEY, doubled int AS (id * 2) STORED) PARTITION BY HASH (id) PARTITIONS 3;
CREATE SEQUENCE numbers;
CREATE VIEW adults AS SELECT id, name FROM patients WHERE born < '2008-01-01';
CREATE TRIGGER touch BEFORE INSERT ON visits FOR EACH ROW SET NEW.complaint = TRIM(NEW.complaint);
CREATE EVENT nightly ON SCHEDULE EVERY 1 DAY DO DELETE FROM visits WHERE at < '2000-01-01';
CREATE USER dr@localhost IDENTIFIED BY 'x'; GRANT SELECT ON his.* TO dr@localhost; CREATE ROLE nurses;
INSERT INTO patients (name, sex, born, notes, photo, weight, seen, flags) SELECT CONCAT('杏', seq), '男', '1990-01-01',
  JSON_OBJECT('过敏', seq), UNHEX(SHA2(seq, 512)), seq / 3, '2026-01-01 08:00:00', b'101' FROM seq_1_to_3000;
INSERT INTO patients (name) VALUES ('a\\tb\\nc\\\\\\'"'), ('NULL'), ('');
INSERT INTO visits SELECT 1 + seq % 3000, TIMESTAMPADD(MICROSECOND, seq, '2026-01-01'), '咳嗽', seq % 90
  FROM seq_1_to_9000;
INSERT INTO unkeyed SELECT CONCAT(REPEAT('长', 2000), seq % 7), NULL FROM seq_1_to_200;
INSERT INTO `Ärzte; DROP` VALUES ('张'), (NULL);
INSERT INTO old_engine VALUES (1, x'00ff');
INSERT INTO parted (id) SELECT seq FROM seq_1_to_50;
DELIMITER //
CREATE FUNCTION age(born date) RETURNS int DETERMINISTIC
BEGIN
  /* a comment that must survive */ RETURN TIMESTAMPDIFF(YEAR, born, '2026-01-01');
END //
DELIMITER ;
"""


def require_mariadb() -> None:
    """Skip the test where it cannot run."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to run MariaDB as the user mysql")
    if not shutil.which("mariadb") or not Path("/usr/sbin/mariadbd").exists():
        pytest.skip("MariaDB is not installed (apt-get install mariadb-server)")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    require_mariadb()
    with scratch_place() as place, scratch.server(place, SETTINGS) as running:
        client.query(running, CLINIC)
        yield running


@pytest.fixture
def source(server: Server) -> MariadbSource:
    return MariadbSource("his", server.socket)


def test_a_database_is_captured_restored_and_proved_equal(rig: Rig, source: MariadbSource):
    source.require()
    part, stored = rig.capture(source)
    assert part.manifest["tables"]["visits"]["rows"] == 9000
    assert part.manifest["tables"]["patients"]["newest"] == {"born": "1990-01-01", "seen": "2026-01-01 08:00:00"}
    findings = rig.prove(source, part, stored, self_test=True)
    assert {item.status for item in findings.assertions} == {Verdict.PASSED}
    assert "self-test: a missing row is caught" in {item.id for item in findings.assertions}
    users = (rig.works[0].staging / "mariadb-his.users.sql").read_text()
    assert "GRANT SELECT ON `his`.* TO `dr`@`localhost`" in users


def test_a_manifest_hash_can_be_redone_with_the_client_and_sha256sum(rig: Rig, source: MariadbSource):
    part, _ = rig.capture(source)
    table = part.manifest["tables"]["visits"]
    command = ["mariadb", "--no-defaults", f"--socket={source.socket}", "--batch", "--skip-column-names", "his"]
    command += ["--default-character-set=utf8mb4", "-e", table["query"]]
    output = subprocess.run(command, capture_output=True, check=True, timeout=60).stdout
    redone = subprocess.run(["sha256sum"], input=output, capture_output=True, check=True, timeout=30).stdout
    assert redone.split()[0].decode() == table["sha256"]


def test_dump_and_manifest_see_the_same_data_while_others_write(rig: Rig, source: MariadbSource):
    client.query(
        source.server, "CREATE TABLE his.busy (id bigint PRIMARY KEY AUTO_INCREMENT, t char(36) DEFAULT uuid());"
    )
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            client.query(source.server, "USE his; " + "INSERT INTO busy (t) SELECT uuid() FROM seq_1_to_50; " * 5)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(3):
            part, stored = rig.capture(source)
            rig.prove(source, part, stored)
    finally:
        stop.set()
        writer.join()
        ((rows,),) = client.query(source.server, "SELECT COUNT(*) FROM his.busy;")
        client.query(source.server, "DROP TABLE his.busy;")
    assert 0 < part.manifest["tables"]["busy"]["rows"] < int(rows)


def test_no_table_can_be_altered_while_the_view_is_open(source: MariadbSource, tmp_path: Path):
    with (tmp_path / "stderr").open("w+b") as stderr, view.consistent(source.server, "his", stderr) as found:
        with pytest.raises(BackupError) as caught:
            client.query(source.server, "SET lock_wait_timeout = 1; ALTER TABLE his.unkeyed ADD COLUMN late int;")
        assert caught.value.cause.code == "database_busy"
        with pytest.raises(BackupError) as caught:
            client.query(source.server, "SET lock_wait_timeout = 1; INSERT INTO his.old_engine VALUES (2, '');")
        assert caught.value.cause.code == "database_busy"
        client.query(source.server, "INSERT INTO his.unkeyed VALUES ('free', 1); DELETE FROM his.unkeyed WHERE n = 1;")
        found.require_same_schema("his", "his")
        client.query(source.server, "CREATE VIEW his.late AS SELECT 1 AS one;")
        try:
            with pytest.raises(BackupError, match=r"schema_changed.*late"):
                found.require_same_schema("his", "his")
        finally:
            client.query(source.server, "DROP VIEW his.late;")


def test_a_lock_that_cannot_be_had_is_told_and_nothing_stays_locked(
    source: MariadbSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(view, "LOCK_SECONDS", 1)
    with client.session(source.server) as other:
        other.ask("LOCK TABLES his.unkeyed WRITE;")
        with (
            (tmp_path / "stderr").open("w+b") as stderr,
            pytest.raises(BackupError) as caught,
            view.consistent(source.server, "his", stderr),
        ):
            pytest.fail("the lock was had")
        assert caught.value.cause.code == "database_busy"
    client.query(source.server, "INSERT INTO his.unkeyed VALUES ('free', 1); DELETE FROM his.unkeyed WHERE n = 1;")


def test_a_server_or_database_that_is_not_there_is_told(source: MariadbSource):
    for missing in (replace(source, socket=Path("/nowhere/socket")), replace(source, database="nosuch")):
        with pytest.raises(BackupError) as caught:
            missing.require()
        assert caught.value.cause.code == "database_unreachable"


@pytest.mark.parametrize("kind", ["rows", "table", "truncated", "date"])
def test_a_bad_backup_is_told(rig: Rig, source: MariadbSource, kind: str):
    part, stored = rig.capture(source)
    expected = {"rows": "manifest_mismatch", "table": "manifest_mismatch", "truncated": "dump_damaged"}
    if kind == "rows":
        part.manifest["tables"]["visits"]["sha256"] = "0" * 64
    elif kind == "table":
        part.manifest["tables"]["gone"] = part.manifest["tables"]["visits"]
    elif kind == "date":
        part.manifest["as_of"] = "2026-01-01T00:00:00.000Z"
    else:
        part = replace(part, bytes=part.bytes + 1)
    with pytest.raises(BackupError) as caught:
        rig.prove(source, part, stored)
    assert caught.value.cause.code == expected.get(kind, "dump_misdated")
