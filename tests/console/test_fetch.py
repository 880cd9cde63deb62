"""Every way in which an agent cannot be read has its own name."""

import errno
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from console.config import TlsFiles
from console.worker.fetch import ErrorCode, Fetcher, FetchError, client_context, explain
from tests.agent.pki import DAY, Authority, Issued
from tests.agent.ports import free_port
from tests.agent.process import running_agent, write_config
from tests.console.fixture_config import host


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("pki"))


def files(authority: Authority, issued: Issued) -> TlsFiles:
    return TlsFiles(authority.certificate, issued.certificate, issued.key)


@pytest.fixture(scope="module")
def fetcher(authority: Authority) -> Fetcher:
    return Fetcher(client_context(files(authority, authority.issue("appliance1"))))


def code(
    fetcher: Fetcher, port: int, name: str = "his1", deadline: float = 8.0, address: str = "127.0.0.1"
) -> ErrorCode:
    with pytest.raises(FetchError) as error:
        fetcher.get(host(name, port, address), "/metrics", deadline)
    return error.value.code


@contextmanager
def stand_in(issued: Issued, authority: Authority, answer: Callable[[ssl.SSLSocket], None]) -> Iterator[int]:
    """A TLS server of one connection, for behaviour that the real agent does not have."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(issued.certificate, issued.key)
    context.load_verify_locations(authority.certificate)
    context.verify_mode = ssl.CERT_REQUIRED
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            try:
                with context.wrap_socket(connection, server_side=True) as secured:
                    answer(secured)
            except OSError:
                return

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield listener.getsockname()[1]
    thread.join(10)
    assert not thread.is_alive()
    listener.close()


def test_the_real_agent_answers_over_mutual_tls(authority: Authority, fetcher: Fetcher, tmp_path: Path) -> None:
    with running_agent(tmp_path, write_config(tmp_path, authority, authority.issue("his1"))) as agent:
        assert b"node_load1" in fetcher.get(host(port=agent.port), "/metrics")
        assert code(fetcher, agent.port, name="his2") is ErrorCode.NAME_MISMATCH
        stranger = Fetcher(client_context(files(authority, authority.issue("vault1"))))
        assert code(stranger, agent.port) is ErrorCode.CONSOLE_REFUSED
        foreign = Authority(tmp_path / "foreign")
        impostor = foreign.issue("appliance1")
        refused = Fetcher(client_context(TlsFiles(authority.certificate, impostor.certificate, impostor.key)))
        assert code(refused, agent.port) is ErrorCode.CONSOLE_REFUSED
        distrusting = Fetcher(client_context(files(foreign, impostor)))
        assert code(distrusting, agent.port) is ErrorCode.CERTIFICATE_UNTRUSTED


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (-2 * DAY, -DAY, ErrorCode.CERTIFICATE_EXPIRED),
        (DAY, 2 * DAY, ErrorCode.CERTIFICATE_NOT_YET_VALID),
    ],
)
def test_a_certificate_outside_its_time_is_named(
    authority: Authority, fetcher: Fetcher, start: timedelta, end: timedelta, expected: ErrorCode
) -> None:
    with stand_in(authority.issue("his1", start, end), authority, lambda _: None) as port:
        assert code(fetcher, port) is expected


def test_a_closed_port_is_refused_and_a_blackholed_host_times_out(fetcher: Fetcher) -> None:
    assert code(fetcher, free_port()) is ErrorCode.REFUSED
    with socket.socket() as full:  # a full queue of connections: the kernel drops what comes after
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        others = [socket.socket() for _ in range(3)]
        for other in others:
            other.setblocking(False)
            other.connect_ex(full.getsockname())
        assert code(fetcher, full.getsockname()[1], deadline=0.3) is ErrorCode.TIMED_OUT
        for other in others:
            other.close()


def test_a_host_that_drips_its_answer_is_cut_at_the_deadline(authority: Authority, fetcher: Fetcher) -> None:
    done = threading.Event()

    def drip(connection: ssl.SSLSocket) -> None:
        connection.recv(4096)
        while not done.wait(0.05):
            connection.send(b"H")

    with stand_in(authority.issue("his1"), authority, drip) as port:
        assert code(fetcher, port, deadline=0.5) is ErrorCode.TIMED_OUT
        done.set()  # only now: without the deadline it would drip for ever


def test_a_body_without_a_length_that_is_cut_is_no_answer(authority: Authority, fetcher: Fetcher) -> None:
    done = threading.Event()

    def endless(connection: ssl.SSLSocket) -> None:
        connection.recv(4096)
        connection.send(b"HTTP/1.1 200 OK\r\n\r\n")
        while not done.wait(0.05):
            connection.send(b"a 1\n")

    with stand_in(authority.issue("his1"), authority, endless) as port:
        assert code(fetcher, port, deadline=0.5) is ErrorCode.TIMED_OUT
        done.set()


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"", ErrorCode.DISCONNECTED),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort", ErrorCode.DISCONNECTED),
        (b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", ErrorCode.BAD_ANSWER),
    ],
)
def test_a_broken_answer_is_named(authority: Authority, fetcher: Fetcher, answer: bytes, expected: ErrorCode) -> None:
    def reply(connection: ssl.SSLSocket) -> None:
        connection.recv(4096)
        connection.send(answer)

    with stand_in(authority.issue("his1"), authority, reply) as port:
        assert code(fetcher, port) is expected


def test_a_port_that_speaks_no_tls_is_named(fetcher: Fetcher) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(4096)
                connection.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        assert code(fetcher, listener.getsockname()[1]) is ErrorCode.BAD_TLS
        thread.join(10)


def test_an_address_without_a_route_is_unreachable() -> None:
    wrapped = ValueError("wrapped")
    wrapped.__cause__ = OSError(errno.EHOSTUNREACH, "No route to host")
    found = explain(wrapped)
    assert (found.code, found.detail) == (ErrorCode.UNREACHABLE, "No route to host")
