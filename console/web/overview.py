"""概览: what is wrong, worst first, with the next step; then where everything stands."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from flask import Blueprint, render_template, url_for
from flask_login import current_user
from sqlalchemy import select

from backup.rules.proof import Standing
from console.alerts.shown import rule_problems
from console.power.view import UpsView, load_upses
from console.problems import Severity, find_problems
from console.repository_texts import PROOFS, REPOSITORIES, REPOSITORY_KINDS, SPACE, WAL_KINDS
from console.rules.problem import sort_key
from console.rules.view import StoreView
from console.store.models import ProvisionRun, State
from console.view import load_view
from console.web import audit as audit_page
from console.web.compliance import assessment
from console.web.context import audit, config, locale, now, store
from console.web.incident_views import counted as counted_incidents
from console.web.incident_views import open_counts
from console.web.views import Told, host_views, tell
from console.web.words import RANK

blueprint = Blueprint("overview", __name__)


@dataclass(frozen=True)
class BackupTile:
    """All policies together: the one that is worst off speaks for them."""

    policies: int
    backed_up: int
    proved: int
    stored_offsite: int
    proved_offsite: int
    oldest_good: datetime | None
    oldest_proof: datetime | None


def backup_tile(view: StoreView, now: datetime) -> BackupTile:
    """Return the tile: a proof that is too old proves nothing; a time is None while no policy has one.

    The proof's time is that of the local repository; the vault's proofs are counted by themselves.
    """
    good = [item.last_success.started_at if item.last_success else None for item in view.policies]
    proved = [item.local.passed.started_at if item.local.passed else None for item in view.policies]
    standings = [{kind: one.standing(kind, now) for kind, one in item.tested.items()} for item in view.policies]
    return BackupTile(
        policies=len(view.policies),
        backed_up=sum(one is not None for one in good),
        proved=sum(one["local"] is Standing.PROVED for one in standings),
        stored_offsite=sum("offsite" in one for one in standings),
        proved_offsite=sum(one.get("offsite") is Standing.PROVED for one in standings),
        oldest_good=min((one for one in good if one), default=None),
        oldest_proof=min((one for one in proved if one), default=None),
    )


@dataclass(frozen=True)
class PowerTile:
    """All UPSes together: the one that is worst off speaks for them, and the battery that lasts shortest."""

    upses: int
    condition: str
    fine: int
    shortest_seconds: float | None


def power_tile(views: Sequence[UpsView]) -> PowerTile | None:
    """Return the tile; None without a UPS."""
    if not views:
        return None
    worst = min(views, key=lambda one: RANK.index(one.standing.state))
    left = [one.runtime.seconds for one in views if one.runtime is not None]
    fine = sum(one.standing.state is State.OK for one in views)
    return PowerTile(len(views), worst.standing.condition, fine, min(left, default=None))


# How a problem's kind begins → the page that shows more of it.
PLACES: tuple[tuple[tuple[str, ...], str], ...] = (
    (("high_risk",), "compliance.show"),
    (("provision_failed",), "runs.show"),
    (("ups_",), "power.show"),
    (("device_", "interface_", "sensor_", "contact_", "printer_"), "devices.show"),
    ((*REPOSITORY_KINDS, *SPACE), "backups.repositories"),
    (("recovery_key",), "backups.restores"),
)
OF_BACKUPS = ("backup", "restore", *REPOSITORIES, *PROOFS, *WAL_KINDS)


def problem_link(problem: Told) -> str:
    """Return the page that shows more of a problem."""
    for beginnings, page in PLACES:
        if problem.kind.startswith(beginnings):
            return url_for(page)
    if problem.kind.startswith(OF_BACKUPS):
        return url_for("backups.show", host=problem.host)
    return url_for("hosts.one", name=problem.host) if problem.host else url_for("hosts.show")


@dataclass(frozen=True)
class Alike:
    """A problem and those after it that are of the same kind, such as one on every host."""

    first: Told
    others: tuple[Told, ...]


def alike(problems: Iterable[Told]) -> list[Alike]:
    """Put neighbours of the same kind and severity together; the order stays."""
    groups = (tuple(group) for _key, group in groupby(problems, key=lambda one: (one.severity, one.kind)))
    return [Alike(group[0], group[1:]) for group in groups]


@blueprint.get("/")
def show() -> str:
    """Show the clinic's problems and tiles."""
    view = load_view(store(), config())
    problems = sorted([*find_problems(view, now()), *rule_problems(store())], key=sort_key)
    hosts = host_views(view, now())
    counted = Counter(host.state for host in hosts)
    files = audit().files
    return render_template(
        "overview.html",
        count=len(problems),
        groups=alike(tell(problem, locale()) for problem in problems),
        problem_link=problem_link,
        critical=sum(problem.severity is Severity.CRIT for problem in problems),
        hosts=hosts,
        counted=[(state, counted[state]) for state in RANK if counted[state]],
        incidents=counted_incidents(store()),
        open_incidents_by=open_counts(store()),
        backups=backup_tile(view, now()),
        power=power_tile(load_upses(store(), config(), now())),
        compliance=assessment(store()),
        newest_run=store().scalars(select(ProvisionRun).order_by(ProvisionRun.started_at.desc()).limit(1)).first(),
        may_audit=audit_page.may_read(current_user),
        checked=audit_page.last_check().newest,
        newest_seal=max(files.seal_days(), default=None),
    )
