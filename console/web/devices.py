"""网络与设备: every device that is polled or probed; one with its interfaces, sensors and history."""

from dataclasses import dataclass
from datetime import timedelta

from flask import Blueprint, abort, jsonify, render_template, request
from sqlalchemy import select
from werkzeug.wrappers import Response

from console.explanation import Explanation
from console.i18n import N_
from console.power.snapshot import DeviceSnapshot, Interface, Measured
from console.power.texts import TROUBLES
from console.power.view import DeviceView, load_devices, load_events
from console.store.models import MetricSeries, State
from console.web.charts import Chart, chosen_range, document, read_lines, shown_charts
from console.web.context import config, now, store
from console.web.power import own_name, told
from console.web.words import RANK, worded

blueprint = Blueprint("devices", __name__, url_prefix="/devices")
EVENTS_SHOWN = 100
HISTORY_DAYS = 30
LOW_SUPPLY, EMPTY_SUPPLY = 0.15, 0.05
CHARTS = (
    Chart(
        "reachable",
        N_("Reachable"),
        N_("Share of the time in which the device answered."),
        "ratio",
        (("device_reachable", N_("Answers")),),
    ),
    Chart(
        "received",
        N_("Received by port"),
        N_("Bytes in a second that the named ports received; the busiest ones."),
        "rate",
        (("interface_receive_bytes_per_second", ""),),
    ),
    Chart(
        "sent",
        N_("Sent by port"),
        N_("Bytes in a second that the named ports sent; the busiest ones."),
        "rate",
        (("interface_transmit_bytes_per_second", ""),),
    ),
    Chart(
        "links",
        N_("Links"),
        N_("Share of the time in which each named port was up."),
        "ratio",
        (("interface_up", ""),),
    ),
    Chart(
        "temperature",
        N_("Temperature"),
        N_("Of each sensor. A server room belongs between 18 and 27 °C."),
        "celsius",
        (("sensor_celsius", ""),),
    ),
    Chart(
        "humidity",
        N_("Humidity"),
        N_("Of each sensor. Below 20% sparks fly, above 80% water condenses."),
        "ratio",
        (("sensor_humidity_ratio", ""),),
    ),
)


def condition(view: DeviceView) -> str:
    """Return how a device stands, a key of the table ``reach``."""
    standing = view.standing
    if standing.last is None:
        return "never"
    if standing.shown is None:
        if standing.state is State.CRIT:
            return "unreachable"
        return "not_started" if standing.last.trouble == "not_started" else "silent"
    return "alert" if standing.shown.alerts else "reachable"


def trouble(view: DeviceView) -> Explanation | None:
    """Return the texts of why there is no reading."""
    last = view.standing.last
    return TROUBLES.get(last.trouble or "") if last is not None and not last.up else None


@dataclass(frozen=True)
class Ports:
    """The interfaces counted: those that are wanted, up and down."""

    up: int
    down: int


def ports(shown: DeviceSnapshot) -> Ports:
    """Count the interfaces that the administrator wants."""
    wanted = [one for one in shown.interfaces if one.enabled]
    return Ports(sum(one.up for one in wanted), sum(not one.up for one in wanted))


def lost_ports(shown: DeviceSnapshot) -> list[str]:
    """Return the ports that somebody named, that are wanted, and that are down."""
    return [one.alias for one in shown.interfaces if one.alias and one.enabled and not one.up]


def port_state(port: Interface) -> tuple[State, str]:
    """Return the state of a port: down is a problem only where somebody gave it a name."""
    if port.up:
        return State.OK, N_("Up")
    if not port.enabled:
        return State.UNKNOWN, N_("Switched off")
    return (State.CRIT if port.alias else State.UNKNOWN), N_("Down")


def hottest(shown: DeviceSnapshot) -> Measured | None:
    """Return the warmest sensor."""
    return max((one for one in shown.sensors if one.quantity == "celsius"), key=lambda one: one.value, default=None)


def emptiest(shown: DeviceSnapshot) -> Measured | None:
    """Return the supply that ends first."""
    return min(shown.supplies, key=lambda one: one.value, default=None)


def supply_state(ratio: float) -> str:
    """Return the colour of what is left of a supply."""
    return State.CRIT if ratio <= EMPTY_SUPPLY else State.WARN if ratio <= LOW_SUPPLY else State.OK


HELPERS = {
    "own_name": own_name,
    "condition": condition,
    "trouble": trouble,
    "ports": ports,
    "lost_ports": lost_ports,
    "port_state": port_state,
    "hottest": hottest,
    "emptiest": emptiest,
    "supply_state": supply_state,
    "told": told,
}


@blueprint.get("/")
def show() -> str:
    """Show every device, worst first."""
    views = load_devices(store(), config(), now())
    views.sort(key=lambda one: (RANK.index(one.standing.state), one.device.kind, one.device.name))
    counted = {state: sum(view.standing.state is state for view in views) for state in RANK}
    return render_template("devices.html", views=views, counted=counted, **HELPERS)


def _known(name: str) -> None:
    if name not in {device.name for device in config().devices}:
        abort(404)


def _charts(name: str) -> list[Chart]:
    """Return the charts of which a device has anything: a camera has no ports."""
    measured = set(store().scalars(select(MetricSeries.name).where(MetricSeries.host == name)))
    return [chart for chart in CHARTS if any(series in measured for series, _label in chart.series)]


@blueprint.get("/<name>")
def one(name: str) -> str:
    """Show one device."""
    _known(name)
    [view] = load_devices(store(), config(), now(), name)
    span = chosen_range(request.args.get("range"))
    drawn = _charts(name)
    times, lines = read_lines(store(), name, span, now(), drawn)
    return render_template(
        "device.html",
        view=view,
        word=worded("reach", condition(view)),
        events=load_events(store(), [name], now() - timedelta(days=HISTORY_DAYS), EVENTS_SHOWN),
        named_ups={name: own_name(view.device)},
        **shown_charts(drawn, times, lines),
        span=span,
        **HELPERS,
    )


@blueprint.get("/<name>/charts.json")
def charts(name: str) -> Response:
    """Return the points of every chart of a device."""
    _known(name)
    drawn = _charts(name)
    times, lines = read_lines(store(), name, chosen_range(request.args.get("range")), now(), drawn)
    return jsonify(document(drawn, times, lines))
