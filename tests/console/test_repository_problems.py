"""Repositories, their space, the vault and the proof of restores: what people must know, in both languages."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from console.forecast import Proof
from console.problems import Severity, StoreView, find_problems
from console.rules.view import Probe, RestoreTests
from console.store.models import CopyRow, RefusedDeletion, RepositoryRow, RestoreRow, SpaceRow, WalRow
from tests.console.conftest import NOW
from tests.console.fixture_config import console_config, host
from tests.console.views import DAY, GIB, HOUR, fine_view, kinds, only, proofs, row, run, with_policy

MINUTE = timedelta(minutes=1)


def repository(server: str = "appliance1", **changes: Any) -> RepositoryRow:  # noqa: ANN401 — columns of any type
    values: dict[str, Any] = {
        "server": server, "host": "his1", "kind": "offsite" if server == "vault1" else "local",
        "started_at": NOW - 10 * HOUR, "finished_at": NOW - 10 * HOUR + 5 * MINUTE, "outcome": "success", "steps": [],
        "sets": 40, "snapshots": 80, "oldest_set_at": NOW - 90 * DAY, "newest_set_at": NOW - HOUR,
        "size_bytes": 5 * GIB, "parts": 28, "parts_read": 7, "read_through_at": NOW - 27 * DAY,
        "broken_packs": [], "set_aside": [], "paused_since": None, "anomalies": [], "removed": 1,
    }  # fmt: skip
    return RepositoryRow(**values | changes)


def space(server: str = "appliance1", **changes: Any) -> SpaceRow:  # noqa: ANN401 — columns of any type
    values: dict[str, Any] = {
        "server": server, "at": NOW - 4 * MINUTE, "path": "/var/lib/xinglin/repository", "total_bytes": 900 * GIB,
        "free_bytes": 500 * GIB, "ballast_bytes": GIB, "released_at": None, "growth_bytes_per_day": GIB,
        "days_until_full": 500.0,
    }  # fmt: skip
    return SpaceRow(**values | changes)


def copy(**changes: Any) -> CopyRow:  # noqa: ANN401 — columns of any type
    values: dict[str, Any] = {
        "server": "appliance1", "host": "his1", "name": "usb", "kind": "disk", "place": "xinglin-a",
        "started_at": NOW - 10 * HOUR, "finished_at": NOW - 9 * HOUR, "outcome": "success", "steps": [], "sets": 40,
        "snapshots": 80, "complete_at": NOW - 9 * HOUR, "removed": 0, "disks": [], "cause_place": "usb",
    }  # fmt: skip
    return CopyRow(**values | changes)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, {}),
        ({"outcome": "warning", "cause_code": "copy_disk_missing"}, {"copy_warning": Severity.WARN}),
        ({"outcome": "failed", "cause_code": "copy_full"}, {"copy_failed": Severity.WARN}),
        ({"outcome": "failed", "complete_at": NOW - 8 * DAY}, {"copy_failed": Severity.CRIT}),
        ({"finished_at": NOW - 51 * HOUR}, {"copy_silent": Severity.WARN}),
    ],
)
def test_a_further_copy_that_is_not_well_is_told(
    fine: StoreView, changes: dict[str, Any], expected: dict[str, Severity]
) -> None:
    assert kinds(replace(fine, copies=(copy(**changes),))) == expected


def refusal(at: datetime, path: str = "/his1/data/ab") -> RefusedDeletion:
    return RefusedDeletion(server="vault1", host="his1", at=at, path=path, address="198.18.0.99")


@pytest.fixture
def fine(tmp_path: Path) -> StoreView:
    """A clinic with an appliance and a vault, and without a problem."""
    servers = (
        replace(host("appliance1"), groups=("appliance",)),
        replace(host("vault1"), groups=("offsite",)),
    )
    config = console_config(tmp_path, (host(), *servers))
    return replace(
        with_policy(fine_view(tmp_path), last_offsite=run("success"), offsite=proofs("passed", 7 * DAY)),
        config=config,
        hosts=(row(), row(name="appliance1"), row(name="vault1")),
        repositories=(repository(), repository("vault1")),
        spaces=(space(), space("vault1")),
    )


def with_repository(view: StoreView, **changes: Any) -> StoreView:  # noqa: ANN401 — columns of any type
    return replace(view, repositories=(repository(**changes), repository("vault1")))


def with_space(view: StoreView, **changes: Any) -> StoreView:  # noqa: ANN401 — columns of any type
    return replace(view, spaces=(space(**changes), space("vault1")))


def anomaly(code: str) -> dict[str, Any]:
    return {"code": code, "policy": "his", "snapshot_id": "a" * 64, "at": "2026-11-22T18:00:00.000Z", "detail": "x"}


def test_a_clinic_with_whole_repositories_has_no_problem(fine: StoreView) -> None:
    assert find_problems(fine, NOW) == ()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"broken_packs": ["c" * 64]}, {"repository_broken": Severity.CRIT}),
        ({"set_aside": ["a" * 64]}, {"repository_waiting": Severity.WARN}),
        (
            {
                "outcome": "warning",
                "cause_code": "repository_damaged",
                "steps": [{"cause": {"code": "repository_healed"}}],
            },
            {"repository_healed": Severity.WARN},
        ),
        ({"outcome": "warning", "cause_code": "copies_missing"}, {"repository_warning": Severity.WARN}),
        ({"outcome": "failed"}, {"repository_failed": Severity.CRIT}),
        ({"outcome": "interrupted"}, {"repository_failed": Severity.WARN}),
        ({"read_through_at": NOW - 31 * DAY}, {"read_overdue": Severity.WARN}),
        ({"read_through_at": None}, {"read_overdue": Severity.WARN}),
        ({"read_through_at": None, "oldest_set_at": NOW - 20 * DAY}, {}),
        ({"finished_at": NOW - 31 * HOUR}, {"keeper_silent": Severity.WARN}),
        ({"finished_at": NOW - 4 * DAY}, {"keeper_silent": Severity.CRIT}),
        ({"paused_since": NOW, "anomalies": [anomaly("odd_time")]}, {"retention_paused": Severity.WARN}),
        (
            {"paused_since": NOW, "anomalies": [anomaly("odd_time"), anomaly("mass_change")]},
            {"retention_paused": Severity.CRIT},
        ),
    ],
)
def test_a_repository_that_needs_a_person_is_told(
    fine: StoreView, changes: dict[str, Any], expected: dict[str, Severity]
) -> None:
    assert kinds(with_repository(fine, **changes)) == expected


def test_a_paused_retention_says_what_since_when_and_how_to_decide(fine: StoreView) -> None:
    since = NOW - 9 * HOUR
    found = only(with_repository(fine, paused_since=since, anomalies=[anomaly("mass_change"), anomaly("odd_time")]))
    assert (found.object, found.host, found.since) == ("his1", "appliance1", since)
    assert str(found.title) == "his1: very many files changed; old backups are being kept"
    assert "2 in all, since 2026-11-23 07:00" in str(found.meaning)
    assert "xinglin backup decide --host his1 --reason" in str(found.next_step)
    assert found.title.translate("zh_CN") == "his1：大量文件被改动；旧备份暂不清理"
    assert "xinglin backup decide --host his1 --reason" in found.next_step.translate("zh_CN")


def test_a_round_that_failed_names_its_cause(fine: StoreView) -> None:
    cause = {"cause_code": "repository_damaged", "cause_place": "/srv/his1", "cause_detail": "pack abc"}
    found = only(with_repository(fine, outcome="failed", **cause))
    assert str(found.title) == "his1: The repository is damaged"
    assert "pack abc" in found.meaning.translate("zh_CN")


def test_a_host_whose_repository_was_never_checked_is_told_once_the_server_had_time(fine: StoreView) -> None:
    bare = replace(fine, repositories=(repository(),))
    assert kinds(bare) == {"keeper_never": Severity.WARN}
    fresh = replace(bare, hosts=(row(), row(name="appliance1"), row(name="vault1", first_seen=NOW - 20 * HOUR)))
    assert kinds(fresh) == {}


def test_a_server_that_is_away_is_told_by_itself_and_not_as_silent(fine: StoreView) -> None:
    down = row(name="appliance1", state="crit", error_code="refused", failing_since=NOW - DAY)
    silent = replace(
        with_space(with_repository(fine, finished_at=NOW - 3 * DAY), at=NOW - DAY),
        hosts=(row(), down, row(name="vault1")),
    )
    assert kinds(silent) == {"host_refused": Severity.CRIT}


def test_refused_deletions_are_one_alarm_for_seven_days(fine: StoreView) -> None:
    alarmed = replace(fine, refusals=(refusal(NOW - HOUR), refusal(NOW - 2 * HOUR), refusal(NOW - 9 * DAY)))
    found = only(alarmed)
    assert (found.kind, found.severity, found.object, found.host) == (
        "deletion_refused", Severity.CRIT, "his1", "vault1",
    )  # fmt: skip
    assert found.since == NOW - 2 * HOUR
    assert "2 deletions with the key of his1 were refused" in str(found.meaning)
    assert "198.18.0.99" in found.meaning.translate("zh_CN")
    assert kinds(alarmed, NOW + 7 * DAY).get("deletion_refused") is None


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"days_until_full": 13.4}, {"repository_filling": Severity.WARN}),
        ({"days_until_full": 2.0}, {"repository_filling": Severity.CRIT}),
        ({"days_until_full": None}, {}),
        ({"ballast_bytes": 0, "released_at": NOW}, {"ballast_released": Severity.CRIT}),
        ({"at": NOW - 31 * MINUTE}, {"watch_silent": Severity.WARN}),
    ],
)
def test_space_is_told_before_it_is_gone(
    fine: StoreView, changes: dict[str, Any], expected: dict[str, Severity]
) -> None:
    assert kinds(with_space(fine, **changes)) == expected


def test_repositories_without_a_watch_are_told(fine: StoreView) -> None:
    found = only(replace(fine, spaces=(space(),)))
    assert (found.kind, found.host) == ("watch_silent", "vault1")


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        (25 * HOUR, {}),
        (27 * HOUR, {"vault_behind": Severity.WARN}),
        (75 * HOUR, {"vault_behind": Severity.CRIT}),
    ],
)
def test_a_vault_that_falls_behind_is_told(fine: StoreView, age: timedelta, expected: dict[str, Severity]) -> None:
    assert kinds(with_policy(fine, last_offsite=run("success", age))) == expected


def test_a_repository_that_its_own_key_can_delete_is_critical(fine: StoreView) -> None:
    cause = {"code": "not_append_only", "place": "rest:https://198.18.0.70:8000/his1/", "detail": "HTTP 200"}
    probes = (Probe(NOW, "local", refused=True), Probe(NOW, "offsite", refused=False, cause=cause))
    warned = run("warning", cause_code="not_append_only")
    found = only(with_policy(fine, probes=probes, newest_run=warned))
    assert (found.kind, found.severity) == ("not_append_only", Severity.CRIT)
    assert "198.18.0.70:8000" in found.meaning.translate("zh_CN")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"offsite": proofs("passed", 8 * DAY)}, {}),
        ({"offsite": proofs("passed", 8.1 * DAY)}, {"restore_overdue": Severity.WARN}),
        ({"offsite": proofs("passed", 23 * DAY)}, {"restore_overdue": Severity.CRIT}),
        ({"offsite": proofs("failed", passed=3 * DAY)}, {"restore_differs": Severity.CRIT}),
        ({"offsite": RestoreTests(first_backup_at=NOW - 2 * DAY)}, {"restore_never": Severity.WARN}),
        ({"offsite": RestoreTests(), "last_offsite": None}, {}),
        ({"local": proofs("passed", 3 * DAY), "offsite": proofs("passed")}, {"restore_overdue": Severity.WARN}),
        ({"local": proofs("failed", 2 * HOUR), "offsite": proofs("passed")}, {"restore_differs": Severity.CRIT}),
    ],
)
def test_neither_repositorys_proof_stands_in_for_the_others(
    fine: StoreView, changes: dict[str, Any], expected: dict[str, Severity]
) -> None:
    assert kinds(with_policy(fine, **changes)) == expected


def test_a_proof_that_lacks_says_from_which_repository(fine: StoreView) -> None:
    found = only(with_policy(fine, offsite=proofs("passed", 9 * DAY)))
    assert str(found.title) == "The backup of his1/his in the offsite vault is not proved"
    assert found.since == NOW - DAY
    assert "恢复验证应每周进行" in found.meaning.translate("zh_CN")
    assert str(found.next_step) == "On his1: xinglin backup verify --repository offsite"
    failed = only(with_policy(fine, offsite=proofs("failed", cause_code="manifest_mismatch")))
    assert str(failed.title).startswith("his1/his, offsite vault: ")
    assert failed.title.translate("zh_CN").startswith("his1/his（异地库）：")


def wal(**changes: Any) -> WalRow:  # noqa: ANN401 — columns of any type
    values: dict[str, Any] = {
        "host": "his1", "at": NOW - 14 * MINUTE, "outcome": "success", "segments": 3, "bytes": 3 << 24, "dropped": [],
        "stored_until": {"5432": "2026-11-22T20:00:00.000Z"}, "cause_code": None,
    }  # fmt: skip
    return WalRow(**values | changes)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, {}),
        ({"at": NOW - 59 * MINUTE}, {}),
        ({"at": NOW - 61 * MINUTE}, {"wal_behind": Severity.WARN}),
        ({"outcome": "failed", "cause_code": "wal_not_archived"}, {"wal_failed": Severity.CRIT}),
        ({"outcome": "warning", "cause_code": "offsite_unreachable"}, {"wal_warning": Severity.WARN}),
    ],
)
def test_wal_that_is_not_stored_is_told(
    fine: StoreView, changes: dict[str, Any], expected: dict[str, Severity]
) -> None:
    assert kinds(replace(fine, wals=(wal(**changes),))) == expected


def test_wal_that_is_late_says_until_when_any_point_in_time_comes_back(fine: StoreView) -> None:
    late = replace(fine, wals=(wal(at=NOW - 2 * HOUR),))
    found = only(late)
    assert (found.object, found.since) == ("his1", NOW - HOUR)
    assert "any point in time until 2026-11-23 04:00" in str(found.meaning)
    assert "2026-11-23 04:00" in found.meaning.translate("zh_CN")
    away = row(state="crit", error_code="refused", failing_since=NOW - HOUR)
    assert "wal_behind" not in kinds(replace(late, hosts=(away, row(name="appliance1"), row(name="vault1"))))


def growing(last_hours: float, per_day: float) -> tuple[Proof, ...]:
    """Return 20 nightly restores, newest first; the size and with it the time grows by ``per_day`` of today's."""
    size = 100 * GIB
    shares = [1 - per_day * night for night in range(20)]
    return tuple(
        Proof(NOW - night * DAY, last_hours * 3600 * share, size * share) for night, share in enumerate(shares)
    )


