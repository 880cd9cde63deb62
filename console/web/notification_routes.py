"""通知通道: how each route stands by what its provider last said, and a test at the press of a button."""

from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask_login import current_user
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from console.alerts import outbox
from console.alerts.outbox import UNFINISHED, Stage
from console.i18n import N_
from console.notifications.message import Outcome
from console.notifications.plan import NotificationRoute
from console.notifications.trial import trial_message
from console.store.database import durable
from console.store.incidents import Notification, NotificationAttempt
from console.store.models import State
from console.web.context import _, audit, config, console, now, store
from console.web.incidents import may_act

blueprint = Blueprint("routes", __name__, url_prefix="/incidents/routes")
CHANNELS = {
    "apprise": N_("Chat or push service"),
    "email": N_("E-mail"),
    "webhook": N_("Webhook"),
}


@dataclass(frozen=True)
class RouteView:
    """One route: the newest delivery, the newest failed attempt, and what still waits."""

    route: NotificationRoute
    delivered_at: datetime | None
    delivered_answer: str | None
    failed_at: datetime | None
    failed_answer: str | None
    waiting: int

    @property
    def standing(self) -> tuple[str, str]:
        """Return (state, word): the newest attempt decides."""
        if self.failed_at is not None and (self.delivered_at is None or self.failed_at > self.delivered_at):
            return (State.WARN, _("Tried again")) if self.waiting else (State.CRIT, _("Does not deliver"))
        if self.waiting:
            return State.MAINT, _("On its way")
        return (State.UNKNOWN, _("Never used")) if self.delivered_at is None else (State.OK, _("Delivers"))


def route_view(session: Session, route: NotificationRoute) -> RouteView:
    """Return how a route stands, by every attempt that is kept."""
    attempts = (
        select(NotificationAttempt.started_at, NotificationAttempt.answer)
        .join(Notification, Notification.id == NotificationAttempt.notification_id)
        .where(Notification.route == route.name)
        .order_by(NotificationAttempt.id.desc())
        .limit(1)
    )
    good = session.execute(attempts.where(NotificationAttempt.outcome == Outcome.DELIVERED.value)).first()
    bad = session.execute(
        attempts.where(NotificationAttempt.outcome.in_((Outcome.RETRY.value, Outcome.REFUSED.value)))
    ).first()
    open_states = Notification.state.in_([Stage(one).value for one in UNFINISHED])
    waiting = select(func.count()).select_from(Notification).where(Notification.route == route.name, open_states)
    return RouteView(
        route,
        good.started_at if good else None,
        good.answer if good else None,
        bad.started_at if bad else None,
        bad.answer if bad else None,
        session.scalar(waiting) or 0,
    )


@blueprint.get("/")
def show() -> str:
    """Show every route."""
    plan = config().notifications
    return render_template(
        "notification_routes.html",
        views=[route_view(store(), route) for route in plan.routes],
        channels=CHANNELS,
        may_act=may_act(current_user),
    )


@blueprint.post("/<name>/test")
def test(name: str) -> Response:
    """Queue a test message; the worker, which has the secrets, sends it."""
    if not may_act(current_user):
        abort(403)
    if name not in {route.name for route in config().notifications.routes}:
        abort(404)
    audit().append(actor=current_user.username, action="notification.tested", target=name)
    with durable(console().sessions) as session:
        outbox.queue(session, trial_message(config(), current_user.username, now()), [name], now())
    flash(_("The test is on its way by {name}. The answer appears below within seconds.", name=name), "ok")
    return redirect(url_for("routes.show"))
