"""The restore test, on backups that are good and on backups that are not."""

import hashlib
import random
from pathlib import Path

from backup.postgresql import Database
from backup.sources.paths import sample
from backup.status import Verdict, read_verifications
from backup.verify import verify_policy
from tests.backup.clinic_host import ClinicHost, run
from tests.backup.conftest import scratch_place


def test_a_good_backup_is_proved_with_measured_rpo_and_rto(host: ClinicHost, cluster: Database) -> None:
    config = host.with_database(cluster)
    done = run(config)
    for repository in ("local", "offsite"):
        with scratch_place() as place:
            proof = verify_policy(config, config.policy("his"), repository, scratch_parent=place)
            assert list(place.iterdir()) == []
        assert proof.cause is None
        assert proof.verdict is Verdict.PASSED
        assert proof.snapshot_id == (done.snapshot_id if repository == "local" else done.offsite_snapshot_id)
        assert proof.rpo_seconds is not None
        assert proof.rto_seconds is not None
        assert proof.as_of is not None
        assert abs((done.started_at - proof.as_of).total_seconds()) < 5
        assert set(proof.phases) == {"find", "fetch", "read", "server", "restore", "compare", "amcheck", "files"}
        assert {assertion.status for assertion in proof.assertions} == {Verdict.PASSED}
    assert len(read_verifications(config.verifications)) == 2


def test_the_sample_leaves_out_what_a_restore_could_not_give_back_or_restic_was_told_to_skip(tmp_path: Path) -> None:
    for name in ("plain.conf", "skip.tmp", "odd*name", "shared/in.conf", "cache/in.conf", "deep/er/in.conf"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (tmp_path / "shared").chmod(0o2755)
    (tmp_path / "link").symlink_to("plain.conf")
    chosen = sample([tmp_path], ["*.tmp", str(tmp_path / "cache")], random.Random(1))  # noqa: S311
    assert [item.path for item in chosen] == [str(tmp_path / "deep/er/in.conf"), str(tmp_path / "plain.conf")]
    assert chosen[1].sha256 == hashlib.sha256(b"plain.conf").hexdigest()