def test_a_restore_that_will_be_too_slow_at_todays_growth_is_told_before(fine: StoreView) -> None:
    found = only(with_policy(fine, proofs=growing(3.6, 0.01)))  # 4 h are the target: 11 % more, in 11 days
    assert (found.kind, found.severity) == ("restore_slower_soon", Severity.WARN)
    assert "2026-12-04" in str(found.meaning)
    assert kinds(with_policy(fine, proofs=growing(2.0, 0.005))) == {}
    assert kinds(with_policy(fine, proofs=growing(3.6, -0.01))) == {}


def test_a_recovery_key_that_nobody_tried_for_half_a_year_is_told(fine: StoreView) -> None:
    drill = RestoreRow(host="appliance1", started_at=NOW - 181 * DAY)
    assert kinds(replace(fine, key_drill=drill)) == {"recovery_key_overdue": Severity.WARN}
    assert kinds(replace(fine, key_drill=RestoreRow(host="appliance1", started_at=NOW - 179 * DAY))) == {}


def test_a_recovery_key_that_opened_nothing_is_critical(fine: StoreView) -> None:
    failure = RestoreRow(host="his1", repository="offsite", started_at=NOW - HOUR, cause_detail="wrong password")
    found = only(replace(fine, key_failure=failure))
    assert (found.kind, found.severity) == ("recovery_key_failed", Severity.CRIT)
    assert "did not open the offsite vault of his1 (wrong password)" in str(found.meaning)
    assert "异地库" in found.meaning.translate("zh_CN")


def test_a_server_in_maintenance_is_silent(fine: StoreView) -> None:
    resting = row(name="appliance1", maintenance_until=NOW + HOUR)
    view = with_repository(fine, broken_packs=["c" * 64])
    assert kinds(replace(view, hosts=(row(), resting, row(name="vault1")))) == {}


def test_every_problem_has_a_chinese_text_without_a_hole(fine: StoreView) -> None:
    broken = {"broken_packs": ["c" * 64], "set_aside": ["a"], "paused_since": NOW, "anomalies": [anomaly("new_code")]}
    view = replace(with_space(with_repository(fine, **broken), days_until_full=1.0), refusals=(refusal(NOW),))
    for one in find_problems(view, NOW):
        for told in (one.title, one.meaning, one.next_step):
            assert told.translate("zh_CN") != str(told)
            assert "{" not in told.translate("zh_CN")
