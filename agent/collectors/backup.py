"""How this host's backups stand, from the status files that the backup job, the restores and the keeper write.

Names: ours begin with ``xinglin_``.  Where ngosang's restic-exporter, from which most dashboards for restic come, has a
name that says the same and obeys Prometheus' rules, it is used as it is (``restic_backup_timestamp``,
``restic_backup_data_added_bytes``, ``restic_check_success``); its gauges named ``…_total`` do not, so ours are
``xinglin_repository_snapshots`` and so on.  No snapshot ids in labels: each night would make new series.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from agent.collectors.repositories import repository_families, space_families
from backup.status import (
    BackupRun,
    Outcome,
    RestoreRecord,
    Verdict,
    Verification,
    read_repositories,
    read_restores,
    read_runs,
    read_space,
    read_verifications,
)

GOOD = frozenset({Outcome.SUCCESS, Outcome.WARNING})


@dataclass(frozen=True)
class BackupCollector:
    """Last runs, restore tests and restores of each policy; on a repository server, how its repositories stand."""

    directory: Path
    name: str = "backup"
    interval_seconds: float = 30
    timeout_seconds: float = 10

    def collect(self) -> Iterable[Metric]:
        unreadable: list[Path] = []

        def report(path: Path, _problem: str) -> None:
            unreadable.append(path)

        runs = read_runs(self.directory / "runs", report)
        verifications = read_verifications(self.directory / "verifications", report)
        restores = read_restores(self.directory / "restores", report)
        repositories = read_repositories(self.directory / "repositories", report)
        space = read_space(self.directory / "space.json", report)
        damaged = GaugeMetricFamily(
            "xinglin_backup_unreadable_status_files",
            "Status files of backups that could not be read (damaged, or no permission).",
            len(unreadable),
        )
        return [
            *run_families(runs),
            *verification_families(verifications),
            *restore_families(restores),
            *(repository_families(repositories) if repositories else ()),
            *(space_families(space) if space else ()),
            damaged,
        ]


def _gauge(name: str, meaning: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"xinglin_backup_{name}", meaning, labels=["policy", *labels])


def run_families(runs: Sequence[BackupRun]) -> Iterable[Metric]:
    """Return the families of ``runs`` (newest first)."""
    success = _gauge("last_success_timestamp_seconds", "Unix time when the policy's last good local backup ended.")
    last = _gauge("last_run_timestamp_seconds", "Unix time when the policy's last run started.")
    duration = _gauge("last_duration_seconds", "Duration of the policy's last finished run.")
    size = _gauge("size_bytes", "Bytes that the policy's last good run read from its sources.")
    outcome = _gauge("outcome", "Outcome of the policy's last run: 1 for the one it has.", "outcome")
    files = _gauge("files", "Files that the policy's last good run read from its sources.")
    offsite = _gauge("offsite_timestamp_seconds", "Unix time of the policy's newest backup at the offsite vault.")
    taken = GaugeMetricFamily(
        "restic_backup_timestamp", "Unix time when the policy's last good backup was taken.", labels=["policy"]
    )
    added = GaugeMetricFamily(
        "restic_backup_data_added_bytes", "Bytes that the policy's last good run added.", labels=["policy"]
    )
    for policy in dict.fromkeys(run.policy for run in runs):
        of_policy = [run for run in runs if run.policy == policy]
        newest = of_policy[0]
        last.add_metric([policy], newest.started_at.timestamp())
        for possible in Outcome:
            outcome.add_metric([policy, possible.value], newest.outcome is possible)
        finished = next((run for run in of_policy if run.finished_at), None)
        if finished and finished.finished_at:
            duration.add_metric([policy], (finished.finished_at - finished.started_at).total_seconds())
        good = next((run for run in of_policy if run.outcome in GOOD), None)
        if good and good.finished_at:
            success.add_metric([policy], good.finished_at.timestamp())
            size.add_metric([policy], good.bytes_processed)
            files.add_metric([policy], good.files)
            taken.add_metric([policy], good.started_at.timestamp())
            added.add_metric([policy], good.bytes_added)
        copied = next((run for run in of_policy if run.offsite_snapshot_id), None)
        if copied:
            offsite.add_metric([policy], copied.started_at.timestamp())
    return success, last, duration, size, outcome, files, offsite, taken, added


def verification_families(verifications: Sequence[Verification]) -> Iterable[Metric]:
    """Return the families of ``verifications`` (newest first), by repository; a skipped one proves nothing."""
    tested = _gauge(
        "restore_test_timestamp_seconds", "Unix time when the policy's last restore test ended.", "repository"
    )
    passed = _gauge("restore_test_success", "1 if the policy's last restore test passed.", "repository")
    rpo = _gauge("measured_rpo_seconds", "Age of the data in the policy's last restore test.", "repository")
    rto = _gauge(
        "measured_rto_seconds", "Time that the policy's last restore test took to give a working service.", "repository"
    )
    forecast = _gauge("restore_forecast_seconds", "Time that a restore of all the data would take.", "repository")
    rpo_target = _gauge(
        "rpo_target_seconds", "Loss of work that the facility accepts, as the last test knew it.", "repository"
    )
    rto_target = _gauge(
        "rto_target_seconds", "Time to come back that the facility accepts, as the last test knew it.", "repository"
    )
    restored = _gauge("restore_test_bytes", "Bytes that the policy's last restore test gave back.", "repository")
    newest: dict[tuple[str, str], Verification] = {}
    for verification in verifications:
        if verification.verdict is not Verdict.SKIPPED:
            newest.setdefault((verification.policy, verification.repository), verification)
    for labels, verification in newest.items():
        tested.add_metric(labels, verification.finished_at.timestamp())
        passed.add_metric(labels, verification.verdict is Verdict.PASSED)
        restored.add_metric(labels, verification.bytes_restored)
        for family, value in (
            (rpo, verification.rpo_seconds),
            (rto, verification.rto_seconds),
            (forecast, verification.rto_forecast_seconds),
            (rpo_target, verification.rpo_target_seconds),
            (rto_target, verification.rto_target_seconds),
        ):
            if value is not None:
                family.add_metric(labels, value)
    return tested, passed, rpo, rto, forecast, rpo_target, rto_target, restored


def restore_families(restores: Sequence[RestoreRecord]) -> Iterable[Metric]:
    """Return the families of ``restores`` (newest first): the last finished one of each policy and purpose."""
    ended = _gauge("restore_timestamp_seconds", "Unix time when the last restore of this purpose ended.", "purpose")
    good = _gauge("restore_success", "1 if the last restore of this purpose gave everything back.", "purpose")
    took = _gauge("restore_duration_seconds", "Duration of the last restore of this purpose.", "purpose")
    newest: dict[tuple[str, str], RestoreRecord] = {}
    for restore in restores:
        if restore.finished_at:
            newest.setdefault((restore.policy, restore.purpose.value), restore)
    for (policy, purpose), restore in newest.items():
        if restore.finished_at:
            ended.add_metric([policy, purpose], restore.finished_at.timestamp())
            good.add_metric([policy, purpose], restore.outcome is Outcome.SUCCESS)
            took.add_metric([policy, purpose], (restore.finished_at - restore.started_at).total_seconds())
    return ended, good, took
