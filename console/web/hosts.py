"""主机: the table of all hosts; one host with its charts, certificates, units, facts and backups."""

from datetime import timedelta

from flask import Blueprint, abort, jsonify, render_template, request
from sqlalchemy import select
from werkzeug.wrappers import Response

from console.problems import find_problems
from console.store.models import FactDocument
from console.view import load_view
from console.web.charts import CHARTS, chosen_range, document, read_lines, shown_charts
from console.web.context import config, locale, now, store
from console.web.nights import SHOWN_NIGHTS, recent_proofs, recent_runs
from console.web.views import host_views, tell

blueprint = Blueprint("hosts", __name__, url_prefix="/hosts")


@blueprint.get("/")
def show() -> str:
    """Show every host of the facility, worst first."""
    return render_template("hosts.html", hosts=host_views(load_view(store(), config()), now()))


def _known(name: str) -> None:
    if name not in {host.name for host in config().hosts}:
        abort(404)


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
    return render_template(
        "host.html",
        host=host,
        problems=problems,
        certificates=host.certificates(now()),
        **shown_charts(CHARTS, times, lines),
        span=span,
        facts=facts,
        runs=recent_runs(store(), since, name)[:5],
        proofs=recent_proofs(store(), since, name)[:3],
    )


@blueprint.get("/<name>/charts.json")
def charts(name: str) -> Response:
    """Return the points of every chart of a host."""
    _known(name)
    times, lines = read_lines(store(), name, chosen_range(request.args.get("range")), now())
    return jsonify(document(CHARTS, times, lines))
