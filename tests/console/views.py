"""A clinic without a problem, as the rules see it, and what is changed in it for a test."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from console.problems import PolicyView, Problem, Severity, StoreView, find_problems
from console.rules.view import RestoreTests
from console.snapshot import Certificate, Filesystem, Snapshot
from console.store.models import BackupRunRow, HostState, VerificationRow, WorkerPulse
from tests.console.conftest import NOW
from tests.console.fixture_config import console_config

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
GIB = 1024.0**3


def row(**changes: Any) -> HostState:  # noqa: ANN401 — columns of any type
    values: dict[str, Any] = {
        "name": "his1", "address": "198.18.0.11", "state": "ok", "since": NOW - DAY, "first_seen": NOW - 9 * DAY,
        "last_attempt": NOW, "last_seen": NOW, "reasons": [],
    }  # fmt: skip
    return HostState(**values | changes)


def run(outcome: str, age: timedelta = HOUR, **changes: Any) -> BackupRunRow:  # noqa: ANN401 — columns of any type
    values: dict[str, Any] = {"run_id": "r", "host": "his1", "policy": "his", "outcome": outcome}
    return BackupRunRow(**values | {"started_at": NOW - age, "finished_at": NOW - age} | changes)


def restore(verdict: str, age: timedelta = HOUR, **changes: Any) -> VerificationRow:  # noqa: ANN401 — columns of any type
    values: dict[str, Any] = {"verification_id": "v", "host": "his1", "policy": "his", "verdict": verdict}
    return VerificationRow(**values | {"started_at": NOW - age, "finished_at": NOW - age} | changes)


def proofs(verdict: str, age: timedelta = HOUR, passed: timedelta | None = None, **changes: Any) -> RestoreTests:  # noqa: ANN401
    """Return a repository's newest restore test, and when the newest one that passed was, if it is another one."""
    newest = restore(verdict, age, **changes)
    if verdict == "passed":
        return RestoreTests(newest, newest)
    return RestoreTests(newest, None if passed is None else restore("passed", passed))


def fine_view(directory: Path) -> StoreView:
    """Return a clinic without a problem."""
    config = console_config(directory)
    policy = PolicyView("his1", config.policies[0], run("success"), run("success"), local=proofs("passed"))
    snapshot = Snapshot(
        filesystems=(Filesystem("/", "ext4", 100 * GIB, 50 * GIB, read_only=False),),
        certificates=(Certificate("/etc/xinglin/pki/host.crt", "CN=his1", (NOW + 90 * DAY).timestamp()),),
        clock_offset_seconds=0.001,
        clock_synchronised=True,
    )
    pulse = WorkerPulse(id=1, pid=1, started_at=NOW - DAY, beat_at=NOW)
    return StoreView(config, (row(),), {"his1": snapshot}, (policy,), pulse=pulse)


def kinds(view: StoreView, now: datetime = NOW) -> dict[str, Severity]:
    return {one.kind: one.severity for one in find_problems(view, now)}


def only(view: StoreView) -> Problem:
    (found,) = find_problems(view, NOW)
    return found


def with_snapshot(view: StoreView, **changes: Any) -> StoreView:  # noqa: ANN401 — columns of any type
    return replace(view, snapshots={"his1": replace(view.snapshots["his1"], **changes)})


def with_policy(view: StoreView, **changes: Any) -> StoreView:  # noqa: ANN401 — columns of any type
    return replace(view, policies=(replace(view.policies[0], **changes),))
