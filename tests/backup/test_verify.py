"""The restore test, on backups that are good and on backups that are not."""

import hashlib
import os
import random
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from backup.errors import BackupError
from backup.night import backup_set
from backup.night.recorder import now_utc
from backup.postgres import manifest, postgresql
from backup.postgres.manifest import DatabaseManifest
from backup.postgres.postgresql import Database
from backup.postgres.psql_session import Session, session
from backup.repositories import repository, restic
from backup.repositories.repository import Added
from backup.restore.request import LATEST
from backup.restore.sets import choose, open_sets
from backup.sources.paths import sample
from backup.sources.work import Stored
from backup.status import Verdict, read_verifications
from backup.verification.findings import Findings
from backup.verification.verify import verify_policy
from tests.backup.clinic_host import ClinicHost, run
from tests.backup.conftest import scratch_place
from tests.backup.test_death import await_true


def test_a_good_backup_is_proved_with_measured_rpo_and_rto(
    host: ClinicHost, cluster: Database, units_umask: None
) -> None:
    config = host.with_database(cluster)
    done = run(config)
    for name in ("local", "offsite"):
        with scratch_place() as place:
            proof = verify_policy(config, config.policy("his"), name, scratch_parent=place)
            assert list(place.iterdir()) == []
        assert proof.cause is None
        assert proof.verdict is Verdict.PASSED
        assert proof.snapshot_id == (done.snapshot_id if name == "local" else done.offsite_snapshot_id)
        assert proof.rpo_seconds is not None
        assert proof.rto_seconds is not None
        assert proof.as_of is not None
        steps = {step.name: step for step in done.steps}
        probed = steps["append_only"].finished_at
        assert probed is not None
        assert probed <= proof.as_of <= steps["dump"].started_at
        assert set(proof.phases) == {"find", "fetch", "read", "server", "restore", "compare", "amcheck", "files"}
        assert {assertion.status for assertion in proof.assertions} == {Verdict.PASSED}
    assert len(read_verifications(config.verifications)) == 2


