"""How this host's backups stand, from the status files that the backup job writes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from backup.status import BackupRun, Outcome, Verdict, Verification, read_runs, read_verifications

GOOD = frozenset({Outcome.SUCCESS, Outcome.WARNING})


@dataclass(frozen=True)
class BackupCollector:
    """Last run, last good run and last restore test of each policy that has ever run."""

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
        damaged = GaugeMetricFamily(
            "xinglin_backup_unreadable_status_files",
            "Status files of backups that could not be read (damaged, or no permission).",
            len(unreadable),
        )
        return [*run_families(runs), *verification_families(verifications), damaged]


def _gauge(name: str, meaning: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"xinglin_backup_{name}", meaning, labels=["policy", *labels])


def run_families(runs: Sequence[BackupRun]) -> Iterable[Metric]:
    """Return the families of ``runs`` (newest first)."""
    success = _gauge("last_success_timestamp_seconds", "Unix time when the policy's last good local backup ended.")
    last = _gauge("last_run_timestamp_seconds", "Unix time when the policy's last run started.")
    duration = _gauge("last_duration_seconds", "Duration of the policy's last finished run.")
    size = _gauge("size_bytes", "Bytes that the policy's last good run read from its sources.")
    outcome = _gauge("outcome", "Outcome of the policy's last run: 1 for the one it has.", "outcome")
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
    return success, last, duration, size, outcome


def verification_families(verifications: Sequence[Verification]) -> Iterable[Metric]:
    """Return the families of ``verifications`` (newest first); a skipped one proves nothing."""
    tested = _gauge("restore_test_timestamp_seconds", "Unix time when the policy's last restore test ended.")
    passed = _gauge("restore_test_success", "1 if the policy's last restore test passed.")
    rpo = _gauge("measured_rpo_seconds", "Age of the data in the policy's last restore test.")
    rto = _gauge("measured_rto_seconds", "Time that the policy's last restore test took to give a working service.")
    newest: dict[str, Verification] = {}
    for verification in verifications:
        if verification.verdict is not Verdict.SKIPPED:
            newest.setdefault(verification.policy, verification)
    for policy, verification in newest.items():
        tested.add_metric([policy], verification.finished_at.timestamp())
        passed.add_metric([policy], verification.verdict is Verdict.PASSED)
        if verification.rpo_seconds is not None:
            rpo.add_metric([policy], verification.rpo_seconds)
        if verification.rto_seconds is not None:
            rto.add_metric([policy], verification.rto_seconds)
    return tested, passed, rpo, rto
