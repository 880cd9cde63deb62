"""备份: what is backed up, what was proved by a restore, and what one run or one restore test did."""

from datetime import timedelta
from typing import Any

from flask import Blueprint, abort, render_template, request

from backup.causes import Explanation, explain
from backup.status import Cause
from console.store.models import BackupRunRow, VerificationRow
from console.web.context import _, config, now, store, zone
from console.web.nights import SHOWN_NIGHTS, protections, recent_proofs, recent_runs

blueprint = Blueprint("backups", __name__, url_prefix="/backups")
LISTED = 60


def explained(code: str | None, place: str | None, detail: str | None) -> Explanation | None:
    """Return the texts of a cause in the page's language, or None when there is none."""
    return None if code is None else explain(Cause(code, place or "–", detail or "–"), _)


def explained_row(row: Any) -> Explanation | None:  # noqa: ANN401 — a run, a restore test, or a row of either
    """Return the texts of the cause of a run or restore test."""
    return explained(row.cause_code, row.cause_place, row.cause_detail)


def explained_step(step: dict[str, Any]) -> Explanation | None:
    """Return the texts of the cause of one step."""
    cause = step.get("cause")
    return None if cause is None else explained(cause["code"], cause["place"], cause["detail"])


@blueprint.get("/")
def show() -> str:
    """Show every policy of every host, its calendar of nights, and the newest runs and restore tests."""
    host = request.args.get("host")
    host = host if host in {item.name for item in config().hosts} else None
    every = [item for item in protections(store(), config().policies, now(), zone()) if host in (None, item.host)]
    since = now() - timedelta(days=SHOWN_NIGHTS)
    return render_template(
        "backups.html",
        protections=every,
        runs=recent_runs(store(), since, host)[:LISTED],
        proofs=recent_proofs(store(), since, host)[:LISTED],
        host=host,
    )


@blueprint.get("/runs/<run_id>")
def run(run_id: str) -> str:
    """Show one backup run: its steps, what each one did, and why it failed."""
    row = store().get(BackupRunRow, run_id) or abort(404)
    return render_template("backup_run.html", run=row, cause=explained_row(row), explained_step=explained_step)


@blueprint.get("/verifications/<verification_id>")
def verification(verification_id: str) -> str:
    """Show one restore test: what was asked of the restored data and what it answered."""
    row = store().get(VerificationRow, verification_id) or abort(404)
    policy = next((item for item in config().policies if item.name == row.policy), None)
    return render_template("verification.html", proof=row, policy=policy, cause=explained_row(row))
