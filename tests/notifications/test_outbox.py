"""From the outbox by a real HTTPS server to what the pages show: nothing is called delivered that was not."""

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from console.alerts import outbox
from console.alerts import sender as sender_module
from console.alerts.sender import Sender, Senders
from console.config import ConsoleConfig
from console.notifications.message import Channel, Route
from console.notifications.plan import NotificationRoute
from console.notifications.redaction import Redactor
from console.notifications.routes import FacilityRoutes
from console.notifications.trial import trial_message
from console.notifications.webhook import WebhookTransport
from console.rules.problem import Severity
from console.store.database import open_engine, session_factory, sqlite_url
from console.store.incidents import Notification, NotificationAttempt
from console.store.migrate import migrate
from console.web.notification_routes import route_view
from tests.clock import Clock
from tests.console.fixture_config import console_config
from tests.notifications.cloud import CloudStandIn, Given
from tests.notifications.conftest import MESSAGE, NOW, another, now

DESK = Route("desk", Channel.WEBHOOK, (Severity.CRIT, Severity.WARN))
PLAN = NotificationRoute("desk", "webhook", ("crit",), "https://desk.example/", ())


@pytest.fixture
def sessions(tmp_path: Path) -> Iterator[sessionmaker[Session]]:
    engine = open_engine(sqlite_url(tmp_path))
    migrate(engine)
    yield session_factory(engine)
    engine.dispose()


@pytest.fixture
def receiver(cloud: Callable[[str], CloudStandIn]) -> CloudStandIn:
    return cloud("hook.test")


@pytest.fixture
def routes(receiver: CloudStandIn, context: ssl.SSLContext) -> FacilityRoutes:
    return FacilityRoutes({DESK: WebhookTransport(receiver.address(), "key", context, now)}, Redactor(["key"]))


def attempts(sessions: sessionmaker[Session]) -> list[tuple[str | None, str | None]]:
    with sessions() as session:
        rows = session.scalars(select(NotificationAttempt).order_by(NotificationAttempt.id))
        return [(row.outcome, row.answer) for row in rows]


def test_what_a_provider_refuses_by_code_is_sent_again_and_both_answers_are_kept(
    sessions: sessionmaker[Session], routes: FacilityRoutes, receiver: CloudStandIn
):
    clock = Clock(NOW)
    sender = Sender(sessions, routes, clock, lambda: None)
    receiver.given = Given({"errcode": 45009, "errmsg": "api freq out of limit"})
    with sessions.begin() as session:
        outbox.queue(session, replace(MESSAGE, incident_id=None), ["desk"], clock())
    assert sender.send_due("desk") == 1
    with sessions() as session:
        assert route_view(session, PLAN).waiting == 1
    receiver.given = Given({"errcode": 0})
    clock.moment += timedelta(minutes=1)
    assert sender.send_due("desk") == 1
    assert attempts(sessions) == [
        ("retry", "HTTP 200, errcode 45009: api freq out of limit"),
        ("delivered", "HTTP 200, errcode 0"),
    ]
    assert {asked.headers["Idempotency-Key"] for asked in receiver.asked} == {MESSAGE.key}
    with sessions() as session:
        view = route_view(session, PLAN)
    assert (view.waiting, view.delivered_answer) == (0, "HTTP 200, errcode 0")


def test_a_storm_of_fifty_goes_out_as_nineteen_and_one_summary(
    sessions: sessionmaker[Session], routes: FacilityRoutes, receiver: CloudStandIn
):
    with sessions.begin() as session:
        for number in range(50):
            outbox.queue(session, another(number, incident_id=None), ["desk"], NOW)
    assert Sender(sessions, routes, now, lambda: None).send_due("desk") == 50
    assert [len(asked.document["messages"]) for asked in receiver.asked] == [1] * 19 + [31]
    with sessions() as session:
        assert {row.state for row in session.scalars(select(Notification))} == {"delivered"}


@contextmanager
def asked_for_a_test(
    sessions: sessionmaker[Session], routes: FacilityRoutes, receiver: CloudStandIn, config: ConsoleConfig
) -> Iterator[Senders]:
    """Let a person queue a test while the senders work; at the end it has arrived, once."""
    senders = Senders(Sender(sessions, routes, now, lambda: None))
    senders.start()
    try:
        with sessions.begin() as session:
            outbox.queue(session, trial_message(config, "lihua", NOW), ["desk"], NOW)
        yield senders
        assert receiver.arrived.wait(60)
    finally:
        senders.close()
    (asked,) = receiver.asked
    (message,) = asked.document["messages"]
    assert (message["kind"], message["title_zh"]) == ("test", "告警通知测试")
    assert attempts(sessions) == [("delivered", "HTTP 200")]


def test_a_test_that_another_process_queued_is_found_within_two_seconds(
    sessions: sessionmaker[Session], routes: FacilityRoutes, receiver: CloudStandIn, tmp_path: Path
):
    assert sender_module.LOOK_AGAIN_SECONDS <= 2
    with asked_for_a_test(sessions, routes, receiver, console_config(tmp_path)):
        pass


def test_what_this_process_queued_is_sent_at_once_by_its_wake(
    sessions: sessionmaker[Session],
    routes: FacilityRoutes,
    receiver: CloudStandIn,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(sender_module, "LOOK_AGAIN_SECONDS", threading.TIMEOUT_MAX)  # nothing but the wake counts
    with asked_for_a_test(sessions, routes, receiver, console_config(tmp_path)) as senders:
        senders.wake()
