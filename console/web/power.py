"""供电: every UPS drawn, with what it feeds, for how long it lasts, who goes when, and what happened today."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from flask import Blueprint, abort, jsonify, render_template, request
from sqlalchemy import select
from werkzeug.wrappers import Response

from agent.power.records import Event
from console.explanation import Explanation
from console.hosts import shown_state
from console.power.boots import load_boots
from console.power.forecast import FEWEST_WEEKS, SHORTEST, WORN_RATIO, battery_forecast
from console.power.happened import HAPPENED
from console.power.plan import Device, Stage, Ups
from console.power.standing import SourceStanding
from console.power.texts import CONDITIONS, TROUBLES
from console.power.view import UpsView, full_days, load_devices, load_events, load_upses
from console.store.models import HostState, PowerEvent, PowerRecordRow, State
from console.web.charts import chosen_range, document, read_lines, shown_charts
from console.web.context import _, config, locale, now, store, zone
from console.web.power_charts import CHARTS, height, wear_curve
from console.web.words import RANK, named

blueprint = Blueprint("power", __name__, url_prefix="/power")
EVENTS_SHOWN = 200
NEWEST_RECORDS = 3
HISTORY_DAYS = 30


def own_name(item: Ups | Device | Stage) -> str:
    """Return the name in the page's language."""
    return item.name_zh if locale() == "zh_CN" else item.name


@dataclass(frozen=True)
class FedHost:
    """A host that hangs on a UPS, or a device that goes down by NUT itself."""

    name: str
    state: State
    page: str  # Flask's endpoint


@dataclass(frozen=True)
class Away:
    """A time without mains; ``start`` and ``width`` in percent of the day so far."""

    begin: datetime
    end: datetime | None
    start: float
    width: float


def load_fed(views: Sequence[UpsView]) -> dict[str, FedHost]:
    """Return the hosts and devices on these UPSes by name, each with its state as its own page shows it."""
    names = {name for view in views for name in view.ups.powers}
    interval = config().scrape_interval_seconds
    rows = {row.name: row for row in store().scalars(select(HostState).where(HostState.name.in_(names)))}
    found = {}
    for name in names - {device.name for device in config().devices}:
        state = shown_state(rows[name], now(), interval) if name in rows else State.UNKNOWN
        found[name] = FedHost(name, state, "hosts.one")
    for name in names - found.keys():
        [device] = load_devices(store(), config(), now(), name)
        found[name] = FedHost(name, device.standing.state, "devices.one")
    return found


def midnight() -> datetime:
    """Return when today began in the facility."""
    return now().astimezone(zone()).replace(hour=0, minute=0, second=0, microsecond=0)


def times_away(events: Sequence[PowerEvent], ups: str, since: datetime, until: datetime) -> list[Away]:
    """Return the times without mains between two moments, from events in any order."""
    begun: datetime | None = None
    found: list[tuple[datetime, datetime | None]] = []
    told = sorted((one for one in events if one.device == ups), key=lambda one: one.at)
    for event in told:
        if event.code == "on_battery":
            begun = begun or event.at
        elif event.code == "mains_back":
            found.append((begun or since, event.at))
            begun = None
    if begun is not None:
        found.append((begun, None))
    whole = max(1.0, (until - since).total_seconds())

    def share(moment: datetime) -> float:
        return min(100.0, max(0.0, (moment - since).total_seconds() / whole * 100))

    return [Away(a, b, share(a), max(0.6, share(b or until) - share(a))) for a, b in found]


def told(event: PowerEvent | Event) -> Explanation | None:
    """Return the texts of an event; an unreachable device's detail says which trouble it was."""
    if event.code == "unreachable" and event.detail in TROUBLES:
        return TROUBLES[event.detail]
    return HAPPENED.get(event.code)


def explained(view: UpsView) -> list[Explanation]:
    """Return the texts of every condition of a UPS that wants one."""
    return [CONDITIONS[name] for name in view.standing.conditions if name in CONDITIONS]


def trouble(source: SourceStanding) -> Explanation | None:
    """Return the texts of what ails a source."""
    return TROUBLES.get(source.snapshot.trouble or "") if not source.snapshot.up else None


def unstaged(view: UpsView) -> list[str]:
    """Return the fed hosts that no stage of the plan names."""
    staged = {host for one in view.plan for host in one.stage.hosts}
    return [host for host in view.ups.powers if host not in staged]


def going(view: UpsView, seconds: float | None) -> datetime | None:
    """Return when a stage goes whose time is ``seconds`` away, when the battery is in use."""
    return now() + timedelta(seconds=seconds) if seconds is not None and view.standing.on_battery else None


def moment(seconds: float | None) -> datetime | None:
    """Return Unix seconds as a time."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def differing(view: UpsView) -> str:
    """Return in words in what the sources differ."""
    shown = view.standing.shown
    return _(", ").join(named("quantities", one) for one in shown.disagreements) if shown else ""


HELPERS = {
    "differing": differing,
    "own_name": own_name,
    "told": told,
    "explained": explained,
    "trouble": trouble,
    "unstaged": unstaged,
    "going": going,
    "moment": moment,
}


@blueprint.get("/")
def show() -> str:
    """Show every UPS, worst first, and today's events."""
    views = sorted(load_upses(store(), config(), now()), key=lambda one: RANK.index(one.standing.state))
    names = [one.ups.name for one in views]
    events = load_events(store(), names, midnight(), EVENTS_SHOWN)
    query = select(PowerRecordRow).order_by(PowerRecordRow.started_at.desc()).limit(NEWEST_RECORDS)
    return render_template(
        "power.html",
        views=views,
        fed=load_fed(views),
        events=events,
        away={name: times_away(events, name, midnight(), now()) for name in names},
        named_ups={one.ups.name: own_name(one.ups) for one in views},
        records=store().scalars(query).all(),
        **HELPERS,
    )


def _known(name: str) -> None:
    if name not in {ups.name for ups in config().power.ups}:
        abort(404)


@blueprint.get("/<name>")
def one(name: str) -> str:
    """Show one UPS: its values, its history, and when its battery wants replacing."""
    _known(name)
    view = next(item for item in load_upses(store(), config(), now()) if item.ups.name == name)
    span = chosen_range(request.args.get("range"))
    times, lines = read_lines(store(), name, span, now(), CHARTS)
    shown = view.standing.shown
    replaced = moment(shown.battery_replaced) if shown else None
    forecast = battery_forecast(full_days(store(), name), replaced.date() if replaced else None)
    return render_template(
        "ups.html",
        view=view,
        fed=load_fed([view]),
        forecast=forecast,
        worn_ratio=WORN_RATIO,
        least_days=SHORTEST.days,
        fewest_weeks=FEWEST_WEEKS,
        curve=wear_curve(forecast),
        limit_at=height(WORN_RATIO * (forecast.first_seconds or 0.0), forecast),
        boots=load_boots(store(), view.ups.powers),
        events=load_events(store(), [name], now() - timedelta(days=HISTORY_DAYS), EVENTS_SHOWN),
        named_ups={name: own_name(view.ups)},
        **shown_charts(CHARTS, times, lines),
        span=span,
        **HELPERS,
    )


@blueprint.get("/<name>/charts.json")
def charts(name: str) -> Response:
    """Return the points of every chart of a UPS."""
    _known(name)
    times, lines = read_lines(store(), name, chosen_range(request.args.get("range")), now(), CHARTS)
    return jsonify(document(CHARTS, times, lines))
