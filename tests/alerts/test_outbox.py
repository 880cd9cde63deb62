"""The outbox: in order, by route, with patience, and with every attempt on record."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from console.alerts import outbox
from console.alerts.sender import Sender, Senders
from console.notifications.message import Delivery, Kind, Message, Outcome
from console.rules.problem import Severity
from console.store.database import durable
from console.store.incidents import Notification, NotificationAttempt
from tests.alerts.conftest import NOW, Desk, ups

TAKEN = Delivery(Outcome.DELIVERED, "200 ok")


def short_cut(desk: Desk) -> None:
    """A power cut and its end, nothing sent yet."""
    desk.scrape(ups("OL"))
    desk.scrape(ups("OB"))
    desk.scrape(ups("OL"))
    desk.scrape(ups("OL"), after=31)


def test_a_recovery_waits_for_its_problem(desk: Desk) -> None:
    desk.routes.answer = lambda _route, _message: Delivery(Outcome.RETRY, "no answer")
    short_cut(desk)
    desk.send()
    desk.routes.answer = lambda _route, _message: TAKEN
    desk.send()
    assert desk.routes.came == []  # the problem is not due yet, and its end must not overtake it
    desk.clock.moment += timedelta(seconds=5)
    desk.send()
    assert [text.split()[0] for text in desk.routes.told()] == ["opened", "resolved"]


def test_it_waits_longer_each_time_and_as_long_as_a_provider_asks(desk: Desk) -> None:
    answers = [Delivery(Outcome.RETRY, "busy")] * 3 + [Delivery(Outcome.RETRY, "errcode 45009", 120)]
    desk.routes.answer = lambda route, _message: answers.pop(0) if route == "hook" else TAKEN
    desk.scrape(ups("OB"))
    waits = []
    for _ in range(4):
        desk.send()
        with desk.sessions() as session:
            row = session.scalars(select(Notification).where(Notification.route == "hook")).one()
            waits.append((row.due_at - desk.clock()).total_seconds())
            desk.clock.moment = row.due_at
    assert waits == [5, 10, 20, 120]
    with desk.sessions() as session:
        tries = session.scalars(select(NotificationAttempt).order_by(NotificationAttempt.id)).all()
        hook = [one.answer for one in tries if one.notification_id == row.id]
        assert hook == ["busy", "busy", "busy", "errcode 45009"]


def test_after_three_days_it_gives_up_and_says_so(desk: Desk) -> None:
    desk.routes.answer = lambda route, _message: TAKEN if route == "hook" else Delivery(Outcome.RETRY, "no way out")
    desk.scrape(ups("OB"))
    desk.send()
    desk.problems(after=301)
    assert "notification_undelivered" in desk.open()
    desk.clock.moment = NOW + timedelta(days=4)
    desk.send()
    with desk.sessions() as session:
        row = session.scalars(select(Notification).where(Notification.route == "urgent")).first()
        assert row is not None
        assert (row.state, row.answer) == ("refused", "no way out")


def test_what_a_rate_limit_has_no_room_for_goes_in_one_summary(desk: Desk) -> None:
    desk.routes.left = 3
    for number in range(6):
        test = Message(
            f"k{number}",
            None,
            Kind.TEST,
            Severity.WARN,
            NOW,
            f"{number}",
            f"{number}",
            "",
            "",
            "清河镇卫生院",
            "https://x/",
        )
        with durable(desk.sessions) as session:
            outbox.queue(session, test, ["hook"], NOW)
    desk.send()
    assert desk.routes.together == [1, 1, 4]
    assert [text.split()[1] for text in desk.routes.told()] == list("012345")
    with desk.sessions() as session:
        assert {row.state for row in session.scalars(select(Notification))} == {"delivered"}


def test_without_room_nothing_is_claimed(desk: Desk) -> None:
    desk.routes.left = 0
    desk.scrape(ups("OB"))
    desk.send()
    with desk.sessions() as session:
        assert {row.attempts for row in session.scalars(select(Notification))} == {0}


def test_two_senders_never_take_the_same_message(desk: Desk) -> None:
    desk.scrape(ups("OB"))
    with desk.sessions() as session:
        rows = outbox.due(session, "hook", desk.clock())
    with durable(desk.sessions) as session:
        assert len(outbox.claim(session, rows, "one", desk.clock())) == 1
    with durable(desk.sessions) as session:
        assert outbox.claim(session, rows, "two", desk.clock()) == []
    with desk.sessions() as session:
        assert outbox.due(session, "hook", desk.clock()) == []
        assert len(outbox.due(session, "hook", desk.clock() + outbox.LEASE)) == 1  # the first one has died


def test_a_recovery_is_dropped_where_the_problem_was_refused_meanwhile(desk: Desk) -> None:
    short_cut(desk)
    desk.routes.answer = lambda _route, message: (
        Delivery(Outcome.REFUSED, "93000") if message.kind is Kind.OPENED else TAKEN
    )
    desk.send()
    desk.send()
    with desk.sessions() as session:
        query = select(Notification.kind, Notification.state).where(Notification.route == "hook")
        found = {tuple(row) for row in session.execute(query.where(Notification.incident_id == 1))}
    assert found == {("opened", "refused"), ("resolved", "dropped")}


def test_a_broken_transport_loses_nothing_and_shows_no_secret(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    def broken(_route: str, _message: Message) -> Delivery:
        raise RuntimeError("https://qyapi.example/send?key=s3cret")

    desk.routes.answer = broken
    desk.scrape(ups("OB"))
    desk.send()
    with desk.sessions() as session:
        row = session.scalars(select(Notification).where(Notification.route == "hook")).one()
    assert (row.state, row.answer) == ("queued", "the transport failed: RuntimeError")
    assert "s3cret" not in caplog.text


def test_the_threads_free_what_a_dead_worker_was_sending_and_forget_lost_routes(desk: Desk) -> None:
    desk.scrape(ups("OB"))
    with durable(desk.sessions) as session:
        outbox.claim(session, outbox.due(session, "hook", desk.clock()), "a dead one", desk.clock())
        session.execute(update(Notification).where(Notification.route == "urgent").values(route="old"))
    senders = Senders(Sender(desk.sessions, desk.routes, desk.clock, lambda: None))
    senders.start()
    senders.close()
    assert [text.split()[0] for text in desk.routes.told()] == ["opened"]
    with desk.sessions() as session:
        old = session.scalars(select(Notification).where(Notification.route == "old")).one()
        assert (old.state, old.answer) == ("refused", "the route no longer exists")
        outcomes = session.scalars(select(NotificationAttempt.outcome).order_by(NotificationAttempt.id)).all()
        assert outcomes == [None, "delivered"]  # what became of the first one nobody knows
