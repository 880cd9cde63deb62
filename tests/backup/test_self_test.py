"""The restore test's own test: what it does when it cannot fail any more."""

from dataclasses import replace

import pytest

from backup.config.policy import Config
from backup.postgres import dump_file, postgresql, restored
from backup.postgres.manifest import DatabaseManifest
from backup.postgres.postgresql import Database
from backup.status import Assertion, Verdict, Verification
from backup.verification.findings import Findings
from backup.verification.verify import verify_policy
from tests.backup.clinic_host import ClinicHost, run
from tests.backup.forgery import forge


def verify(config: Config) -> Verification:
    return verify_policy(config, config.policy("his"), self_test=True)


def told(proof: Verification) -> dict[str, Verdict]:
    return {item.id: item.status for item in proof.assertions if item.id.startswith("self-test: ")}


FOUR = [
    "self-test: his: changed rows are caught",
    "self-test: his: a missing table is caught",
    "self-test: his: an old dump under a new date is caught",
    "self-test: his: a truncated dump is caught",
]


def test_a_good_backup_is_spoiled_in_four_ways_and_each_is_told(backed_up: Config) -> None:
    forge(backed_up)
    proof = verify(backed_up)
    assert proof.cause is None
    assert proof.verdict is Verdict.PASSED
    assert told(proof) == dict.fromkeys(FOUR, Verdict.PASSED)
    assert proof.rto_seconds is not None
    took = (proof.finished_at - proof.started_at).total_seconds()
    assert proof.rto_seconds <= took - proof.phases["self-test"] + 0.1
    assert (proof.rpo_target_seconds, proof.rto_target_seconds) == (24 * 3600, 4 * 3600)
    assert proof.bytes_restored > 500_000
    assert proof.rto_forecast_seconds == proof.rto_seconds


def test_a_restore_test_that_compares_nothing_gives_no_verdict(
    backed_up: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    def blind(expected: DatabaseManifest, got: DatabaseManifest) -> list[Assertion]:
        return []

    def content(expected: DatabaseManifest, staged: object, findings: Findings) -> None:
        """Require nothing."""

    forge(backed_up)
    monkeypatch.setattr(restored, "compare", blind)
    monkeypatch.setattr(dump_file, "require_time", content)
    monkeypatch.setattr(dump_file, "require_whole", content)
    proof = verify(backed_up)
    assert proof.verdict is Verdict.ERROR
    assert proof.cause is not None
    assert (proof.cause.code, proof.cause.place) == ("self_test_failed", "database his")
    assert proof.cause.detail.count("not caught (passed)") == 4
    assert told(proof) == dict.fromkeys(FOUR, Verdict.FAILED)


def test_a_database_without_two_different_rows_is_tested_as_far_as_it_can_be(
    host: ClinicHost, cluster: Database
) -> None:
    postgresql.query(cluster, "CREATE DATABASE tiny;")
    tiny = replace(cluster, database="tiny")
    try:
        postgresql.query(
            tiny, "CREATE TABLE public.one (a int, b text UNIQUE); INSERT INTO public.one VALUES (1, 'x');"
        )
        config = replace(host.with_database(tiny), offsite=None)
        run(config)
        proof = verify(config)
    finally:
        postgresql.query(cluster, "DROP DATABASE tiny;")
    assert proof.verdict is Verdict.PASSED
    assert list(told(proof).values()) == [Verdict.SKIPPED, Verdict.PASSED, Verdict.PASSED, Verdict.PASSED]
