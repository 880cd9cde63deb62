"""A MariaDB database restored into a real live server: beside, in place, undone, refused."""

import json
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from backup.config.policy import Config
from backup.errors import BackupError
from backup.night.recorder import now_utc
from backup.restore import operation, plan
from backup.restore.mariadb import MariadbPlan
from backup.restore.request import Request
from backup.sources.mariadb import client, load, manifest, scratch, swap
from backup.sources.mariadb.client import Server
from backup.sources.mariadb.restored import require_equal
from backup.status import Outcome, read_restores
from backup.verification.findings import Findings
from tests.backup.clinic_host import ClinicHost, run
from tests.backup.conftest import scratch_place
from tests.backup.test_cli import xinglin
from tests.sources.test_mariadb import CLINIC, SETTINGS, require_mariadb

MORE = """
USE his; CREATE PROCEDURE tidy() DELETE FROM visits WHERE at < '2001-01-01';
CREATE VIEW counted AS SELECT age(born) AS years, COUNT(*) AS n FROM adults JOIN patients USING (id) GROUP BY 1;
CREATE EVENT off ON SCHEDULE EVERY 1 DAY DISABLE DO DELETE FROM visits WHERE at < '2000-01-01';
GRANT EXECUTE ON PROCEDURE his.tidy TO dr@localhost; GRANT UPDATE ON his.visits TO dr@localhost;
"""


@pytest.fixture
def server() -> Iterator[Server]:
    require_mariadb()
    with scratch_place() as place, scratch.server(place, SETTINGS) as running:
        client.query(running, CLINIC)
        client.query(running, MORE)
        yield running


@pytest.fixture
def night(host: ClinicHost, server: Server) -> Config:
    config = host.configure(
        [{"mariadb": {"database": "his", "socket": str(server.socket)}}, {"paths": [str(host.files)]}]
    )
    assert run(config).outcome is Outcome.SUCCESS
    return config


def do(config: Config, **request: object) -> operation.Done:
    made = plan.make(config, Request(policy="his", **request), now_utc())  # type: ignore[arg-type]
    return operation.execute(config, made, show=lambda *_: None)


def of(config: Config) -> manifest.Manifest:
    """Return the manifest of the newest set."""
    made = plan.make(config, Request("his", databases=("his",), target="any"), now_utc()).parts[0]
    assert isinstance(made, MariadbPlan)
    return made.expected


def require_same(config: Config, server: Server, name: str) -> None:
    require_equal(of(config), server, Findings(lambda _: None), name, name)


def one(server: Server, query: str) -> str:
    return client.query(server, query)[0][0]


def test_it_comes_back_beside_the_live_one_with_the_users_that_are_missing(night: Config, server: Server) -> None:
    client.query(server, "DROP USER dr@localhost; DROP ROLE nurses; DELETE FROM his.visits;")
    client.query(server, f"CREATE DATABASE {swap.WORKING}dead; CREATE TABLE {swap.WORKING}dead.half (n int);")
    done = do(night, databases=("his",), target="his_drill")
    assert (done.record.cause, done.record.outcome) == (None, Outcome.SUCCESS)
    require_same(night, server, "his_drill")
    assert one(server, "SELECT COUNT(*) FROM his.visits;") == "0"
    assert ["GRANT SELECT ON `his`.* TO `dr`@`localhost`"] in client.query(server, "SHOW GRANTS FOR dr@localhost;")
    events = "SELECT GROUP_CONCAT(DISTINCT STATUS) FROM information_schema.EVENTS WHERE EVENT_SCHEMA = 'his_drill';"
    assert one(server, events) == "DISABLED"
    told = "\n".join(done.hints)
    assert "dr@localhost, nurses" in told
    assert "its events are disabled: nightly\n" in f"{told}\n"
    assert not any(name.startswith(swap.WORKING) for name in swap.databases(server))
    with pytest.raises(BackupError) as caught:
        do(night, databases=("his",), target="his_drill")
    assert caught.value.cause.code == "target_exists"


def test_the_command_shows_first_and_changes_live_data_only_after_the_typed_name(
    night: Config, host: ClinicHost, server: Server
) -> None:
    there = swap.databases(server)
    shown = xinglin(host, "restore", "--database", "his", "--in-place", "--dry-run", "--json")
    told = json.loads(shown.stdout)
    assert told["confirm"] == "his"
    assert told["parts"][0]["live_becomes"].startswith("his_before_")
    refused = xinglin(host, "restore", "--database", "his", "--in-place", "--confirm", "hiss")
    assert refused.returncode == 2
    assert "Nothing was changed" in refused.stderr
    assert swap.databases(server) == there
    assert read_restores(night.restores) == []


