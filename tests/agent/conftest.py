"""A running agent in this process, and the certificates around it."""

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent.config import Config, Tls
from agent.http import Request, Response
from agent.server import Server, listen
from agent.tls import server_context
from tests.agent.client import Client
from tests.agent.pki import Authority, Issued


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("pki"))


@pytest.fixture(scope="session")
def host_tls(authority: Authority) -> Tls:
    issued = authority.issue("his1")
    return Tls(authority.certificate, issued.certificate, issued.key)


@pytest.fixture(scope="session")
def console(authority: Authority) -> Issued:
    return authority.issue("appliance1")


@pytest.fixture
def config(host_tls: Tls, tmp_path: Path) -> Config:
    return Config(
        host="his1",
        listen="127.0.0.1",
        port=0,
        allowed_clients=frozenset({"appliance1"}),
        tls=host_tls,
        units=(),
        certificates=(host_tls.ca,),
        state_directory=tmp_path,
    )


ServeWith = Callable[[Callable[[Request], Response]], Client]


@pytest.fixture
def serve(config: Config, console: Issued) -> Iterator[ServeWith]:
    """Start a server with an ``answer`` function; returns an allowed client of it."""
    running: list[tuple[Server, threading.Thread]] = []

    def start(answer: Callable[[Request], Response]) -> Client:
        context = server_context(config.tls, datetime.now(UTC))
        server = Server(listen("127.0.0.1", 0), context, config.allowed_clients, answer)
        port = server.address[1]
        thread = threading.Thread(target=server.serve)
        thread.start()
        running.append((server, thread))
        return Client(port, config.tls.ca, console)

    yield start
    for server, thread in running:
        server.stop()
        thread.join(20)
        assert not thread.is_alive(), "the server did not end"
