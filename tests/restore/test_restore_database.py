"""A database restored into a real live server: beside, in place, refused, killed."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from backup.config.policy import Config
from backup.errors import BackupError
from backup.night.recorder import now_utc
from backup.postgres import manifest, postgresql
from backup.postgres.compare import compare
from backup.postgres.postgresql import Database
from backup.postgres.psql_session import session
from backup.restore import operation, plan, server
from backup.restore import postgresql as postgresql_part
from backup.restore.request import Request
from backup.status import Outcome, Verdict, read_restores
from tests.backup.clinic_host import ClinicHost, run
from tests.backup.test_cli import CHECKOUT, xinglin
from tests.backup.test_death import await_true

LOSE = "DELETE FROM public.visits; INSERT INTO registry.drugs VALUES ('NEW', '新药', 1);"


def rows(source: Database, table: str) -> int:
    return int(postgresql.query(source, f"SELECT count(*) FROM {table};"))  # noqa: S608


def do(config: Config, **request: object) -> operation.Done:
    made = plan.make(config, Request(policy="his", **request), now_utc())  # type: ignore[arg-type]
    return operation.execute(config, made, show=lambda *_: None)


def forget(source: Database) -> None:
    """Drop what a test restored."""
    for name in server.databases(source):
        if name.startswith(("his_", server.WORKING)):
            server.drop(source, name)


@pytest.fixture
def night(host: ClinicHost, cluster: Database) -> Config:
    """One backup of the clinic, whose database a person may now break."""
    config = host.with_database(cluster)
    assert run(config).outcome is Outcome.SUCCESS
    return config


def test_a_database_comes_back_beside_the_live_one_which_is_not_touched(
    night: Config, cluster: Database, units_umask: None
) -> None:
    before = manifest.compute(cluster)
    try:
        done = do(night, databases=("his",))
        assert done.record.cause is None
        assert done.record.outcome is Outcome.SUCCESS
        name = done.record.target.removeprefix("database ")
        assert name.startswith("his_restored_2")
        restored = manifest.compute(server.named(cluster, name))
        assert {answer.status for answer in compare(before, restored)} == {Verdict.PASSED}
        assert not [item for item in compare(before, manifest.compute(cluster)) if item.status is Verdict.FAILED]
        assert [step.name for step in done.record.steps] == ["fetch", "read", "restore", "compare", "switch"]
        assert read_restores(night.restores) == [done.record]
        assert done.record.bytes_restored > 500_000
        assert f'DROP DATABASE "{name}"' in done.hints[0]
        with pytest.raises(BackupError) as caught:
            do(night, databases=("his",), target=name)
        assert caught.value.cause.code == "target_exists"
    finally:
        forget(cluster)


def test_in_place_the_live_database_steps_aside_with_its_connections_ended_and_can_come_back(
    night: Config, cluster: Database
) -> None:
    owner = "SELECT datdba::regrole, ARRAY(SELECT unnest(datacl)::text ORDER BY 1) FROM pg_database "
    owner += "WHERE datname = 'his';"
    postgresql.query(cluster, "REVOKE CONNECT ON DATABASE his FROM PUBLIC; ALTER DATABASE his SET work_mem = '5MB';")
    run(night)
    rights = postgresql.query(cluster, owner)
    postgresql.query(cluster, LOSE)
    stop, seen = threading.Event(), []

    def application() -> None:
        """Hold a connection and reconnect at once, as an application's pool does."""
        while not stop.is_set():
            try:
                postgresql.query(cluster, "SELECT pg_sleep(30);")
            except BackupError as error:
                seen.append(error.cause.detail)

    pool = threading.Thread(target=application)
    pool.start()
    busy = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'his';"
    try:
        await_true(lambda: int(postgresql.query(server.maintenance(cluster), busy)), "the application's connection")
        done = do(night, databases=("his",), in_place=True)
        stop.set()
        postgresql.query(
            server.maintenance(cluster),
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'his' \\g /dev/null",
        )
        pool.join(60)
        assert done.record.cause is None
        assert any("terminating connection" in words for words in seen)
        assert rows(cluster, "public.visits") == 9000
        assert rows(cluster, "registry.drugs") == 200
        assert postgresql.query(cluster, owner) == rights
        assert postgresql.query(cluster, "SHOW work_mem;") == "5MB\n"
        aside = next(name for name in server.databases(cluster) if name.startswith("his_before_"))
        assert rows(server.named(cluster, aside), "public.visits") == 0
        undo = done.hints[0].removeprefix("to undo: ")
        subprocess.run(["sh", "-c", undo], check=True, capture_output=True, timeout=60, cwd="/")
        assert rows(cluster, "public.visits") == 0
        assert rows(server.named(cluster, "his_undone"), "public.visits") == 9000
        do(night, databases=("his",), in_place=True)
        assert rows(cluster, "public.visits") == 9000
    finally:
        stop.set()
        forget(cluster)
        postgresql.query(cluster, "ALTER DATABASE his RESET work_mem; GRANT CONNECT ON DATABASE his TO PUBLIC;")