def test_in_place_all_of_it_changes_places_and_can_come_back(night: Config, server: Server) -> None:
    client.query(
        server,
        "USE his; DELETE FROM visits; DROP VIEW counted; DROP PROCEDURE tidy;"
        "CREATE VIEW late AS SELECT n FROM unkeyed;"
        "CREATE TABLE new_one (id int PRIMARY KEY); CREATE PROCEDURE late() SELECT 1; ALTER EVENT nightly DISABLE;"
        "CREATE TRIGGER late AFTER INSERT ON patients FOR EACH ROW DELETE FROM new_one;"
        "GRANT EXECUTE ON FUNCTION his.age TO dr@localhost;",
    )
    client.query(server, "USE his; CREATE PROCEDURE tidy() SELECT 2; GRANT EXECUTE ON PROCEDURE tidy TO dr@localhost;")
    stop, refused = threading.Event(), []

    def application() -> None:
        """Write as an application would; it may be cut off, but what it writes must never pass a trigger by."""
        while not stop.is_set():
            try:
                client.query(server, "USE his; INSERT INTO visits VALUES (7, NOW(6), '  spaces  ', 1);")
            except BackupError as error:
                refused.append(error.cause.detail)

    writer = threading.Thread(target=application)
    writer.start()
    try:
        done = do(night, databases=("his",), in_place=True)
    finally:
        stop.set()
        writer.join()
    assert (done.record.cause, done.record.outcome) == (None, Outcome.SUCCESS)
    assert [step.name for step in done.record.steps] == ["fetch", "read", "restore", "compare", "switch"]
    assert one(server, "SELECT COUNT(*) FROM his.visits WHERE complaint LIKE ' %';") == "0"
    client.query(server, "DELETE FROM his.visits WHERE complaint = 'spaces';")
    require_same(night, server, "his")
    status = "SELECT EVENT_NAME, STATUS FROM information_schema.EVENTS WHERE EVENT_SCHEMA = '{}' ORDER BY 1;"
    assert client.query(server, status.format("his")) == [["nightly", "ENABLED"], ["off", "DISABLED"]]
    grants = {row[0] for row in client.query(server, "SHOW GRANTS FOR dr@localhost;")}
    assert "GRANT EXECUTE ON PROCEDURE `his`.`tidy` TO `dr`@`localhost`" in grants
    assert "GRANT UPDATE ON `his`.`visits` TO `dr`@`localhost`" in grants
    aside = next(name for name in swap.databases(server) if name.startswith("his_before_"))
    was = swap.shape(server, aside)
    assert {"new_one", "visits", "patients"} <= set(was.tables)
    assert set(was.views) == {"adults", "late"}
    assert set(was.triggers) == {("visits", "touch"), ("patients", "late")}
    assert ("PROCEDURE", "late") in was.routines
    assert "new_one" not in swap.shape(server, "his").tables
    assert client.query(server, status.format(aside)) == [["nightly", "DISABLED"], ["off", "DISABLED"]]
    refers = "SELECT DISTINCT REFERENCED_TABLE_SCHEMA FROM information_schema.KEY_COLUMN_USAGE "
    refers += f"WHERE TABLE_SCHEMA = '{aside}' AND REFERENCED_TABLE_SCHEMA IS NOT NULL;"
    assert one(server, refers) == aside
    undo = next(hint for hint in done.hints if hint.startswith("to undo: ")).removeprefix("to undo: ")
    subprocess.run(["sh", "-c", undo], check=True, capture_output=True, timeout=60, cwd="/")
    assert int(one(server, "SELECT COUNT(*) FROM his.visits WHERE complaint NOT LIKE '%spaces%';")) == 0
    assert ["late"] in client.query(server, "SELECT TRIGGER_NAME FROM information_schema.TRIGGERS;")


def test_a_lost_database_comes_back_under_its_name(night: Config, server: Server) -> None:
    expected = of(night)
    client.query(server, "DROP DATABASE his;")
    done = do(night, everything=True, in_place=True)
    assert done.record.cause is None
    require_equal(expected, server, Findings(lambda _: None), "his", "his")


def test_what_differs_from_its_manifest_never_takes_the_live_ones_place(
    night: Config, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = plan.make(night, Request("his", databases=("his",), in_place=True), now_utc())
    item = made.parts[0]
    assert isinstance(item, MariadbPlan)
    table = item.expected.tables["visits"]
    monkeypatch.setitem(item.expected.tables, "visits", manifest.Table(table.query, 8999, "x", {}))
    done = operation.execute(night, made, show=lambda *_: None)
    assert done.record.cause is not None
    assert done.record.cause.code == "manifest_mismatch"
    names = swap.databases(server)
    assert not any(name.startswith(("his_before_", swap.WORKING)) for name in names)
    assert any(name.startswith("his_differs_") for name in names)
    assert one(server, "SELECT COUNT(*) FROM his.visits;") == "9000"


def test_a_swap_that_fails_in_the_middle_is_taken_back(
    night: Config, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.query(server, "DELETE FROM his.visits LIMIT 1;")
    before = swap.shape(server, "his")
    plain = load.load_script

    def failing(server: Server, source: Path, name: str, place: str) -> None:
        if source.name == "new.triggers.sql":
            raise BackupError("target_failed", place, "as the test wants")
        plain(server, source, name, place)

    monkeypatch.setattr(swap, "load_script", failing)
    done = do(night, databases=("his",), in_place=True)
    assert done.record.cause is not None
    assert done.record.cause.detail == "as the test wants"
    assert swap.shape(server, "his") == before
    assert one(server, "SELECT COUNT(*) FROM his.visits;") == "8999"
    assert not any(name.startswith(("his_", swap.WORKING)) for name in swap.databases(server))


def test_a_database_that_others_refer_to_is_not_swapped(night: Config, server: Server) -> None:
    client.query(
        server,
        "CREATE DATABASE billing; CREATE TABLE billing.bills (patient bigint REFERENCES his.patients (id));",
    )
    with pytest.raises(BackupError) as caught:
        do(night, databases=("his",), in_place=True)
    assert "billing.bills" in caught.value.cause.detail
