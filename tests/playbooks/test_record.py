"""The record of a run, built from the events of a real one (data/events.jsonl)."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from playbooks.record import (
    HostCounts,
    RunRecord,
    RunStatus,
    TaskResult,
    TaskStatus,
    finished,
    task_result,
    to_json,
)

EVENTS = [json.loads(line) for line in (Path(__file__).parent / "data/events.jsonl").read_text().splitlines()]
NOW = datetime(2026, 11, 23, 2, 47, 0, 125000, tzinfo=UTC)
EMPTY = RunRecord("20261123T024639Z-1", "site.yml", False, None, ("base",), "root", "2026-11-23T02:46:39.000Z")


@pytest.fixture(scope="module")
def results() -> dict[str, TaskResult]:
    """Results by task; the host that did not answer is under its own name."""
    found = [result for event in EVENTS if (result := task_result(event))]
    return {result.task if result.host == "his1" else result.host: result for result in found}


def record_of(*results: TaskResult) -> RunRecord:
    return RunRecord(**{**EMPTY.__dict__, "tasks": results})


def test_each_task_has_the_status_that_ansible_counted(results: dict[str, TaskResult]):
    counts = record_of(*results.values()).hosts()
    stats: dict[str, Any] = EVENTS[-1]["event_data"]
    # Ansible counts the ignored failure as ok, as the record does.
    assert counts["his1"] == HostCounts(
        ok=stats["ok"]["his1"],
        changed=stats["changed"]["his1"],
        failed=stats["failures"]["his1"],
        skipped=stats["skipped"]["his1"],
    )
    assert counts["vault1"] == HostCounts(unreachable=1)


def test_a_changed_file_shows_its_diff(results: dict[str, TaskResult]):
    diff = results["Write a file"].diff
    assert diff is not None
    assert "/srv/scratch/file" in diff
    assert "+one\n+two\n" in diff
    assert results["Write it again"].status is TaskStatus.OK
    assert results["Write it again"].diff is None


def test_a_loop_shows_the_diff_of_every_changed_item(results: dict[str, TaskResult]):
    diff = results["Write several files"].diff
    assert diff is not None
    assert "+a\n" in diff
    assert "+b\n" in diff


def test_no_secret_gets_into_the_record(results: dict[str, TaskResult]):
    text = to_json(record_of(*results.values()))
    assert "PRIVATE KEY" not in text
    assert "not-a-key" not in text
    assert results["Write a private key"].diff == "/srv/scratch/host.key: changed, not shown\n"
    assert results["Write a secret without a log"].diff is None
    assert results["Write a secret without a log"].message == "(not shown: the task works with secrets)"


def test_a_failure_says_what_the_program_said(results: dict[str, TaskResult]):
    failure = results["Fail for good"]
    assert (failure.status, failure.action) == (TaskStatus.FAILED, "ansible.builtin.command")
    assert failure.message == "non-zero return code\nthe disk is full"
    assert failure.started_at.endswith("Z")
    assert 0 < failure.duration_seconds < 5


def test_a_host_that_does_not_answer_is_unreachable_with_what_ssh_said(results: dict[str, TaskResult]):
    assert results["vault1"].status is TaskStatus.UNREACHABLE
    assert "Connection timed out" in str(results["vault1"].message)


@pytest.mark.parametrize(
    ("word", "tasks", "expected"),
    [
        ("successful", (), RunStatus.SUCCESSFUL),
        ("successful", ("vault1",), RunStatus.UNREACHABLE),  # first contact failed, the rest went well
        ("successful", ("Fail for good",), RunStatus.SUCCESSFUL),  # rescued
        ("failed", ("Fail for good", "vault1"), RunStatus.FAILED),
        ("failed", ("vault1",), RunStatus.UNREACHABLE),
        ("failed", (), RunStatus.FAILED),
        ("canceled", ("vault1",), RunStatus.CANCELED),
    ],
)
def test_a_run_ends_as_the_worst_of_its_hosts(
    results: dict[str, TaskResult], word: str, tasks: tuple[str, ...], expected: RunStatus
):
    ended = finished(record_of(*(results[task] for task in tasks)), word, NOW)
    assert (ended.status, ended.finished_at) == (expected, "2026-11-23T02:47:00.125Z")


def test_a_run_that_has_not_ended_is_on_record_as_interrupted():
    assert json.loads(to_json(EMPTY))["status"] == "interrupted"


def test_the_json_has_exactly_the_keys_of_the_contract(results: dict[str, TaskResult]):
    document = json.loads(to_json(finished(record_of(*results.values()), "failed", NOW)))
    assert set(document) == {
        *("schema", "run_id", "playbook", "check", "limit", "tags", "operator", "started_at", "finished_at"),
        *("status", "hosts", "tasks"),
    }
    assert set(document["tasks"][0]) == {
        *("host", "role", "task", "action", "status", "duration_seconds", "started_at", "diff", "message"),
    }
    assert document["hosts"]["vault1"] == {"ok": 0, "changed": 0, "failed": 0, "unreachable": 1, "skipped": 0}
