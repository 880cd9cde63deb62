"""A night of a power cut: incidents written by the alert core's own desk, messages sent by its own sender."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy.orm import Session, sessionmaker

from console.alerts.incidents import RECOVERED, Desk
from console.alerts.rulebook import load_rules
from console.alerts.sender import Sender
from console.alerts.signal import Signal
from console.audit.log import AuditLog
from console.config import ConsoleConfig
from console.notifications.message import Channel, Delivery, Message, Outcome, Route
from console.notifications.plan import NotificationRoute, Notifications
from console.power.plan import PowerPlan, Ups
from console.rules.problem import Severity
from console.store.incidents import Incident
from console.texts import REACH

CHAT, MAIL = "group-chat", "it-mail"
MAIL_ANSWER = "535 5.7.8 authentication failed. Next: check user and password of mail_server"
ROUTES = Notifications(
    (
        NotificationRoute(CHAT, "apprise", ("warn", "crit"), "", ()),
        NotificationRoute(MAIL, "email", ("crit",), "", ("it@qinghe.example", "ops@qinghe.example")),
        NotificationRoute("desk", "webhook", ("crit",), "https://desk.example.org/xinglin", ()),
    )
)
POWER = PowerPlan((Ups("rack-ups", "机柜 UPS", "appliance1", ("appliance1", "his1"), "usb"),))
LABELS = {"ups": "rack-ups"}


class ProvidersStandIn:
    """Routes without providers: the chat is busy at first, the mail server refuses the password."""

    def __init__(self) -> None:
        self._busy = True

    def for_severity(self, severity: Severity) -> tuple[Route, ...]:
        chat = Route(CHAT, Channel.APPRISE, (Severity.WARN, Severity.CRIT))
        return (chat, Route(MAIL, Channel.EMAIL, (Severity.CRIT,))) if severity is Severity.CRIT else (chat,)

    def room(self, _route_name: str) -> int:
        return 20

    def send(self, route_name: str, _message: Message, *_held: Message) -> Delivery:
        if route_name == MAIL:
            return Delivery(Outcome.REFUSED, MAIL_ANSWER)
        if self._busy:
            self._busy = False
            return Delivery(Outcome.RETRY, "HTTP 200, errcode 45009: api freq out of limit", 5.0)
        return Delivery(Outcome.DELIVERED, "HTTP 200, errcode 0: ok")


def signal(
    rule_id: str, severity: Severity, value: float | None = None, values: Mapping[str, object] | None = None
) -> Signal:
    """Return what the rule sees of rack-ups."""
    rule = next(one for one in load_rules().rules if one.id == rule_id)
    filled = {"object": "rack-ups", **(values or {})}
    return Signal(rule.fingerprint(LABELS), rule_id, "rack-ups", None, LABELS, severity, rule.texts, filled, value)


def silent(host: str) -> Signal:
    """Return what the console sees of a host that does not answer."""
    texts = REACH["timed_out"]
    values = {"object": host, "host": host, "address": "198.18.0.11", "last_seen": "10:16"}
    return Signal(f"reach:{host}", "unreachable", host, host, {}, Severity.CRIT, texts, values)


def fill(config: ConsoleConfig, sessions: sessionmaker[Session], now: datetime) -> None:
    """Write the night: one incident of each standing, with everything that was told of it."""
    routes = ProvidersStandIn()
    moment = now - timedelta(minutes=40)
    sender = Sender(sessions, routes, lambda: moment, lambda: None)
    audit = AuditLog(config.audit_directory, now=lambda: moment)

    def send() -> None:
        for route in (CHAT, MAIL):
            sender.send_due(route)

    with sessions.begin() as session:
        outage = Desk(session, config, moment).open(signal("ups_on_battery", Severity.CRIT, 1.0), routes)
    for seconds in (1, 7):
        moment = now - timedelta(minutes=40) + timedelta(seconds=seconds)
        send()
    moment = now - timedelta(minutes=31)
    short = signal("ups_runtime_short", Severity.WARN, 480.0, {"value": "8 min", "threshold": "10 min"})
    with sessions.begin() as session:
        Desk(session, config, moment).open(short, routes)
        low = Desk(session, config, moment).open(signal("ups_low_battery", Severity.CRIT, 1.0), routes)
    send()
    moment = now - timedelta(minutes=24)
    with sessions.begin() as session:
        Desk(session, config, moment).open(silent("his1"), routes, session.get(Incident, outage.id))
    moment = now - timedelta(minutes=20)
    with sessions.begin() as session:
        desk = Desk(session, config, moment)
        his = session.query(Incident).filter_by(object="his1").one()
        desk.acknowledge(audit, his.id, "zhaolei", "HIS 已按顺序关机，等来电后启动")
        desk.resolve(session.merge(low), RECOVERED)
    send()


def fill_resolved(config: ConsoleConfig, sessions: sessionmaker[Session], now: datetime, count: int) -> None:
    """Write ``count`` old incidents that are over."""
    with sessions.begin() as session:
        for number in range(count):
            desk = Desk(session, config, now - timedelta(days=2, minutes=number))
            desk.resolve(desk.open(silent(f"old{number}"), ProvidersStandIn()), RECOVERED)
