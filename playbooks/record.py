"""The record of a run: which host, role and task, with what result, duration and diff; never a secret.

Built from the events of ansible-runner; the console reads the JSON that :func:`to_json` gives (contract: schema 1).
"""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from playbooks.redaction import shown_diff, shown_message

SCHEMA = 1


class RunStatus(StrEnum):
    """How a run ended."""

    SUCCESSFUL = "successful"
    FAILED = "failed"
    UNREACHABLE = "unreachable"
    CANCELED = "canceled"
    INTERRUPTED = "interrupted"


class TaskStatus(StrEnum):
    """How a task ended on a host."""

    OK = "ok"
    CHANGED = "changed"
    FAILED = "failed"
    UNREACHABLE = "unreachable"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class TaskResult:
    """One task on one host.  ``diff`` and ``message`` hold no secret; times are RFC 3339 UTC."""

    host: str
    role: str | None
    task: str
    action: str
    status: TaskStatus
    duration_seconds: float
    started_at: str
    diff: str | None
    message: str | None
    # Where a delegated task ran, "" on the host itself; not part of the JSON.
    place: str = ""


@dataclass(frozen=True)
class HostCounts:
    """How many tasks ended how on one host."""

    ok: int = 0
    changed: int = 0
    failed: int = 0
    unreachable: int = 0
    skipped: int = 0


@dataclass(frozen=True)
class RunRecord:
    """A run, ended (``finished_at`` set) or still going on."""

    run_id: str
    playbook: str
    check: bool
    limit: str | None
    tags: tuple[str, ...]
    operator: str
    started_at: str
    finished_at: str | None = None
    status: RunStatus = RunStatus.INTERRUPTED
    tasks: tuple[TaskResult, ...] = ()

    def hosts(self) -> dict[str, HostCounts]:
        """Return the counts of each host; a changed task counts as ok and as changed, as Ansible does."""
        counts: dict[str, dict[str, int]] = {}
        for task in self.tasks:
            mine = counts.setdefault(task.host, asdict(HostCounts()))
            mine[task.status] += 1
            if task.status is TaskStatus.CHANGED:
                mine["ok"] += 1
        return {host: HostCounts(**mine) for host, mine in sorted(counts.items())}

    def problems(self) -> tuple[TaskResult, ...]:
        """Return the tasks that failed or whose host did not answer."""
        return tuple(task for task in self.tasks if task.status in {TaskStatus.FAILED, TaskStatus.UNREACHABLE})


def timestamp(moment: datetime) -> str:
    """Return ``moment`` (aware) as RFC 3339 in UTC with milliseconds and Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def to_json(record: RunRecord) -> str:
    """Return the record as the JSON text that the console reads."""
    document: dict[str, Any] = {"schema": SCHEMA, **asdict(record)}
    document["hosts"] = {host: asdict(counts) for host, counts in record.hosts().items()}
    document["tasks"] = [{key: value for key, value in task.items() if key != "place"} for task in document["tasks"]]
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


CHANGED_LINE = re.compile(r"^changed: \[", re.MULTILINE)
STATUS_OF_EVENT = {
    "runner_on_ok": TaskStatus.OK,
    "runner_on_failed": TaskStatus.FAILED,
    "runner_on_unreachable": TaskStatus.UNREACHABLE,
    "runner_on_skipped": TaskStatus.SKIPPED,
}


def task_result(event: Mapping[str, Any]) -> TaskResult | None:
    """Return the result that an event of ansible-runner reports; None for an event that reports none.

    A failure that the playbook expects (``ignore_errors``, ``failed_when: false``) is reported as ok.
    """
    status = STATUS_OF_EVENT.get(str(event.get("event")))
    if status is None:
        return None
    data: Mapping[str, Any] = event["event_data"]
    result: Mapping[str, Any] = data.get("res") or {}
    if status is TaskStatus.FAILED and data.get("ignore_errors"):
        status = TaskStatus.OK
    # ansible-runner empties the result of a task with no_log; its line of output still says whether it changed.
    if status is TaskStatus.OK and (
        result.get("changed") or ("censored" in result and CHANGED_LINE.search(str(event.get("stdout"))))
    ):
        status = TaskStatus.CHANGED
    quiet = status in {TaskStatus.OK, TaskStatus.SKIPPED}
    delegated = result.get("_ansible_delegated_vars") or {}
    return TaskResult(
        host=str(data["host"]),
        role=data.get("role"),
        task=str(data.get("task", "")),
        action=str(data.get("resolved_action") or data.get("task_action", "")),
        status=status,
        duration_seconds=round(float(data.get("duration") or 0.0), 3),
        started_at=timestamp(_moment(str(data.get("start") or event.get("created")))),
        diff=None if quiet else shown_diff(result),
        message=None if quiet else shown_message(result),
        place=str(delegated.get("ansible_delegated_host") or delegated.get("ansible_host") or "") if delegated else "",
    )


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def finished(record: RunRecord, runner_status: str, now: datetime) -> RunRecord:
    """Return the ended record; ``runner_status`` is ansible-runner's word for how the run ended.

    A task that failed and was rescued does not fail the run; ``unreachable`` says that the only problem was hosts
    that did not answer.
    """
    seen = {task.status for task in record.problems()}
    if runner_status in {"canceled", "timeout"}:
        status = RunStatus.CANCELED
    elif runner_status == "successful":
        status = RunStatus.UNREACHABLE if TaskStatus.UNREACHABLE in seen else RunStatus.SUCCESSFUL
    else:
        status = RunStatus.UNREACHABLE if seen == {TaskStatus.UNREACHABLE} else RunStatus.FAILED
    return replace(record, status=status, finished_at=timestamp(now))
