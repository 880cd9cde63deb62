"""The PostgreSQL source against a real server."""

import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO

import pytest

from backup.errors import BackupError
from backup.night import job
from backup.postgres import exported_snapshot as module
from backup.postgres import manifest, postgresql
from backup.postgres.catalogue import normalise
from backup.postgres.exported_snapshot import exported_snapshot
from backup.postgres.postgresql import Database, ExportedSnapshot
from backup.postgres.psql_session import Session, session
from backup.process import Producer
from backup.status import Trigger
from tests.backup.clinic_host import ClinicHost


@contextmanager
def table_of_its_own(source: Database, name: str) -> Iterator[None]:
    postgresql.query(source, f"CREATE TABLE public.{name} (id int PRIMARY KEY); INSERT INTO public.{name} VALUES (1);")  # noqa: S608
    try:
        yield
    finally:
        postgresql.query(source, f"DROP TABLE IF EXISTS public.{name};")


def dump(source: Database, snapshot: ExportedSnapshot, *arguments: str) -> bytes:
    """Run pg_dump as the job does and return what it wrote."""
    with tempfile.TemporaryFile() as stderr, postgresql.dump_stream(source, snapshot, stderr) as producer:
        written = bytearray()
        thread = threading.Thread(target=lambda: written.extend(Path(f"/dev/fd/{producer.read_end}").read_bytes()))
        thread.start()
        returncode = producer.process.wait(60)
        producer.close()
        thread.join(60)
        assert returncode == 0, postgresql.said(stderr)
        return bytes(written)


def test_a_manifest_hash_can_be_redone_with_psql_and_sha256sum(cluster: Database) -> None:
    found = manifest.compute(cluster)
    table = found.tables["public.visits"]
    output = postgresql.query(cluster, f"COPY ({table.query}) TO STDOUT;")
    redone = subprocess.run(["sha256sum"], input=output.encode(), capture_output=True, check=True, timeout=30).stdout
    assert redone.split()[0].decode() == table.sha256
    assert table.rows == 9000
    assert table.newest == {"at": "2026-01-07 06:00:00+00"}
    assert {name: facts.rows for name, facts in found.tables.items()} == {
        "pg_catalog.pg_largeobject": 1,
        'public."Ärzte; DROP"': 0,
        "public.base": 0,
        "public.child": 2,
        "public.nothing": 0,
        "public.patients": 3000,
        "public.prescriptions_2025": 213,
        "public.prescriptions_2026": 187,
        "public.unkeyed_log": 500,
        "public.visits": 9000,
        "registry.drugs": 200,
    }
    assert found.extensions["pg_trgm"]
    assert found.schema["large_objects"] == 1
    assert found.sequences["public.visits_id_seq"] == manifest.Sequence(9000, 9000)
    assert found.schema["triggers"] == 1
    assert found.schema["foreign_keys"] == found.schema["foreign_keys_validated"] == 1
    assert set(found.definitions) == {"columns", "constraints", "functions", "indexes", "privileges", "triggers"}
    assert "public.visits visits_touch" in found.definitions["triggers"]
    assert manifest.from_json(found.to_json()) == found


def test_a_manifest_in_an_exported_snapshot_does_not_see_later_writes(cluster: Database) -> None:
    with exported_snapshot(cluster) as (own, _):
        before = manifest.compute_in(own)
        postgresql.query(cluster, "INSERT INTO registry.drugs VALUES ('late', '迟', 1);")
        try:
            assert manifest.compute_in(own).tables == before.tables
            assert manifest.compute(cluster).tables != before.tables
        finally:
            postgresql.query(cluster, "DELETE FROM registry.drugs WHERE code = 'late';")


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE public.shaped ADD COLUMN extra text DEFAULT 'x'",
        "ALTER TABLE public.shaped ALTER COLUMN id TYPE bigint",
        "DROP TABLE public.shaped",
        "TRUNCATE public.shaped",
    ],
)
def test_a_change_of_shape_is_refused_while_a_dump_and_its_manifest_are_made(cluster: Database, change: str) -> None:
    with table_of_its_own(cluster, "shaped"):
        with exported_snapshot(cluster) as (own, snapshot):
            dump(cluster, snapshot)
            with pytest.raises(BackupError, match="lock timeout"):
                postgresql.query(cluster, f"SET lock_timeout = '100ms'; {change};")
            assert manifest.compute_in(own).tables["public.shaped"].rows == 1
        postgresql.query(cluster, f"SET lock_timeout = '10s'; {change};")


