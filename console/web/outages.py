"""停电与演练: every power cut and drill on record, with each host's way down and back."""

import json
from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, Response, abort, render_template
from sqlalchemy import select

from agent.power.records import Check, HostStep, PowerRecord, from_json
from console.power.spans import Span, ends, spans
from console.store.models import PowerRecordRow
from console.web.attachment import disposition
from console.web.context import config, now, store
from console.web.power import own_name, told
from console.web.words import named

blueprint = Blueprint("outages", __name__, url_prefix="/power/records")
LISTED = 200


@dataclass(frozen=True)
class ShownStep:
    """A host's step with its bars and its durations in seconds."""

    step: HostStep
    spans: list[Span]
    down_seconds: float | None
    return_seconds: float | None


def shown_step(record: PowerRecord, step: HostStep) -> ShownStep:
    """Return a step as the page shows it: the way down from being told, the return from the mains' return."""
    return ShownStep(
        step,
        spans(record, step, now()),
        _between(step.told_at, step.off_at),
        _between(record.mains_back_at, step.back_at),
    )


def _between(first: datetime | None, last: datetime | None) -> float | None:
    """Return the seconds between two moments; none for a host that was up before anybody saw the mains again."""
    return None if first is None or last is None else max(0.0, (last - first).total_seconds())


def check_name(check: Check) -> tuple[str, str]:
    """Return what was checked and on which object: ``back:his1`` is (Came back, his1)."""
    word, _colon, what = check.name.partition(":")
    return named("power_checks", word), what


def step_detail(detail: str) -> str:
    """Return a step's detail in words where it is a code."""
    return named("power_details", detail) if detail else ""


def ups_names() -> dict[str, str]:
    """Return the UPSes' names in the page's language."""
    return {ups.name: own_name(ups) for ups in config().power.ups}


@blueprint.get("/")
def show() -> str:
    """List the records, newest first."""
    rows = store().scalars(select(PowerRecordRow).order_by(PowerRecordRow.started_at.desc()).limit(LISTED)).all()
    return render_template("outages.html", records=[(row, from_json(row.document)) for row in rows], names=ups_names())


def _row(record_id: str) -> PowerRecordRow:
    row = store().get(PowerRecordRow, record_id)
    if row is None:
        abort(404)
    return row


@blueprint.get("/<record_id>")
def one(record_id: str) -> str:
    """Show one record."""
    record = from_json(_row(record_id).document)
    stages = {stage.name: own_name(stage) for stage in config().power.stages}
    return render_template(
        "outage.html",
        record=record,
        ends=ends(record, now()),
        steps=[shown_step(record, step) for step in record.steps],
        stages=stages,
        names=ups_names(),
        told=told,
        check_name=check_name,
        step_detail=step_detail,
    )


@blueprint.get("/<record_id>.json")
def download(record_id: str) -> Response:
    """Send the record as its host wrote it."""
    text = json.dumps(_row(record_id).document, ensure_ascii=False, indent=1)
    answer = Response(text + "\n", mimetype="application/json")
    answer.headers["Content-Disposition"] = disposition(f"{record_id}.json")
    return answer
