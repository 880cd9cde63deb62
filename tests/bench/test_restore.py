"""Restoring and proving a 2 GB PostgreSQL database, beside plain ``restic dump`` and ``pg_restore -j2``.

Both take the same snapshot from the same rest-server, one after the other in the same run.  Ours also reads the dump
to its end, makes a server of its own, hashes every row again, and has every page and index checked.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from backup.postgres import postgresql, scratch
from backup.postgres.postgresql import Database
from backup.repositories import repository
from backup.status import Verdict
from backup.verification.verify import verify_policy
from tests.backup import tools
from tests.backup.clinic_host import ClinicHost, run
from tests.backup.conftest import new_host, scratch_place

pytestmark = pytest.mark.bench
GIGABYTES = 2.0
MOST = 4.0
"""How much longer than the plain restore ours may take."""
VISITS = """
CREATE TABLE public.visits AS SELECT n AS id, n % 400000 AS patient,
  timestamptz '2026-01-01' + n * interval '1 s' AS at, repeat(md5(n::text), 15) AS notes
  FROM generate_series(1, 3300000) n;
ALTER TABLE public.visits ADD PRIMARY KEY (id);
CREATE INDEX visits_patient ON public.visits (patient, at);
"""
PATIENTS = """
CREATE TABLE public.patients AS SELECT n AS id, md5(n::text) AS name, repeat(md5((-n)::text), 5) AS address
  FROM generate_series(1, 400000) n;
ALTER TABLE public.patients ADD PRIMARY KEY (id);
CREATE INDEX patients_name ON public.patients (name);
"""


@pytest.fixture
def big() -> Iterator[Database]:
    """A database of about 2 GB on a server of its own."""
    with scratch_place() as place, scratch.server(place, int(postgresql.binary("postgres").parts[-3])) as server:
        postgresql.query(server.source, "CREATE DATABASE big;")
        source = server.database("big")
        postgresql.query(source, PATIENTS + VISITS, 600)
        yield source


@pytest.fixture
def new(programs: tools.Tools, made_repositories: Path, tmp_path: Path) -> Iterator[ClinicHost]:
    """A host with empty repositories."""
    with new_host(tmp_path, programs, made_repositories) as made:
        yield made


def seconds(action: Callable[[], object]) -> float:
    began = time.monotonic()
    action()
    return time.monotonic() - began


def test_a_restore_that_is_proved_beside_one_that_is_not(
    restic_on_path: None, big: Database, new: ClinicHost, capsys: pytest.CaptureFixture[str]
) -> None:
    size = int(postgresql.query(big, "SELECT pg_database_size('big');"))
    with scratch_place() as place:
        config = replace(new.with_database(big), offsite=None)
        done = run(config)
        assert done.cause is None
        backup = sum((step.finished_at - step.started_at).total_seconds() for step in done.steps if step.finished_at)
        dump = next(item for item in repository.snapshots(config.repository("local")) if item.tag("kind") == "dump")
        staged = place / "big.dump"
        staged.touch()

        def plain() -> None:
            repository.dump(config.repository("local"), dump.id, "/big.dump", staged, 600)
            staged.chmod(0o644)
            postgresql.query(big, "CREATE DATABASE plain TEMPLATE template0;")
            arguments = ["--exit-on-error", "--jobs=2", "--dbname=plain", str(staged)]
            assert postgresql.program("pg_restore", 1, big, arguments, 600) == (0, "")

        plain_seconds = seconds(plain)
        staged.unlink()
        postgresql.query(big, "DROP DATABASE plain;")
        proof = verify_policy(config, config.policy("his"), scratch_parent=place)
    assert (proof.verdict, proof.cause) == (Verdict.PASSED, None)
    assert proof.rto_seconds is not None
    ratio = proof.rto_seconds / plain_seconds
    with capsys.disabled():
        phases = ", ".join(f"{name} {taken:.1f}" for name, taken in proof.phases.items())
        print(f"\n{size / 1e9:.2f} GB, backed up in {backup:.1f} s")
        print(f"restic dump + pg_restore -j2 {plain_seconds:6.1f} s, {size / plain_seconds / 1e6:.0f} MB/s")
        print(f"restored and proved          {proof.rto_seconds:6.1f} s, {size / proof.rto_seconds / 1e6:.0f} MB/s")
        print(f"ratio {ratio:.2f}; seconds: {phases}")
    assert size > GIGABYTES * 1e9
    assert ratio <= MOST
