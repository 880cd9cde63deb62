"""Each state of the store gives the problems that people must know, worst first, explained in both languages."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from console.i18n import translations
from console.problems import Severity, StoreView, find_problems
from console.rules.view import RestoreTests
from console.snapshot import Certificate, Filesystem
from console.store.models import AssessmentResult, JobSlot, ProvisionRun
from tests.console.conftest import NOW
from tests.console.views import DAY, GIB, HOUR, fine_view, kinds, only, proofs, row, run, with_policy, with_snapshot


@pytest.fixture
def fine(tmp_path: Path) -> StoreView:
    return fine_view(tmp_path)


def test_a_fine_clinic_has_no_problem(fine: StoreView) -> None:
    assert find_problems(fine, NOW) == ()


@pytest.mark.parametrize(
    ("available", "expected"),
    [(16, {}), (14, {"disk_nearly_full": Severity.WARN}), (4, {"disk_nearly_full": Severity.CRIT})],
)
def test_a_disk_is_told_before_it_is_full(fine: StoreView, available: int, expected: dict[str, Severity]) -> None:
    disk = Filesystem("/srv", "ext4", 100 * GIB, available * GIB, read_only=False)
    assert kinds(with_snapshot(fine, filesystems=(disk,))) == expected


def test_a_disk_problem_names_numbers_since_and_next_step_in_both_languages(fine: StoreView) -> None:
    disk = Filesystem("/srv", "ext4", 100 * GIB, 14 * GIB, read_only=False)
    since = NOW - 3 * HOUR
    known = row(reasons=[{"kind": "disk_nearly_full", "object": "/srv", "since": since.isoformat()}])
    found = only(replace(with_snapshot(fine, filesystems=(disk,)), hosts=(known,)))
    assert found.since == since
    assert str(found.meaning).startswith("86% of /srv on his1 are used; 14.0 GiB are left.")
    assert found.meaning.translate("zh_CN").startswith("his1 上的 /srv 已使用 86%，剩余 14.0 GiB。")
    assert "du -xh --max-depth=2 /srv" in found.next_step.translate("zh_CN")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"failed_units": ("cron.service",)}, {"unit_failed": Severity.WARN}),
        ({"failed_units": ("postgresql@15-main.service",)}, {"unit_failed": Severity.CRIT}),
        ({"failed_units": ("xinglin-backup.service",)}, {}),
        ({"clock_offset_seconds": -0.7}, {"clock_off": Severity.WARN}),
        ({"clock_offset_seconds": 7.0}, {"clock_off": Severity.CRIT}),
        ({"clock_synchronised": False}, {"clock_unsynchronised": Severity.WARN}),
        ({"clock_synchronised": None, "clock_offset_seconds": None}, {}),
        ({"failed_collectors": ("disk",)}, {"collector_failed": Severity.WARN}),
    ],
)
def test_what_a_snapshot_shows_is_told(fine: StoreView, changes: dict[str, Any], expected: dict[str, Severity]) -> None:
    assert kinds(with_snapshot(fine, **changes)) == expected


@pytest.mark.parametrize(
    ("left", "expected"),
    [
        (29 * DAY, {"certificate_expiring": Severity.WARN}),
        (6 * DAY, {"certificate_expiring": Severity.CRIT}),
        (-HOUR, {"certificate_ended": Severity.CRIT}),
    ],
)
def test_a_certificate_is_told_before_and_after_its_end(
    fine: StoreView, left: timedelta, expected: dict[str, Severity]
) -> None:
    certificate = Certificate("/etc/xinglin/pki/host.crt", "CN=his1", (NOW + left).timestamp())
    assert kinds(with_snapshot(fine, certificates=(certificate,))) == expected


def test_a_dead_host_is_told_with_its_cause_and_its_last_values_are_not_told_as_current(fine: StoreView) -> None:
    full = Filesystem("/", "ext4", 100 * GIB, 1 * GIB, read_only=False)
    down = row(state="crit", error_code="refused", last_error="Connection refused", failing_since=NOW - HOUR)
    found = only(replace(with_snapshot(fine, filesystems=(full,)), hosts=(down,)))
    assert (found.kind, found.severity, found.since) == ("host_refused", Severity.CRIT, NOW - HOUR)
    assert "its agent does not listen on 198.18.0.11:9633" in str(found.meaning)
    late = replace(fine, hosts=(row(state="late", error_code="timed_out", failing_since=NOW),))
    assert kinds(late) == {"host_late": Severity.WARN}


def test_a_host_in_maintenance_is_silent(fine: StoreView) -> None:
    down = row(state="crit", error_code="refused", maintenance_until=NOW + HOUR)
    view = with_policy(replace(fine, hosts=(down,)), newest_run=run("failed"))
    assert find_problems(view, NOW) == ()


def test_a_failed_backup_is_told_with_the_cause_in_both_languages(fine: StoreView) -> None:
    cause: dict[str, Any] = {
        "cause_code": "repository_full",
        "cause_place": "rest:https://198.18.0.10:8000/his1/",
        "cause_detail": "x",
    }
    found = only(with_policy(fine, newest_run=run("failed", **cause)))
    assert (found.kind, found.severity, found.object) == ("backup_failed", Severity.CRIT, "his1/his")
    assert str(found.title) == "his1/his: The backup repository is full"
    assert "198.18.0.10:8000" in str(found.meaning)
    assert found.title.translate("zh_CN") != str(found.title)
    assert found.meaning.translate("zh_CN") != str(found.meaning)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"newest_run": run("interrupted")}, {"backup_interrupted": Severity.WARN}),
        ({"newest_run": run("interrupted", cause_code="interrupted")}, {"backup_interrupted": Severity.WARN}),
        ({"newest_run": run("warning", cause_code="offsite_unreachable")}, {"backup_warning": Severity.WARN}),
        (
            {"last_success": run("success", 26 * HOUR), "newest_run": run("success", 26 * HOUR)},
            {"backup_overdue": Severity.CRIT},
        ),
        ({"last_success": run("success", 24.5 * HOUR)}, {}),
        (
            {"newest_run": None, "last_success": None, "local": RestoreTests()},
            {"backup_never": Severity.CRIT},
        ),
        ({"local": proofs("failed")}, {"restore_differs": Severity.CRIT}),
        ({"local": proofs("error", cause_code="scratch_space")}, {"restore_unknown": Severity.WARN}),
        ({"local": proofs("passed", 48 * HOUR)}, {}),
        ({"local": proofs("passed", 48.1 * HOUR)}, {"restore_overdue": Severity.WARN}),
        ({"local": proofs("passed", 8 * DAY)}, {"restore_overdue": Severity.CRIT}),
        ({"local": proofs("passed", rpo_seconds=25 * 3600.0)}, {"rpo_missed": Severity.WARN}),
        (
            {"local": RestoreTests(first_backup_at=NOW - 24.1 * HOUR)},
            {"restore_never": Severity.WARN},
        ),
        ({"local": RestoreTests(first_backup_at=NOW - 23 * HOUR)}, {}),
        ({"local": proofs("skipped", passed=DAY, cause_code="snapshot_missing")}, {"restore_unknown": Severity.WARN}),
        ({"local": proofs("skipped")}, {}),
        ({"local": proofs("passed", rto_seconds=5 * 3600.0)}, {"restore_slow": Severity.WARN}),
    ],
)
def test_a_backup_that_cannot_be_relied_on_is_told(
    fine: StoreView, changes: dict[str, Any], expected: dict[str, Severity]
) -> None:
    assert kinds(with_policy(fine, **changes)) == expected


def test_a_silent_worker_is_critical_and_comes_first(fine: StoreView) -> None:
    assert kinds(replace(fine, pulse=None)) == {"worker_never": Severity.CRIT}
    found = find_problems(with_snapshot(fine, clock_synchronised=False), NOW + timedelta(seconds=59))
    assert [one.kind for one in found] == ["clock_unsynchronised"]
    stale = find_problems(with_snapshot(fine, clock_synchronised=False), NOW + timedelta(seconds=61))
    assert [one.kind for one in stale] == ["worker_silent"]


def test_failed_runs_jobs_and_high_risks_are_told(fine: StoreView) -> None:
    hosts = {"his1": {"failed": 1, "unreachable": 0}, "vault1": {"failed": 0, "unreachable": 0}}
    failed = ProvisionRun(run_id="p", playbook="site.yml", check=False, started_at=NOW, status="failed", hosts=hosts)
    job = JobSlot(job="audit-seal", scheduled_for=NOW, claimed_at=NOW, outcome="failed", detail="OSError: disk full")
    risk = AssessmentResult(
        host="his1", requirement="L2-CES1-01", check_id="x", verdict="不符合", risk="high", since=NOW
    )
    found = find_problems(replace(fine, newest_run=failed, failed_jobs=(job,), assessments=(risk,)), NOW)
    assert {one.kind for one in found} == {"provision_failed", "job_failed", "high_risk"}
    texts = {one.kind: str(one.meaning) for one in found}
    assert "(failed or unreachable: his1)" in texts["provision_failed"]
    assert "L2-CES1-01" in texts["high_risk"]
    chinese = {one.kind: one.meaning.translate("zh_CN") for one in found}
    assert "运行结果：失败" in chinese["provision_failed"]


def test_the_worst_comes_first_and_the_longest_standing_before_the_newer(fine: StoreView) -> None:
    view = with_policy(with_snapshot(fine, clock_synchronised=False), newest_run=run("failed"))
    view = replace(view, pulse=None)
    assert [one.severity for one in find_problems(view, NOW)] == [Severity.CRIT, Severity.CRIT, Severity.WARN]


def test_a_missing_translation_would_be_seen() -> None:
    assert translations("zh_CN").gettext("{host} does not report") == "{host} 没有上报"
