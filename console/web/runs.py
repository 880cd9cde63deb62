"""作业: runs of the playbooks; one run as a matrix of task × host, with what changed."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, abort, render_template, request
from sqlalchemy import Row, select

from console.store.models import ProvisionRun, ProvisionTask
from console.web.context import store

blueprint = Blueprint("runs", __name__, url_prefix="/runs")
LISTED = 100
COUNTS = ("ok", "changed", "failed", "unreachable", "skipped")
NOTABLE = ("changed", "failed", "unreachable")


@dataclass(frozen=True)
class TaskRow:
    """One task of a run: its cells by host, in the order of the play."""

    role: str | None
    task: str
    cells: dict[str, Row[Any]]

    @property
    def notes(self) -> list[Row[Any]]:
        """Return the cells that have a diff or a message to show."""
        return [cell for cell in self.cells.values() if cell.diff or (cell.message and cell.status in NOTABLE)]


def by_host(hosts: dict[str, dict[str, int]]) -> dict[str, dict[str, int]]:
    """Return each host's counts with ``ok`` as what stayed unchanged; Ansible counts a changed task as ok too."""
    return {
        host: {name: counts.get(name, 0) for name in COUNTS} | {"ok": counts.get("ok", 0) - counts.get("changed", 0)}
        for host, counts in hosts.items()
    }


def totals(hosts: dict[str, dict[str, int]]) -> dict[str, int]:
    """Return the sums over all hosts of a run's counts."""
    return {name: sum(counts.get(name, 0) for counts in hosts.values()) for name in COUNTS}


@blueprint.get("/")
def show() -> str:
    """List the newest runs."""
    runs = store().scalars(select(ProvisionRun).order_by(ProvisionRun.started_at.desc()).limit(LISTED)).all()
    return render_template("runs.html", runs=[(run, totals(run.hosts)) for run in runs], limit=LISTED)


def matrix(tasks: Iterable[Any]) -> list[TaskRow]:
    """Put the tasks of all hosts that ran the same task into one row, in the order of the play.

    A task that runs again on the same host (a loop of includes, a handler) starts a new row.
    """
    rows: list[TaskRow] = []
    newest: dict[tuple[str | None, str], TaskRow] = {}
    for task in tasks:
        row = newest.get((task.role, task.task))
        if row is None or task.host in row.cells:
            row = newest[task.role, task.task] = TaskRow(task.role, task.task, {})
            rows.append(row)
        row.cells[task.host] = task
    return rows


@blueprint.get("/<run_id>")
def one(run_id: str) -> str:
    """Show one run; by default only what changed or failed, everything with ``?show=all``."""
    run = store().get(ProvisionRun, run_id) or abort(404)
    everything = request.args.get("show") == "all"
    host = request.args.get("host")
    wanted = select(
        ProvisionTask.position,
        ProvisionTask.host,
        ProvisionTask.role,
        ProvisionTask.task,
        ProvisionTask.action,
        ProvisionTask.status,
        ProvisionTask.duration_seconds,
        ProvisionTask.diff,
        ProvisionTask.message,
    ).where(ProvisionTask.run_id == run_id)
    if not everything:
        wanted = wanted.where(ProvisionTask.status.in_(NOTABLE))
    if host in run.hosts:
        wanted = wanted.where(ProvisionTask.host == host)
    rows = matrix(store().execute(wanted.order_by(ProvisionTask.position)).all())
    shown_hosts = [host] if host in run.hosts else list(run.hosts)
    return render_template(
        "run.html",
        run=run,
        counted=by_host(run.hosts),
        rows=rows,
        hosts=shown_hosts,
        chosen=host,
        everything=everything,
    )
