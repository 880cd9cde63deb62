"""The restore test, on backups that are good and on backups that are not."""

from backup import verify
from backup.policy import PostgresqlSource
from backup.status import Verdict, read_verifications
from backup.verify import verify_policy
from tests.backup.clinic_host import ClinicHost, run


def test_a_good_backup_is_proved_with_measured_rpo_and_rto(host: ClinicHost, cluster: PostgresqlSource) -> None:
    config = host.with_database(cluster)
    done = run(config)
    for repository in ("local", "offsite"):
        proof = verify_policy(config, config.policy("his"), repository)
        assert proof.cause is None
        assert proof.verdict is Verdict.PASSED
        assert proof.snapshot_id == (done.snapshot_id if repository == "local" else done.offsite_snapshot_id)
        assert proof.rpo_seconds is not None
        assert proof.rto_seconds is not None
        assert proof.as_of is not None
        assert abs((done.started_at - proof.as_of).total_seconds()) < 5
        assert set(proof.phases) == {"find", "fetch", "read", "server", "restore", "compare", "files"}
        assert {assertion.status for assertion in proof.assertions} == {Verdict.PASSED}
    assert len(read_verifications(config.verifications)) == 2
    assert not list(verify.SCRATCH_PARENT.glob("xinglin-verify-*"))
