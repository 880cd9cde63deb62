"""Backup metrics, from real status files."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from agent.collectors.backup import BackupCollector
from backup.status import (
    BackupRun,
    Outcome,
    Trigger,
    Verdict,
    Verification,
    write_run,
    write_verification,
)
from tests.agent.samples import key, samples

NIGHT = datetime(2026, 3, 1, 18, 0, tzinfo=UTC)
DAY = timedelta(days=1)
UNREADABLE = key("xinglin_backup_unreadable_status_files")


def run(number: int, outcome: Outcome, policy: str = "his") -> BackupRun:
    started = NIGHT + number * DAY
    return BackupRun(
        run_id=f"{number}-{policy}",
        host="his1",
        policy=policy,
        trigger=Trigger.SCHEDULE,
        boot_id="b",
        pid=1,
        started_at=started,
        finished_at=None if outcome is Outcome.RUNNING else started + timedelta(seconds=90 + number),
        outcome=outcome,
        bytes_processed=1000 + number,
    )


def verification(number: int, verdict: Verdict) -> Verification:
    started = NIGHT + number * DAY + timedelta(hours=1)
    return Verification(
        verification_id=f"{number}",
        host="his1",
        policy="his",
        repository="local",
        started_at=started,
        finished_at=started + timedelta(seconds=30),
        verdict=verdict,
        rpo_seconds=None if verdict is Verdict.SKIPPED else 3600.0 + number,
        rto_seconds=None if verdict is Verdict.SKIPPED else 25.5,
    )


def collect(directory: Path):
    return samples(BackupCollector(directory).collect())


def test_a_host_without_backups_shows_nothing(tmp_path: Path):
    assert collect(tmp_path) == {UNREADABLE: 0}


def test_a_run_that_failed_does_not_move_the_last_success(tmp_path: Path):
    for record in (run(1, Outcome.SUCCESS), run(2, Outcome.WARNING), run(3, Outcome.FAILED), run(4, Outcome.RUNNING)):
        write_run(tmp_path / "runs", record)
    found = collect(tmp_path)
    second = run(2, Outcome.WARNING)
    assert second.finished_at
    assert found[key("xinglin_backup_last_success_timestamp_seconds", policy="his")] == second.finished_at.timestamp()
    assert found[key("xinglin_backup_size_bytes", policy="his")] == 1002
    assert found[key("xinglin_backup_last_run_timestamp_seconds", policy="his")] == (NIGHT + 4 * DAY).timestamp()
    assert found[key("xinglin_backup_last_duration_seconds", policy="his")] == 93
    outcomes = {each: found[key("xinglin_backup_outcome", policy="his", outcome=each.value)] for each in Outcome}
    assert outcomes == {each: each is Outcome.RUNNING for each in Outcome}


def test_policies_are_told_apart(tmp_path: Path):
    write_run(tmp_path / "runs", run(1, Outcome.SUCCESS))
    write_run(tmp_path / "runs", run(2, Outcome.FAILED, policy="files"))
    found = collect(tmp_path)
    assert key("xinglin_backup_last_success_timestamp_seconds", policy="his") in found
    assert key("xinglin_backup_last_success_timestamp_seconds", policy="files") not in found
    assert found[key("xinglin_backup_outcome", policy="files", outcome="failed")] == 1


def test_the_last_restore_test_counts_and_a_skipped_one_does_not(tmp_path: Path):
    for record in (verification(1, Verdict.PASSED), verification(2, Verdict.FAILED), verification(3, Verdict.SKIPPED)):
        write_verification(tmp_path / "verifications", record)
    found = collect(tmp_path)
    tested = verification(2, Verdict.FAILED).finished_at.timestamp()
    assert found[key("xinglin_backup_restore_test_timestamp_seconds", policy="his", repository="local")] == tested
    assert found[key("xinglin_backup_restore_test_success", policy="his", repository="local")] == 0
    assert found[key("xinglin_backup_measured_rpo_seconds", policy="his", repository="local")] == 3602
    assert found[key("xinglin_backup_measured_rto_seconds", policy="his", repository="local")] == 25.5


def test_the_vaults_restore_test_does_not_hide_the_local_one(tmp_path: Path):
    vault = replace(verification(3, Verdict.PASSED), repository="offsite", rto_forecast_seconds=80.0)
    for record in (verification(2, Verdict.FAILED), vault):
        write_verification(tmp_path / "verifications", record)
    found = collect(tmp_path)
    success = {name: found[key("xinglin_backup_restore_test_success", policy="his", repository=name)]
               for name in ("local", "offsite")}  # fmt: skip
    assert success == {"local": 0, "offsite": 1}
    assert found[key("xinglin_backup_restore_forecast_seconds", policy="his", repository="offsite")] == 80


def test_a_damaged_status_file_hides_no_other(tmp_path: Path):
    write_run(tmp_path / "runs", run(1, Outcome.SUCCESS))
    (tmp_path / "runs/9-his.json").write_text('{"schema": 1, "run_id"')
    found = collect(tmp_path)
    assert found[key("xinglin_backup_outcome", policy="his", outcome="success")] == 1
    assert found[UNREADABLE] == 1
