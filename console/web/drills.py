"""发起演练: ask the power daemon on this machine for a drill, after the audit log knows who wants it and why."""

from collections.abc import Mapping
from dataclasses import dataclass

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from agent.power.request import HOWS, Answer, new_request, read_answer, write_request
from console.boot import boot_id
from console.power.plan import Ups
from console.store.models import Role
from console.web.context import _, audit, config, facility_name
from console.web.power import own_name

blueprint = Blueprint("drills", __name__, url_prefix="/power/drill")
DRILLERS = (Role.ADMINISTRATOR, Role.OPERATOR)
REASON = (4, 300)
ACTION = "power.drill_requested"


@dataclass(frozen=True)
class Choice:
    """A way to drill one UPS."""

    ups: Ups
    scope: str
    how: str

    @property
    def value(self) -> str:
        """Return what the form sends."""
        return f"{self.ups.name}/{self.scope}/{self.how}"


def choices() -> list[Choice]:
    """Return the drills that can be asked for: of UPSes on this machine, simulated ones in a demonstration only."""
    found = []
    for ups in config().power.ups:
        if ups.connected_to != config().appliance:
            continue
        simulated = ups.driver == "dummy"
        scope = "lab" if simulated else "facility"
        if simulated and not config().facility.demo_data:
            continue
        found += [Choice(ups, scope, how) for how in HOWS[scope]]
    return found


def _elsewhere() -> list[Ups]:
    return [ups for ups in config().power.ups if ups.connected_to != config().appliance]


def _may() -> bool:
    return current_user.role in DRILLERS


@blueprint.get("/")
def form() -> str:
    """Show the form, and the daemon's answer to what was asked for."""
    asked = request.args.get("asked", "")
    return _page([], {}, asked)


def _page(problems: list[str], filled: Mapping[str, str], asked: str = "") -> str:
    answer: Answer | None = read_answer(config().drill_directory, asked) if asked else None
    return render_template(
        "drill.html",
        choices=choices(),
        elsewhere=_elsewhere(),
        may=_may(),
        problems=problems,
        filled=filled,
        longest=REASON[1],
        asked=asked,
        answer=answer,
        own_name=own_name,
        ready=config().drill_directory.is_dir(),
    )


@blueprint.post("/")
def start() -> tuple[str, int] | Response:
    """Leave the request for the power daemon."""
    if not _may():
        abort(403)
    filled = {name: " ".join(request.form.get(name, "").split()) for name in ("drill", "reason", "name")}
    chosen = next((one for one in choices() if one.value == filled["drill"]), None)
    problems = []
    if chosen is None:
        problems.append(_("Choose the UPS and the way."))
    if not REASON[0] <= len(filled["reason"]) <= REASON[1]:
        problems.append(_("Say in {low} to {high} characters why the drill is made.", low=REASON[0], high=REASON[1]))
    if filled["name"] != facility_name():
        problems.append(_("Type the name of the facility as it is written: {name}", name=facility_name()))
    if problems or chosen is None:
        return _page(problems, filled), 422
    operator = str(current_user.username)
    wanted = new_request(boot_id(), chosen.ups.name, chosen.scope, chosen.how, operator)
    detail = {
        "address": request.remote_addr or "-",
        "request": wanted.request_id,
        "scope": chosen.scope,
        "how": chosen.how,
        "reason": filled["reason"],
    }
    audit().append(actor=operator, action=ACTION, target=chosen.ups.name, detail=detail)
    try:
        write_request(config().drill_directory, wanted)
    except OSError as error:
        audit().append(
            actor=operator,
            action=ACTION,
            target=chosen.ups.name,
            result="failure",
            detail={**detail, "error": str(error)},
        )
        problems.append(
            _(
                "The request could not be left for the power daemon ({detail}). "
                "Next: ./xinglin provision --tags ups,console",
                detail=error.strerror or str(error),
            )
        )
        return _page(problems, filled), 503
    flash(_("The drill was asked for. The power daemon answers within seconds."), "ok")
    return redirect(url_for("drills.form", asked=wanted.request_id))
