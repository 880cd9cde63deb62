"""备份: how well each system is protected, what one run, one restore test or one restore did."""

from datetime import datetime, timedelta
from typing import Any

from flask import Blueprint, abort, render_template, request
from sqlalchemy import select

from backup.causes import explain
from backup.causes.explanation import Explanation
from backup.status import Cause
from console import view
from console.details import detail_text
from console.repository_texts import ALARMING
from console.store.models import BackupRunRow, RestoreRow, VerificationRow
from console.web.context import _, config, now, said, store
from console.web.nights import SHOWN_NIGHTS, recent_proofs, recent_runs
from console.web.systems import curve, sizes, systems, under_way
from console.web.words import LEGEND, NIGHT_SHAPES

blueprint = Blueprint("backups", __name__, url_prefix="/backups")
LISTED = 60
RUNNING_SINCE = timedelta(days=2)


def explained(code: str | None, place: str | None, detail: str | None) -> Explanation | None:
    """Return the texts of a cause in the page's language, or None when there is none."""
    return None if code is None else explain(Cause(code, place or "–", said(detail_text(detail or "–"))), _)


def explained_row(row: Any) -> Explanation | None:  # noqa: ANN401 — a run, a restore test, a restore, or a row of one
    """Return the texts of the cause of a run, a restore test or a restore."""
    return explained(row.cause_code, row.cause_place, row.cause_detail)


def explained_step(step: dict[str, Any]) -> Explanation | None:
    """Return the texts of the cause of one step."""
    cause = step.get("cause")
    return None if cause is None else explained(cause["code"], cause["place"], cause["detail"])


def chosen_host() -> str | None:
    """Return the host that the page is about, None for all."""
    host = request.args.get("host")
    return host if host in {item.name for item in config().hosts} else None


@blueprint.get("/")
def show() -> str:
    """Show what runs now, and every system from its data to the vault, with its calendar of nights."""
    host = chosen_host()
    seen = view.load_view(store(), config())
    runs = recent_runs(store(), now() - RUNNING_SINCE, host)
    return render_template(
        "backups.html",
        running=[one for one in under_way(seen, runs, now()) if host in {None, one.host}],
        systems=systems(store(), seen, now(), host),
        curve=curve,
        night_shapes=NIGHT_SHAPES,
        night_legend=LEGEND,
        host=host,
    )


@blueprint.get("/records")
def records() -> str:
    """List the newest backup runs and restore tests."""
    host = chosen_host()
    since = now() - timedelta(days=SHOWN_NIGHTS)
    return render_template(
        "backup_records.html",
        runs=recent_runs(store(), since, host)[:LISTED],
        proofs=recent_proofs(store(), since, host)[:LISTED],
        host=host,
    )


@blueprint.get("/repositories")
def repositories() -> str:
    """Show every repository, the space on its server, what waits for a decision, and who tried to delete."""
    rows = view.repositories(store(), config())
    return render_template(
        "repositories.html",
        repositories=rows,
        copies=view.copies(store(), config()),
        paused=[row for row in rows if row.paused_since is not None],
        spaces=view.spaces(store(), config()),
        refusals=view.refusals(store(), config()),
        sizes=sizes(store(), now()),
        curve=curve,
        alarming=ALARMING,
        detail_words=lambda detail: said(detail_text(detail)),
        explained_row=explained_row,
        explained_step=explained_step,
    )


@blueprint.get("/restores")
def restores() -> str:
    """List what was restored: drills, single files, whole systems."""
    query = select(RestoreRow).order_by(RestoreRow.started_at.desc()).limit(LISTED)
    host = chosen_host()
    found = store().scalars(query if host is None else query.where(RestoreRow.host == host)).all()
    return render_template("restores.html", restores=found, host=host)


@blueprint.get("/restores/<restore_id>")
def restore(restore_id: str) -> str:
    """Show one restore: what came back, to where, and when each step took place."""
    row = store().get(RestoreRow, restore_id) or abort(404)
    return render_template(
        "restore.html", restore=row, cause=explained_row(row), explained_step=explained_step, spans=spans(row)
    )


@blueprint.get("/runs/<run_id>")
def run(run_id: str) -> str:
    """Show one backup run: its steps, what each one did, and why it failed."""
    row = store().get(BackupRunRow, run_id) or abort(404)
    return render_template(
        "backup_run.html", run=row, cause=explained_row(row), explained_step=explained_step, spans=spans(row)
    )


@blueprint.get("/verifications/<verification_id>")
def verification(verification_id: str) -> str:
    """Show one restore test: what was asked of the restored data and what it answered."""
    row = store().get(VerificationRow, verification_id) or abort(404)
    policy = next((item for item in config().policies if item.name == row.policy), None)
    return render_template(
        "verification.html",
        proof=row,
        rpo_target=row.rpo_target_seconds or (policy.rpo_hours * 3600 if policy else None),
        rto_target=row.rto_target_seconds or (policy.rto_hours * 3600 if policy else None),
        cause=explained_row(row),
        longest=max(row.phases.values(), default=0.0),
    )


def spans(row: Any) -> list[tuple[float, float]]:  # noqa: ANN401 — a run or a restore
    """Return where each step lies in the whole time, start and length in percent, for the bars beside the steps."""
    end = row.finished_at or now()
    whole = max((end - row.started_at).total_seconds(), 0.001)
    found = []
    for step in row.steps:
        started = datetime.fromisoformat(step["started_at"])
        ended = datetime.fromisoformat(step["finished_at"]) if step["finished_at"] else end
        left = min(100.0, max(0.0, (started - row.started_at).total_seconds() / whole * 100))
        length = (ended - started).total_seconds() / whole * 100
        found.append((left, min(100 - left, max(0.8, length))))
    return found
