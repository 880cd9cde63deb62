"""Metrics of repositories, their space, restores and progress, from real status files."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from agent.collectors.backup import BackupCollector
from agent.collectors.progress import ProgressCollector
from backup.status import Outcome, Progress, write_progress, write_repository, write_restore
from tests.agent.repository_files import DRILL, MINUTE, MORNING, SPACE, TROUBLED, WHOLE, write
from tests.agent.samples import key, samples


def repository(name: str, host: str = "his1", **labels: str):
    return key(f"xinglin_repository_{name}", host=host, kind="local", **labels)


def test_a_whole_repository_shows_its_size_age_and_how_far_it_was_read(tmp_path: Path):
    write(tmp_path)
    found = samples(BackupCollector(tmp_path).collect())
    assert found[key("restic_check_success", host="his1", kind="local")] == 1
    assert found[repository("size_bytes")] == 5_000_000
    assert (found[repository("snapshots")], found[repository("sets")]) == (80, 40)
    assert found[repository("read_ratio")] == 0.25
    assert found[repository("kept_timestamp_seconds")] == (MORNING + 4 * MINUTE).timestamp()
    assert found[repository("read_through_timestamp_seconds")] == (MORNING - timedelta(days=27)).timestamp()
    assert found[repository("retention_paused")] == 0


def test_a_troubled_repository_counts_what_is_broken_and_what_waits(tmp_path: Path):
    write(tmp_path)
    found = samples(BackupCollector(tmp_path).collect())
    assert found[key("restic_check_success", host="pacs1", kind="local")] == 0
    assert found[repository("broken_packs", "pacs1")] == 1
    assert found[repository("set_aside_snapshots", "pacs1")] == 2
    assert found[repository("retention_paused", "pacs1")] == 1
    assert found[repository("anomalies", "pacs1", code="mass_change")] == 2
    assert found[repository("anomalies", "pacs1", code="odd_time")] == 1
    assert repository("read_through_timestamp_seconds", "pacs1") not in found


def test_a_round_that_runs_says_nothing_about_the_check_yet(tmp_path: Path):
    running = replace(WHOLE, outcome=Outcome.RUNNING, finished_at=None)
    write_repository(tmp_path / "repositories", running)
    found = samples(BackupCollector(tmp_path).collect())
    assert key("restic_check_success", host="his1", kind="local") not in found
    assert found[repository("size_bytes")] == 5_000_000


def test_space_is_in_base_units_and_the_newest_refused_deletion_of_a_host_counts(tmp_path: Path):
    write(tmp_path)
    found = samples(BackupCollector(tmp_path).collect())
    assert found[key("xinglin_repository_space_free_bytes")] == SPACE.free_bytes
    assert found[key("xinglin_repository_space_growth_bytes_per_second")] == 1
    assert found[key("xinglin_repository_space_full_after_seconds")] == 864_000
    refused = key("xinglin_repository_refused_delete_timestamp_seconds", host="his1")
    assert found[refused] == (MORNING + MINUTE).timestamp()


def test_the_last_restore_of_each_purpose_is_told(tmp_path: Path):
    later = replace(
        DRILL,
        restore_id="z",
        started_at=MORNING + 9 * MINUTE,
        finished_at=MORNING + 10 * MINUTE,
        outcome=Outcome.FAILED,
    )
    for record in (DRILL, later):
        write_restore(tmp_path / "restores", record)
    found = samples(BackupCollector(tmp_path).collect())
    assert found[key("xinglin_backup_restore_success", policy="his", purpose="drill")] == 0
    assert found[key("xinglin_backup_restore_duration_seconds", policy="his", purpose="drill")] == 60


def test_progress_is_there_while_a_run_runs_and_gone_after_it(tmp_path: Path):
    path = tmp_path / "progress.json"
    collector = ProgressCollector(path)
    assert samples(collector.collect()) == {}
    write_progress(path, Progress("r", "his", "backup", 0.4, 4096, MORNING))
    found = samples(collector.collect())
    assert found[key("xinglin_backup_progress_ratio", policy="his", step="backup")] == 0.4
    assert found[key("xinglin_backup_progress_bytes", policy="his", step="backup")] == 4096
    write_progress(path, Progress("r", "his", "dump", None, 5000, MORNING))
    assert key("xinglin_backup_progress_ratio", policy="his", step="dump") not in samples(collector.collect())
    path.unlink()
    assert samples(collector.collect()) == {}


def test_a_host_without_repositories_has_no_family_of_them(tmp_path: Path):
    assert not [name for name, _labels in samples(BackupCollector(tmp_path).collect()) if "repository" in name]


def test_the_troubled_repository_is_not_told_as_whole_when_only_its_packs_are_broken(tmp_path: Path):
    write_repository(tmp_path / "repositories", replace(TROUBLED, outcome=Outcome.SUCCESS))
    found = samples(BackupCollector(tmp_path).collect())
    assert found[key("restic_check_success", host="pacs1", kind="local")] == 0
