"""合规: the facility against GB/T 22239-2019 at its level: layers, control points, items, evidence."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, abort, render_template, request
from sqlalchemy import select
from sqlalchemy.orm import Session

from compliance.assessment import Assessment, GroupState, ItemState, assess
from compliance.catalogue import Automation, Requirement, load_catalogue
from compliance.results import Verdict
from console.i18n import translate
from console.store.models import AssessmentResult, FactDocument
from console.web.context import config, locale, store

blueprint = Blueprint("compliance", __name__, url_prefix="/compliance")
FIRST_LAYER = "CES"
MANUAL = Automation.MANUAL


@dataclass(frozen=True)
class Judged:
    """A stored verdict of one requirement on one host."""

    requirement: str
    host: str
    verdict: Verdict
    high_risk: tuple[str, ...] = ()
    major_risks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Point:
    """A control point (控制点) and its items."""

    group: GroupState
    items: tuple[ItemState, ...]


def assessment(session: Session) -> Assessment:
    """Return the facility's self-check from the stored verdicts: one query.

    A host that has sent no facts is untested in every item that is judged elsewhere, and never left out.
    """
    hosts = [host.name for host in config().hosts]
    level = config().facility.mlps_level
    columns = select(AssessmentResult.requirement, AssessmentResult.host, AssessmentResult.verdict)
    known = {
        (requirement, host): Verdict(verdict)
        for requirement, host, verdict in session.execute(columns.where(AssessmentResult.host.in_(hosts)))
    }
    catalogue = load_catalogue()
    asked = {
        key for key, _host in known if key in catalogue.requirements and catalogue.requirements[key].level == level
    }
    every = [Judged(key, host, known.get((key, host), Verdict.UNTESTED)) for key in sorted(asked) for host in hosts]
    return assess(every, level, catalogue)


def wording(requirement: Requirement) -> str:
    """Return what the requirement asks, in the page's language."""
    return requirement.requirement_zh if locale() == "zh_CN" else requirement.gloss_en


def told(text: Mapping[str, Any] | None) -> str:
    """Return a stored text of a check in the page's language."""
    return "" if text is None else translate(locale(), text["msgid"], text["values"])


@blueprint.get("/")
def show() -> str:
    """Show the rates, the layers, and the items of one layer."""
    state = assessment(store())
    codes = {layer.name: layer.code for layer in load_catalogue().layers}
    wanted = request.args.get("layer", FIRST_LAYER)
    chosen = next((group for group in state.layers if codes[group.layer] == wanted), state.layers[0])
    items = [item for item in state.items if item.requirement.layer == chosen.layer]
    points = [
        Point(group, tuple(item for item in items if item.requirement.control_point == group.control_point))
        for group in state.control_points
        if group.layer == chosen.layer
    ]
    return render_template(
        "compliance.html",
        state_of=state,
        counts={verdict: sum(item.verdict is verdict for item in state.items) for verdict in Verdict},
        judged=sum(bool(item.objects) for item in state.items),
        codes=codes,
        chosen=chosen,
        points=points,
        manual=MANUAL,
        wording=wording,
    )


def _requirement(requirement_id: str) -> Requirement:
    found = load_catalogue().requirements.get(requirement_id)
    if found is None or found.level != config().facility.mlps_level:
        abort(404)
    return found


@blueprint.get("/<requirement_id>")
def one(requirement_id: str) -> str:
    """Show one requirement: what it asks, what each host answered, and the next step."""
    requirement = _requirement(requirement_id)
    hosts = [host.name for host in config().hosts]
    mine = select(AssessmentResult).where(
        AssessmentResult.requirement == requirement_id, AssessmentResult.host.in_(hosts)
    )
    return render_template(
        "requirement.html",
        requirement=requirement,
        item=next(item for item in assessment(store()).items if item.requirement.id == requirement_id),
        results=store().scalars(mine.order_by(AssessmentResult.host, AssessmentResult.check_id)).all(),
        manual=MANUAL,
        wording=wording,
        told=told,
        cases=[load_catalogue().high_risk_cases[case] for case in requirement.high_risk],
    )


@blueprint.get("/<requirement_id>/<host>/evidence")
def evidence(requirement_id: str, host: str) -> str:
    """Show the raw output of the probes by which a requirement was judged on a host."""
    requirement = _requirement(requirement_id)
    wanted = select(AssessmentResult).where(
        AssessmentResult.requirement == requirement_id, AssessmentResult.host == host
    )
    result = store().scalars(wanted).first() or abort(404)
    newest = select(FactDocument).where(FactDocument.host == host).order_by(FactDocument.day.desc()).limit(1)
    facts = store().scalars(newest).first()
    probes = facts.document.get("probes", []) if facts else []
    return render_template(
        "evidence.html",
        requirement=requirement,
        result=result,
        facts=facts,
        probes=[probe for probe in probes if probe.get("name") in result.evidence],
        missing=sorted(set(result.evidence) - {probe.get("name") for probe in probes}),
        wording=wording,
    )
