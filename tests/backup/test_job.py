"""The nightly job against a real PostgreSQL and two real append-only rest-servers."""

from backup.postgres.postgresql import Database
from backup.repositories import repository
from backup.status import Outcome, read_runs
from tests.backup.clinic_host import ClinicHost, both, run

STEPS = ["preflight", "append_only", "dump", "backup", "check", "guard", "copy", "check_offsite"]


def test_a_night_ends_with_the_same_set_in_both_repositories(host: ClinicHost, cluster: Database) -> None:
    config = host.with_database(cluster)
    local, offsite = both(config)
    done = run(config)
    assert done.cause is None
    assert done.outcome is Outcome.SUCCESS
    assert [step.name for step in done.steps] == STEPS
    here, there = repository.snapshots(local), repository.snapshots(offsite)
    assert [snapshot.tag("kind") for snapshot in here] == ["dump", "set"]
    assert {snapshot.tag("run") for snapshot in here} == {done.run_id}
    assert done.snapshot_id == here[1].id
    assert {snapshot.original for snapshot in there} == {snapshot.id for snapshot in here}
    assert done.offsite_snapshot_id in {snapshot.id for snapshot in there}
    assert done.steps[2].numbers["rows"] > 13_000
    assert done.steps[2].numbers["bytes"] > 500_000
    assert read_runs(config.runs) == [done]
    assert not (config.state_directory / "staging").exists()
