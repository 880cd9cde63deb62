"""告警: what is open, worst first; one incident with its history; take care of it, or close it."""

from collections.abc import Callable

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_login import current_user
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from console.alerts.incidents import Desk, NotOpenError
from console.store.database import durable
from console.store.incidents import Incident
from console.store.models import PowerRecordRow, Role
from console.web.context import _, audit, config, console, now, store
from console.web.incident_views import LISTED, STANDINGS, counted, history, listed, measure, open_counts, spoken, told
from console.web.visitor import Visitor

blueprint = Blueprint("incidents", __name__, url_prefix="/incidents")
SEVERITIES = ("crit", "warn")
ACTORS = (Role.ADMINISTRATOR, Role.SECURITY, Role.OPERATOR)
LONGEST_REMARK = 500


def may_act(visitor: Visitor) -> bool:
    """Return whether a visitor's role may take care of incidents, close them and try routes; auditors only read."""
    return visitor.is_authenticated and visitor.role in ACTORS


def open_total() -> int:
    """Return how many incidents are unresolved, for the menu of every page; 0 where the store cannot be read."""
    try:
        return sum(open_counts(store()).values())
    except SQLAlchemyError:  # the page that tells of it has a menu, too
        return 0


@blueprint.get("/")
def show() -> str:
    """Show the unresolved incidents, worst first, or those that the filters ask for."""
    standing = request.args.get("show", "current")
    if standing not in {"current", *STANDINGS}:
        standing = "current"
    severity = request.args.get("severity")
    severity = severity if severity in SEVERITIES else None
    wanted = request.args.get("q", "").strip()
    rows = listed(store(), standing, severity, wanted, request.args.get("before", type=int))
    more = standing == "resolved" and len(rows) > LISTED
    rows = rows[:LISTED] if more else rows
    return render_template(
        "incidents.html",
        incidents=[spoken(row) for row in rows],
        told=told(store(), rows),
        counts=counted(store()),
        standing=standing,
        standings=STANDINGS,
        severity=severity,
        severities=SEVERITIES,
        wanted=wanted,
        older=rows[-1].id if more else None,
        without_routes=not config().notifications.routes,
    )


def object_page(row: Incident) -> str | None:
    """Return the page of what an incident is about: a UPS, a device, a host, a notification route; None without one."""
    plan, labels = config(), row.labels
    known = (
        ("power.one", labels.get("ups"), [ups.name for ups in plan.power.ups]),
        ("devices.one", labels.get("device"), [device.name for device in plan.devices]),
        ("hosts.one", row.object, [host.name for host in plan.hosts]),
    )
    found = (url_for(page, name=name) for page, name, names in known if name in names)
    return next(found, url_for("routes.show") if "route" in labels else None)


@blueprint.get("/<int:incident_id>")
def one(incident_id: int) -> str:
    """Show one incident: what, since when, what it means, what to do, and everything that happened."""
    row = store().get(Incident, incident_id) or abort(404)
    return render_template(
        "incident.html",
        incident=spoken(row),
        standings=STANDINGS,
        measure=measure(row),
        lines=history(store(), row),
        explained_by=spoken(source) if row.held_by and (source := store().get(Incident, row.held_by)) else None,
        object_page=object_page(row),
        drill_is_on_record=row.drill is not None and store().get(PowerRecordRow, row.drill) is not None,
        known_host=any(host.name == row.host for host in config().hosts),
        may_act=may_act(current_user),
        longest=LONGEST_REMARK,
    )


@blueprint.post("/<int:incident_id>/acknowledge")
def acknowledge(incident_id: int) -> Response:
    """Note who takes care of it; the remark may be empty."""
    remark = _remark("comment")
    return _change(
        incident_id,
        lambda desk: desk.acknowledge(audit(), incident_id, current_user.username, remark),
        _("Noted: {name} takes care of it.", name=current_user.username),
    )


@blueprint.post("/<int:incident_id>/resolve")
def resolve(incident_id: int) -> Response:
    """Close it for a reason."""
    reason = _remark("reason")
    if not reason:
        if not may_act(current_user):
            abort(403)
        flash(_("Say why it is closed."), "crit")
        return redirect(url_for("incidents.one", incident_id=incident_id))
    return _change(
        incident_id,
        lambda desk: desk.resolve_by_person(audit(), incident_id, current_user.username, reason),
        _("The incident is closed. If the problem lasts, it is told again in 24 hours or when it gets worse."),
    )


def _remark(field: str) -> str:
    return " ".join(request.form.get(field, "").split())[:LONGEST_REMARK]


def _change(incident_id: int, change: Callable[[Desk], None], done: str) -> Response:
    if not may_act(current_user):
        abort(403)
    if store().get(Incident, incident_id) is None:
        abort(404)
    try:
        with durable(console().sessions) as session:
            change(_desk(session))
        flash(done, "ok")
    except NotOpenError:
        flash(_("Nothing was changed: the incident was closed in the meantime."), "warn")
    return redirect(url_for("incidents.one", incident_id=incident_id))


def _desk(session: Session) -> Desk:
    return Desk(session, config(), now())
