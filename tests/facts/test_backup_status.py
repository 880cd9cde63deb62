"""The backup probe reads what the backup room really writes."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from agent.facts.backup_status import KEPT, status
from agent.facts.probes import BACKUP_READER
from backup.status import BackupRun, Outcome, Step, Trigger, Verdict, Verification, write_run, write_verification

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)


def write(state: Path, days: int) -> None:
    """Write one good run and its verification of ``days`` ago."""
    start = NOW - timedelta(days=days)
    end = start + timedelta(seconds=50)
    run = BackupRun(
        run_id=f"his-{days}",
        host="his1",
        policy="his",
        trigger=Trigger.SCHEDULE,
        boot_id="b",
        pid=1,
        started_at=start,
        outcome=Outcome.SUCCESS,
        finished_at=end,
        steps=(Step("check", Outcome.SUCCESS, start, end),),
        bytes_processed=1000,
    )
    write_run(state / "runs", run)
    write_verification(
        state / "verifications",
        Verification(f"v-{days}", "his1", "his", "local", start, end, Verdict.PASSED, rto_seconds=41.0),
    )


def test_runs_and_verifications_come_newest_first_and_bounded(tmp_path: Path):
    (tmp_path / "runs").mkdir()
    (tmp_path / "verifications").mkdir()
    for days in range(25):
        write(tmp_path, days)
    found = status(tmp_path / "none.json", tmp_path)
    assert [run["run_id"] for run in found["runs"]] == [f"his-{days}" for days in range(KEPT)]
    assert found["verifications"][0]["rto_seconds"] == 41.0
    newest = found["runs"][0]
    assert (newest["outcome"], newest["steps"][0]["name"], newest["steps"][0]["outcome"]) == (
        "success",
        "check",
        "success",
    )
    assert not found["configured"]


def test_of_the_configuration_only_policies_are_printed(tmp_path: Path):
    config = tmp_path / "backup.json"
    config.write_text(
        json.dumps(
            {
                "policies": [{"name": "his", "schedule": "02:00", "rpo_hours": 24, "rto_hours": 4, "sources": []}],
                "local": {"url": "rest:https://his1:hunter2@198.18.0.10:8000/his1/"},
            }
        ),
        encoding="utf-8",
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", BACKUP_READER, str(config), str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(done.stdout)
    assert found["policies"] == [{"name": "his", "schedule": "02:00", "rpo_hours": 24, "rto_hours": 4}]
    assert "hunter2" not in done.stdout
    assert "198.18" not in done.stdout


def test_a_half_written_file_is_listed_and_skipped(tmp_path: Path):
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "x.json").write_text('{"run_id": ', encoding="utf-8")
    (tmp_path / "runs" / "y.json").write_text("[]", encoding="utf-8")
    found = status(tmp_path / "none.json", tmp_path)
    assert found["runs"] == []
    assert [Path(path).name for path in found["unreadable"]] == ["x.json", "y.json"]
