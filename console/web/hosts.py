"""主机: the table of all hosts; one host with its charts, certificates, units, facts and backups."""

from datetime import timedelta
from typing import Any

from flask import Blueprint, abort, jsonify, render_template, request
from sqlalchemy import select
from werkzeug.wrappers import Response

from console.problems import find_problems
from console.store.models import FactDocument
from console.view import load_view
from console.web.charts import CHARTS, RANGES, Chart, Line, chosen_range, read_lines
from console.web.context import _, config, locale, now, store
from console.web.nights import SHOWN_NIGHTS, recent_proofs, recent_runs
from console.web.views import host_views, tell

blueprint = Blueprint("hosts", __name__, url_prefix="/hosts")
TABLE_ROWS = 24


@blueprint.get("/")
def show() -> str:
    """Show every host of the facility, worst first."""
    return render_template("hosts.html", hosts=host_views(load_view(store(), config()), now()))


def _known(name: str) -> None:
    if name not in {host.name for host in config().hosts}:
        abort(404)


def _labelled(chart: Chart, lines: list[Line]) -> list[tuple[str, Line]]:
    return [(line.label or _(label), line) for series, label in chart.series for line in lines if line.name == series]


@blueprint.get("/<name>")
def one(name: str) -> str:
    """Show one host."""
    _known(name)
    view = load_view(store(), config())
    host = next(item for item in host_views(view, now()) if item.name == name)
    problems = [tell(item, locale()) for item in find_problems(view, now()) if item.host == name]
    span = chosen_range(request.args.get("range"))
    times, lines = read_lines(store(), name, span, now())
    since = now() - timedelta(days=SHOWN_NIGHTS)
    facts = (
        store()
        .execute(
            select(FactDocument.gathered_at, FactDocument.received_at)
            .where(FactDocument.host == name)
            .order_by(FactDocument.day.desc())
            .limit(1)
        )
        .first()
    )
    every = max(1, len(times) // TABLE_ROWS)
    return render_template(
        "host.html",
        host=host,
        problems=problems,
        certificates=host.certificates(now()),
        charts=[(chart, _labelled(chart, lines)) for chart in CHARTS],
        times=times,
        rows=range(len(times) - 1, -1, -every),
        ranges=RANGES,
        span=span,
        facts=facts,
        runs=recent_runs(store(), since, name)[:5],
        proofs=recent_proofs(store(), since, name)[:3],
    )


@blueprint.get("/<name>/charts.json")
def charts(name: str) -> Response:
    """Return the points of every chart of a host: ``{times, charts: {id: [{label, values}]}}``."""
    _known(name)
    span = chosen_range(request.args.get("range"))
    times, lines = read_lines(store(), name, span, now())
    document: dict[str, Any] = {
        "times": times,
        "charts": {
            chart.id: [{"label": label, "values": [_short(value) for value in line.values]} for label, line in found]
            for chart in CHARTS
            if (found := _labelled(chart, lines))
        },
    }
    return jsonify(document)


def _short(value: float | None) -> float | None:
    """Return a value with six digits, which no pixel needs more of."""
    return None if value is None else float(f"{value:.6g}")