def test_databases_change_places_also_where_a_program_takes_long_to_start(
    cluster: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rename waits five seconds for the connections that another session ends meanwhile."""
    start = postgresql.as_server_user

    def late(*arguments: Any, **options: Any) -> "subprocess.Popen[bytes]":  # noqa: ANN401
        if threading.current_thread() is not threading.main_thread():
            time.sleep(7)
        return start(*arguments, **options)

    monkeypatch.setattr(postgresql, "as_server_user", late)
    postgresql.query(cluster, "CREATE DATABASE his_live;")
    postgresql.query(cluster, "CREATE DATABASE his_new;")
    try:
        with session(server.named(cluster, "his_live")) as application:
            application.ask("SELECT 1;")
            server.switch(cluster, "his_live", "his_aside", "his_new")
        assert {"his_live", "his_aside"} < server.databases(cluster)
        assert "his_new" not in server.databases(cluster)
    finally:
        forget(cluster)


def test_a_role_that_is_missing_is_made_and_one_that_exists_is_left_alone(night: Config, cluster: Database) -> None:
    postgresql.query(cluster, 'CREATE ROLE "护士 1" LOGIN PASSWORD \'x\'; GRANT SELECT ON public.visits TO "护士 1";')
    run(night)
    postgresql.query(
        cluster, 'REVOKE SELECT ON public.visits FROM "护士 1"; DROP ROLE "护士 1"; ALTER ROLE his CONNECTION LIMIT 7;'
    )
    try:
        assert do(night, databases=("his",), target="his_again").record.outcome is Outcome.SUCCESS
        answer = postgresql.query(
            server.named(cluster, "his_again"), "SELECT has_table_privilege('护士 1', 'public.visits', 'SELECT');"
        )
        assert answer == "t\n"
        assert postgresql.query(cluster, "SELECT rolconnlimit FROM pg_roles WHERE rolname = 'his';") == "7\n"
    finally:
        forget(cluster)
        postgresql.query(cluster, 'DROP ROLE "护士 1"; ALTER ROLE his CONNECTION LIMIT -1;')


def test_a_database_that_differs_from_its_manifest_never_takes_the_live_ones_place(
    night: Config, cluster: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = plan.make(night, Request("his", databases=("his",), in_place=True), now_utc())
    item = made.parts[0]
    assert isinstance(item, postgresql_part.DatabasePlan)
    table = item.expected.tables["public.visits"]
    monkeypatch.setitem(item.expected.tables, "public.visits", manifest.Table(table.query, 8999, "x", {}))
    try:
        done = operation.execute(night, made, show=lambda *_: None)
        assert done.record.outcome is Outcome.FAILED
        assert done.record.cause is not None
        assert done.record.cause.code == "manifest_mismatch"
        assert not any(name.startswith("his_before_") for name in server.databases(cluster))
        assert any(name.startswith("his_differs_") for name in server.databases(cluster))
    finally:
        forget(cluster)


def test_the_command_shows_first_and_changes_live_data_only_after_the_typed_name(
    night: Config, host: ClinicHost, cluster: Database
) -> None:
    there = server.databases(cluster)
    shown = xinglin(host, "restore", "--database", "his", "--in-place", "--dry-run", "--json")
    assert shown.returncode == 0, shown.stderr
    told = json.loads(shown.stdout)
    assert told["confirm"] == "his"
    assert told["parts"][0]["live_becomes"].startswith("his_before_")
    assert told["parts"][0]["rows"] > 9000
    for wrong in ([], ["--confirm", "hiss"]):
        refused = xinglin(host, "restore", "--database", "his", "--in-place", *wrong)
        assert refused.returncode == 2
        assert "Nothing was changed" in refused.stderr
    assert server.databases(cluster) == there
    assert read_restores(night.restores) == []
    unknown = xinglin(host, "restore", "--database", "pacs")
    assert "it has: his" in unknown.stderr
    try:
        done = xinglin(host, "restore", "--database", "his", "--target", "his_drill", "--purpose", "drill", "--json")
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["purpose"] == "drill"
        assert read_restores(night.restores)[0].target == "database his_drill"
    finally:
        forget(cluster)


def test_a_restore_that_does_not_fit_is_refused_before_anything_is_written(
    night: Config, cluster: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgresql_part, "SIZE_FACTOR", 1e12)
    there = server.databases(cluster)
    with pytest.raises(BackupError) as caught:
        do(night, databases=("his",))
    assert caught.value.cause.code == "target_space"
    assert "are needed" in caught.value.cause.detail
    assert server.databases(cluster) == there


SLOW = """
CREATE FUNCTION public.rest() RETURNS int LANGUAGE sql AS
  $$ SELECT 1 FROM pg_sleep((SELECT 600 * count(*) FROM pg_roles WHERE rolname = 'slow')) $$;
CREATE MATERIALIZED VIEW public.rests AS SELECT public.rest() AS one;
"""
"""A view that takes ten minutes to restore while there is a role ``slow``."""


@pytest.fixture
def slow_night(host: ClinicHost, cluster: Database) -> Iterator[Config]:
    """One backup of a clinic whose restore comes to no end until ``DROP ROLE slow``."""
    postgresql.query(cluster, SLOW)
    try:
        config = host.with_database(cluster)
        assert run(config).outcome is Outcome.SUCCESS
        postgresql.query(cluster, "CREATE ROLE slow;")
        yield config
    finally:
        postgresql.query(cluster, "DROP ROLE IF EXISTS slow; DROP MATERIALIZED VIEW public.rests;")
        postgresql.query(cluster, "DROP FUNCTION public.rest();")


def test_a_killed_restore_leaves_nothing_that_looks_whole_and_the_next_one_removes_it(
    slow_night: Config, host: ClinicHost, cluster: Database
) -> None:
    night = slow_night
    resting = f"SELECT count(*) FROM pg_stat_activity WHERE datname ^@ '{server.WORKING}' AND wait_event = 'PgSleep';"  # noqa: S608
    command = [sys.executable, "xinglin.py", "backup", "restore", "--config", str(host.config_path)]
    command += ["--database", "his", "--target", "his_killed"]
    killed = subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        await_true(lambda: int(postgresql.query(cluster, resting)), "the restore to be in the middle")
        os.kill(killed.pid, signal.SIGKILL)
        killed.wait(60)
        assert "his_killed" not in server.databases(cluster)
        assert [record.outcome for record in read_restores(night.restores)] == [Outcome.RUNNING]
        postgresql.query(cluster, "DROP ROLE slow;")
        assert do(night, databases=("his",), target="his_killed").record.outcome is Outcome.SUCCESS
        assert not any(name.startswith(server.WORKING) for name in server.databases(cluster))
        after, before = read_restores(night.restores)
        assert after.outcome is Outcome.SUCCESS
        assert before.outcome is Outcome.INTERRUPTED
        assert before.cause is not None
        assert before.cause.code == "restore_interrupted"
    finally:
        forget(cluster)


def test_with_the_local_repository_gone_and_no_state_the_offsite_one_is_enough(
    night: Config, host: ClinicHost, cluster: Database, tmp_path: Path
) -> None:
    host.local_server.stop()
    (night.state_directory).rename(tmp_path / "lost")
    try:
        done = xinglin(host, "restore", "--database", "his", "--target", "his_offsite", "--json")
        assert done.returncode == 0, done.stderr
        assert "taking the offsite repository" in done.stderr
        record = json.loads(done.stdout)
        assert (record["repository"], record["outcome"]) == ("offsite", "success")
        assert rows(server.named(cluster, "his_offsite"), "public.visits") == 9000
    finally:
        forget(cluster)
