"""The journal and its long poll."""

import json
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest

from agent.events import RING, Journal
from agent.http import Request
from agent.long_poll import MAX_WAITING_PER_ADDRESS, LongPoll
from agent.server import Server
from tests.agent.client import Answer, Client
from tests.agent.conftest import ServeWith

NOW = datetime(2026, 11, 23, 9, 0, 0, 250_000, tzinfo=UTC)


def document(answer: Answer) -> dict[str, Any]:
    assert (answer.status, answer.content_type) == (200, "application/json")
    found: dict[str, Any] = json.loads(answer.body)
    return found


def wait_until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + 120
    while not true():
        assert time.monotonic() < deadline, "it did not come true"
        threading.Event().wait(0.01)


def test_events_come_in_order_with_the_time_they_happened():
    journal = Journal(now=lambda: NOW)
    journal.add("rack-ups", "trap", "on_battery", "1.3.6.1.2.1.33.2.1")
    journal.add("sw-core", "snmp", "link_down", "port 3")
    answer = journal.wait(0).document()
    assert answer["last"] == 2
    assert answer["events"] == [
        {"seq": 1, "at": "2026-11-23T09:00:00.250Z", "device": "rack-ups", "source": "trap", "code": "on_battery",
         "detail": "1.3.6.1.2.1.33.2.1"},
        {"seq": 2, "at": "2026-11-23T09:00:00.250Z", "device": "sw-core", "source": "snmp", "code": "link_down",
         "detail": "port 3"},
    ]  # fmt: skip
    assert [event["seq"] for event in journal.wait(1).document()["events"]] == [2]
    assert journal.wait(2).document()["events"] == []


def test_the_ring_keeps_the_newest_and_says_how_far_it_got():
    journal = Journal()
    for number in range(RING + 10):
        journal.add("rack-ups", "snmp", "on_battery", str(number))
    answer = journal.wait(0)
    assert (len(answer.events), answer.events[0].seq, answer.last) == (RING, 11, RING + 10)


@pytest.mark.parametrize(("after", "stream"), [(7, ""), (0, "of a process that ended"), (1, "of a process that ended")])
def test_numbers_of_another_process_are_answered_at_once_with_everything(after: int, stream: str):
    journal = Journal()
    journal.add("rack-ups", "snmp", "on_battery")
    started = time.monotonic()
    answer = journal.wait(after, stream, 60)
    assert ([event.seq for event in answer.events], time.monotonic() - started < 30) == ([1], True)
    assert Journal().wait(0).stream != answer.stream


def test_a_waiting_client_is_answered_by_the_event(serve: ServeWith):
    journal = Journal()
    client = serve(LongPoll(journal).answer)
    stream = document(client.get("/events"))["stream"]
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(client.get, f"/events?after=0&stream={stream}&wait=25")
        wait_until(lambda: journal._condition._waiters)  # type: ignore[attr-defined]
        journal.add("rack-ups", "trap", "on_battery")
        events = document(waiting.result(15))["events"]  # long before its time is over
    assert [event["code"] for event in events] == ["on_battery"]


def test_a_client_without_news_is_answered_when_its_time_is_over(serve: ServeWith):
    answer = document(serve(LongPoll(Journal()).answer).get("/events?after=0&wait=0.3"))
    assert (answer["events"], answer["last"], answer["schema"]) == ([], 0, 1)


@pytest.mark.parametrize("query", ["after=x", "after=-1", "wait=26", "wait=-1", "wait=nan", "wait=long"])
def test_numbers_that_are_none_are_refused(serve: ServeWith, query: str):
    assert serve(LongPoll(Journal()).answer).get(f"/events?{query}").status == 400


def test_one_address_may_wait_twice_and_still_scrape(serve: ServeWith):
    journal = Journal()
    poll = LongPoll(journal)
    client = serve(poll.answer)
    with ThreadPoolExecutor() as pool:
        waiting = [pool.submit(client.get, "/events?wait=20") for _ in range(MAX_WAITING_PER_ADDRESS)]
        wait_until(lambda: poll._waiting.total() == MAX_WAITING_PER_ADDRESS)
        assert client.get("/events?wait=20").status == 429
        assert client.get("/events").status == 200
        journal.add("rack-ups", "trap", "on_battery")
        assert [document(one.result())["last"] for one in waiting] == [1, 1]
    assert document(client.get("/events?after=1&wait=0.1"))["last"] == 1
    assert poll._waiting == {}


@pytest.mark.parametrize("politely", [True, False])
def test_a_client_that_goes_away_frees_its_thread(serve: ServeWith, monkeypatch: pytest.MonkeyPatch, *, politely: bool):
    over = threading.Event()
    release = Server._release

    def released(self: Server, address: str) -> None:
        release(self, address)
        over.set()

    poll = LongPoll(Journal())
    client = serve(poll.answer)
    channel = client.context().wrap_socket(
        socket.create_connection(("127.0.0.1", client.port)), server_hostname="127.0.0.1"
    )
    channel.sendall(b"GET /events?wait=25 HTTP/1.1\r\n\r\n")
    wait_until(poll._waiting.total)
    monkeypatch.setattr(Server, "_release", released)
    if politely:
        channel.close()
    else:  # as a process that was killed: no goodbye of TLS
        channel.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        socket.socket(fileno=channel.detach()).close()
    assert over.wait(20)  # before its time is over
    assert poll._waiting == {}


def test_closing_the_journal_lets_everybody_go():
    journal = Journal()
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(journal.wait, 0, "", 60.0)
        journal.close()
        assert waiting.result(30).events == ()
    assert journal.wait(0, "", 20).last == 0


def test_a_query_is_read(serve: ServeWith):
    seen: list[Request] = []

    def remember(request: Request) -> Any:  # noqa: ANN401
        seen.append(request)
        return LongPoll(Journal()).answer(request)

    client: Client = serve(remember)
    client.get("/events?after=3&stream=a%20b&empty=")
    assert dict(seen[0].query) == {"after": "3", "stream": "a b", "empty": ""}
    assert (seen[0].path, seen[0].peer) == ("/events", "127.0.0.1")
