"""The worker's ear at an agent, and the scrape that an event starts."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from ssl import PROTOCOL_TLS_SERVER, SSLContext
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from console.config import ManagedHost, TlsFiles
from console.store.power import PowerEvent
from console.worker.fetch import Fetcher, FetchError, client_context
from console.worker.listening import Ear, Ears, Event, keep_events
from console.worker.round import Round
from tests.agent.pki import Authority
from tests.console.fixture_config import console_config

EVENT = {
    "seq": 7,
    "at": "2026-11-23T08:00:00Z",
    "device": "rack-ups",
    "source": "nut",
    "code": "on_battery",
    "detail": "",
}
Asked = Mapping[str, list[str]]


@dataclass
class StandInAgent:
    """Not the agent: answers what the test says, over its TLS."""

    port: int
    asked: list[dict[str, str]] = field(default_factory=list)


@contextmanager
def agent(authority: Authority, answer: Callable[[str, Mapping[str, str]], bytes]) -> Iterator[StandInAgent]:
    issued = authority.issue("appliance1")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = {key: values[0] for key, values in parse_qs(parts.query).items()}
            body = answer(parts.path, query)
            if parts.path == "/events":
                running.asked.append(query)
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        context = SSLContext(PROTOCOL_TLS_SERVER)
        context.load_cert_chain(issued.certificate, issued.key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        running = StandInAgent(server.server_address[1])
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield running
        server.shutdown()
        thread.join()


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "pki")


@pytest.fixture
def tls(authority: Authority) -> TlsFiles:
    own = authority.issue("console1")
    return TlsFiles(authority.certificate, own.certificate, own.key)


def listener(port: int) -> ManagedHost:
    return ManagedHost("appliance1", "127.0.0.1", port, ("appliance",), "management", events=True)


def test_it_asks_on_from_where_the_stream_stands_and_anew_when_the_agent_began_anew(
    authority: Authority, tls: TlsFiles
) -> None:
    answers = [("a", 6, []), ("a", 7, [EVENT]), ("a", 7, []), ("b", 2, []), ("b", 3, [EVENT])]
    heard: list[int] = []

    def answer(_path: str, _query: Mapping[str, str]) -> bytes:
        stream, last, events = answers.pop(0)
        return json.dumps({"schema": 1, "stream": stream, "last": last, "events": events}).encode()

    with agent(authority, answer) as running:
        ear = Ear(listener(running.port), Fetcher(client_context(tls)), lambda _host, new: heard.append(len(new)),
                  threading.Event())  # fmt: skip
        for _ in range(5):
            ear.listen_once()
    assert heard == [0, 1, 0, 1]  # a stream that is new may have lost something: look
    assert [(one["after"], one.get("stream"), one["wait"]) for one in running.asked] == [
        ("0", None, "0"), ("6", "a", "25"), ("7", "a", "25"), ("7", "a", "25"), ("2", "b", "25"),
    ]  # fmt: skip


def test_events_that_could_not_be_kept_are_asked_for_again(authority: Authority, tls: TlsFiles) -> None:
    heard: list[int] = []

    def answer(_path: str, query: Mapping[str, str]) -> bytes:
        events = [EVENT] if query["after"] == "6" else []
        return json.dumps({"schema": 1, "stream": "a", "last": 6 + len(events), "events": events}).encode()

    def happened(_host: ManagedHost, events: Sequence[Event]) -> None:
        heard.append(len(events))
        if len(heard) == 2:
            raise RuntimeError("database is locked")

    with agent(authority, answer) as running:
        ear = Ear(listener(running.port), Fetcher(client_context(tls)), happened, threading.Event())
        ear.listen_once()
        with pytest.raises(RuntimeError):
            ear.listen_once()
        ear.listen_once()
        ear.listen_once()
    assert heard == [0, 1, 1]
    assert [one["after"] for one in running.asked] == ["0", "6", "6", "7"]


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"schema": 2, "stream": "a", "last": 1, "events": []}', b'{"schema": 1}']
)
def test_nonsense_is_an_error_with_a_name(authority: Authority, tls: TlsFiles, body: bytes) -> None:
    with agent(authority, lambda _path, _query: body) as running:
        ear = Ear(listener(running.port), Fetcher(client_context(tls)), lambda _host, _new: None, threading.Event())
        with pytest.raises(FetchError, match="bad_answer"):
            ear.listen_once()


def test_an_event_makes_the_worker_look_at_once_and_is_kept(
    tmp_path: Path, authority: Authority, tls: TlsFiles, sessions: sessionmaker[Session]
) -> None:
    seen = threading.Event()
    told: list[Any] = []

    def answer(path: str, query: Mapping[str, str]) -> bytes:
        if path == "/metrics":
            return b'xinglin_ups_status{ups="rack-ups",source="nut",flag="OB"} 1\n'
        if query["wait"] == "0":
            return json.dumps({"schema": 1, "stream": "a", "last": 6, "events": []}).encode()
        if query["after"] == "6":
            return json.dumps({"schema": 1, "stream": "a", "last": 7, "events": [EVENT, {"no": "event"}]}).encode()
        seen.wait(10)
        return json.dumps({"schema": 1, "stream": "a", "last": 7, "events": []}).encode()

    with agent(authority, answer) as running:
        host, fetcher = listener(running.port), Fetcher(client_context(tls))
        scrapes = Round(console_config(tmp_path, (host,), tls, ()), fetcher, sessions, lambda *one: told.append(one))

        def happened(where: ManagedHost, events: Sequence[Event]) -> None:
            keep_events(sessions, where.name, events)
            scrapes.scrape_now(where)
            if events:
                seen.set()

        ears = Ears((host,), fetcher, happened)
        ears.start()
        assert seen.wait(20)
        ears.close()
        scrapes.close()
    assert "xinglin_ups_status" in told[-1][1]
    with sessions() as session:
        assert [one.code for one in session.scalars(select(PowerEvent))] == ["on_battery"]


def test_what_an_agent_tells_again_is_not_kept_again(sessions: sessionmaker[Session]) -> None:
    back = {**EVENT, "at": "2026-11-23T08:05:00Z", "code": "mains_back"}
    for _ in range(2):
        keep_events(sessions, "appliance1", [EVENT, back, {**EVENT, "at": "yesterday"}])
    keep_events(sessions, "appliance1", [EVENT, back, {**EVENT, "at": "2026-11-23T09:00:00Z"}])
    with sessions() as session:
        kept = session.scalars(select(PowerEvent.code).order_by(PowerEvent.at)).all()
    assert kept == ["on_battery", "mains_back", "on_battery"]


def test_a_late_scrape_does_not_undo_a_newer_one_and_one_hosts_trouble_hides_no_other(
    tmp_path: Path, tls: TlsFiles, sessions: sessionmaker[Session], authority: Authority
) -> None:
    told: list[tuple[str, bool]] = []

    def judge(host: str, samples: object, _at: object) -> None:
        told.append((host, samples is not None))
        if host == "appliance1":
            raise RuntimeError("a rule is broken")

    with agent(authority, lambda _path, _query: b"node_load1 1\n") as running:
        hosts = (listener(running.port), ManagedHost("his1", "127.0.0.1", 1, (), "servers"))
        scrapes = Round(console_config(tmp_path, hosts, tls, ()), Fetcher(client_context(tls)), sessions, judge)
        scrapes.run()
        assert sorted(told) == [("appliance1", True), ("his1", False)]
        late = scrapes._scrape(hosts[1])
        scrapes.scrape_now(hosts[1])
        told.clear()
        assert scrapes._take(late) is False
        assert told == []
        scrapes.close()