def test_a_change_of_shape_that_waits_for_the_dump_does_not_hold_the_manifest_up(cluster: Database) -> None:
    with table_of_its_own(cluster, "queued"):
        with exported_snapshot(cluster) as (own, snapshot), session(cluster) as migration:
            dump(cluster, snapshot)
            waiter = threading.Thread(
                target=lambda: migration.ask("ALTER TABLE public.queued ADD COLUMN extra text;", 60)
            )
            waiter.start()
            waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'public.queued'::regclass;"
            while own.ask(waiting) != "1":
                pass
            found = manifest.compute_in(own)
            own.ask("ROLLBACK;")
            waiter.join(60)
            assert not waiter.is_alive()
        assert found.tables["public.queued"].query.startswith("SELECT id FROM")
        assert manifest.compute(cluster).tables["public.queued"].query.startswith("SELECT id, extra FROM")


def test_a_schema_change_that_comes_before_pg_dump_has_its_locks_costs_another_try(
    host: ClinicHost, cluster: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pg_dump would wait for the change, the change for us, and we for pg_dump."""
    config = replace(host.with_database(cluster), offsite=None)
    with table_of_its_own(cluster, "queued"), session(cluster) as migration:
        waiter = threading.Thread(target=lambda: migration.ask("ALTER TABLE public.queued ADD COLUMN extra text;", 60))
        original = postgresql.dump_stream

        def late(source: Database, snapshot: ExportedSnapshot, stderr: IO[bytes]) -> AbstractContextManager[Producer]:
            monkeypatch.setattr(postgresql, "DUMP_LOCK_SECONDS", 60 if waiter.ident else 1)
            if not waiter.ident:
                waiter.start()
                waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock';"
                while postgresql.query(cluster, waiting).strip() != "1":
                    pass
            return original(source, snapshot, stderr)

        monkeypatch.setattr(postgresql, "dump_stream", late)
        done = job.run_policy(config, config.policy("his"), Trigger.MANUAL, sleep=waiter.join)
        assert done.cause is None
        assert next(step for step in done.steps if step.name == "dump").numbers["retries"] == 1
        assert not waiter.is_alive()


def test_a_table_made_meanwhile_is_in_neither_dump_nor_manifest(cluster: Database) -> None:
    with exported_snapshot(cluster) as (own, snapshot), table_of_its_own(cluster, "latecomer"):
        assert b"latecomer" not in dump(cluster, snapshot)
        assert "public.latecomer" not in manifest.compute_in(own).tables


def test_a_table_dropped_between_the_list_and_the_locks_only_costs_another_try(
    cluster: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone_once = iter(["LOCK TABLE public.never_there;"])
    original = Session.ask

    def ask(self: Session, script: str, timeout_seconds: float = 60) -> str:
        if script is module.LOCK:
            script = script.replace(":locks", next(gone_once, ":locks"))
        return original(self, script, timeout_seconds)

    monkeypatch.setattr(Session, "ask", ask)
    with exported_snapshot(cluster) as (own, _):
        assert next(gone_once, None) is None
        assert own.ask("SELECT count(*) > 5 FROM pg_locks WHERE pid = pg_backend_pid() AND mode = 'AccessShareLock';")


def test_a_table_that_stays_locked_fails_the_dump_and_says_so(
    cluster: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOCK", module.LOCK.replace("300s", "100ms"))
    with session(cluster) as other:
        other.ask("BEGIN; LOCK TABLE registry.drugs IN ACCESS EXCLUSIVE MODE;")
        with pytest.raises(BackupError, match="could not be locked: 55P03") as caught, exported_snapshot(cluster):
            pass
    assert caught.value.cause.code == "database_locked"


def test_a_database_without_tables_is_refused(cluster: Database) -> None:
    with exported_snapshot(replace(cluster, database="postgres")) as (own, _):
        found = manifest.compute_in(own)
    with pytest.raises(BackupError, match="no table"):
        manifest.require_tables(found, cluster)


def test_an_answer_that_does_not_come_is_given_up_and_its_session_ends(cluster: Database) -> None:
    with session(cluster) as own, pytest.raises(BackupError) as caught:
        own.ask("SELECT pg_sleep(600);", 0.2)
    assert caught.value.cause.code == "timed_out"


@pytest.mark.parametrize(
    ("first", "after_a_restore"),
    [
        (
            "CHECK (((state)::text = ANY ((ARRAY['a'::character varying, 'b'::character varying])::text[])))",
            "CHECK (((state)::text = ANY (ARRAY[('a'::character varying)::text, ('b'::character varying)::text])))",
        ),
        ("'x'::character varying(20)", "'x'"),
        ('(a)::"my schema"."Type"[] + 1', "a + 1"),
        ("(at)::timestamp(3) without time zone AND b", "at AND b"),
    ],
)
def test_one_definition_has_one_form_however_its_casts_are_printed(first: str, after_a_restore: str) -> None:
    assert normalise(first) == normalise(after_a_restore)


def test_another_definition_has_another_form() -> None:
    assert normalise("CHECK ((fee >= (0)::numeric))") != normalise("CHECK ((fee >= (1)::numeric))")