def test_a_schema_changed_between_dump_and_manifest_waits_and_the_backup_is_proved(
    host: ClinicHost, cluster: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = replace(host.with_database(cluster), offsite=None)
    postgresql.query(cluster, "CREATE TABLE public.changing AS SELECT 1 AS id;")
    compute_in = manifest.compute_in
    changes = ("ALTER TABLE public.changing RENAME id TO number;", "DROP TABLE registry.drugs;")
    threads: list[threading.Thread] = []

    def late(own: Session, *arguments: Any) -> DatabaseManifest:  # noqa: ANN401
        if not threads:
            threads.extend(threading.Thread(target=migrations[change].ask, args=(change, 60)) for change in changes)
            for thread in threads:
                thread.start()
            waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock';"
            await_true(lambda: own.ask(waiting) == "2", "both changes to wait")
        return compute_in(own, *arguments)

    monkeypatch.setattr(manifest, "compute_in", late)
    try:
        with session(cluster) as first, session(cluster) as second:
            migrations = dict(zip(changes, (first, second), strict=True))
            for own in (first, second):
                own.ask("BEGIN;")
            done = run(config)
            for own, thread in zip((first, second), threads, strict=True):
                thread.join(60)
                assert own.ask("SELECT txid_current_if_assigned() IS NOT NULL;") == "t", "it went through afterwards"
                own.ask("ROLLBACK;")
    finally:
        postgresql.query(cluster, "DROP TABLE public.changing;")
    assert done.cause is None
    proof = verify_policy(config, config.policy("his"))
    assert (proof.verdict, proof.cause) == (Verdict.PASSED, None)


@pytest.mark.parametrize(
    ("seconds", "restored", "in_set", "expected"),
    [
        (None, 10**9, 10**9, None),
        (60.0, 10**9, 10**9, 60.0),
        (60.0, 10**9, 10**9 + 1000, 60.0),
        (60.0, 10**9, 5 * 10**9, 60.0 + 4 * 30.0),
        (60.0, 10**6, 5 * 10**9, None),
    ],
)
def test_the_forecast_adds_what_was_only_sampled_at_the_rate_of_what_came(
    seconds: float | None, restored: int, in_set: int, expected: float | None
) -> None:
    phases = {"fetch": 20.0, "files": 10.0, "restore": 30.0}
    findings = Findings(lambda _: None, bytes_restored=restored, bytes_in_set=in_set, phases=phases)
    assert findings.forecast(seconds) == expected


def test_a_killed_verification_takes_its_server_with_it_and_the_next_one_sweeps(
    host: ClinicHost, cluster: Database
) -> None:
    """SIGKILL leaves a directory with the clinic's data in it, and nobody who would remove it."""
    config = replace(host.with_database(cluster), offsite=None)
    run(config)
    # It never gets further than the server's start, however late we are.
    script = (
        "import sys, time; from pathlib import Path; from backup.config import policy_file;"
        "from backup.postgres import restore_database;"
        "from backup.verification.verify import verify_policy;"
        "restore_database._restore = lambda *_: time.sleep(600);"
        "config = policy_file.load(Path(sys.argv[1]));"
        "verify_policy(config, config.policy('his'), scratch_parent=Path(sys.argv[2]))"
    )
    with scratch_place() as place:
        killed = subprocess.Popen([sys.executable, "-c", script, host.config_path, place])
        await_true(lambda: list(place.glob("*/*/postgresql/.s.PGSQL.*[0-9]")), "the scratch server")
        (left,) = place.iterdir()
        server = int(next(left.glob("*/postgresql/data/postmaster.pid")).read_text().split("\n")[0])
        killed.kill()
        killed.wait()
        await_true(lambda: not Path(f"/proc/{server}").exists(), "the scratch server to end with its parent")
        os.utime(left, (0, 0))
        assert verify_policy(config, config.policy("his"), scratch_parent=place).verdict is Verdict.PASSED
        assert list(place.iterdir()) == []


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


def test_a_set_with_a_date_of_the_future_is_not_taken_for_the_newest(host: ClinicHost) -> None:
    config = host.with_files()
    done = run(config)
    local = config.repository("local")
    tags = ["--tag", "run=20310101T000000Z-his-ffffff", "--tag", "policy=his", "--tag", "kind=set"]
    forged = ["backup", "--host", "his1", "--time", "2031-01-01 00:00:00", *tags, str(host.files)]
    restic.demand(restic.run(forged, local), local)
    proof = verify_policy(config, config.policy("his"))
    assert (proof.verdict, proof.snapshot_id) == (Verdict.PASSED, done.snapshot_id)
    sets = open_sets(config, "his", "local")
    assert choose(sets, LATEST, config.timezone).id == done.snapshot_id


def test_nothing_compared_is_no_proof(host: ClinicHost) -> None:
    """An empty directory is what a disk that was not mounted looks like, and it is backed up without a complaint."""
    config = host.with_files()
    for path in host.files.iterdir():
        path.unlink()
    assert run(config).cause is None
    proof = verify_policy(config, config.policy("his"))
    assert proof.verdict is Verdict.SKIPPED
    assert proof.cause is not None
    assert proof.cause.code == "nothing_compared"
    assert "no file was there that could be hashed" in proof.cause.detail
    assert proof.rto_seconds is None


def test_a_set_of_sources_that_the_policy_has_no_more_is_no_proof(host: ClinicHost) -> None:
    assert run(host.with_files()).cause is None
    (host.root / "other").mkdir()
    config = host.configure([{"paths": [str(host.root / "other")]}])
    proof = verify_policy(config, config.policy("his"))
    assert proof.verdict is Verdict.SKIPPED
    assert proof.cause is not None
    assert "the policy has it no longer" in proof.cause.detail


def test_files_that_all_changed_meanwhile_prove_nothing(host: ClinicHost, monkeypatch: pytest.MonkeyPatch) -> None:
    config, store = host.with_files(), repository.backup_paths

    def late(*arguments: Any, **options: Any) -> Added:  # noqa: ANN401
        for path in host.files.iterdir():
            os.utime(path, (1, 1))
        return store(*arguments, **options)

    monkeypatch.setattr(repository, "backup_paths", late)
    assert run(config).cause is None
    proof = verify_policy(config, config.policy("his"))
    assert proof.verdict is Verdict.SKIPPED
    assert "0 the same, 2 changed while the backup ran, 0 not" in str(proof.cause)


@pytest.mark.parametrize("change", [{"filename": "../../out"}, {"name": "/etc/cron.d/out"}, {"name": ".."}])
def test_a_manifest_whose_names_lead_elsewhere_is_none(tmp_path: Path, change: dict[str, str]) -> None:
    part = replace(backup_set.Part("sqlite", "a", None, "a.sqlite", 1, {}), **change)  # type: ignore[arg-type]
    backup_set.write(tmp_path / "manifest.json", backup_set.BackupSet("r", "his1", "his", now_utc(), (part,)))
    with pytest.raises(ValueError, match="not the name of a file"):
        backup_set.read(tmp_path / "manifest.json")


def test_a_staged_file_is_written_below_its_place_alone(host: ClinicHost, tmp_path: Path) -> None:
    config = host.with_files()
    run(config)
    sets = open_sets(config, "his", "local")
    stored = Stored(sets.repository, sets.sealed[0], sets.listed, config.staging, tmp_path)
    assert stored.staged(backup_set.MANIFEST_NAME).parent == tmp_path
    for name in ("../out", "/etc/cron.d/out", "devices/../../out"):
        with pytest.raises(BackupError, match="leads elsewhere"):
            stored.staged(name)
