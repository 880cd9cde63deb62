"""The listener: who gets in, and what a slow or rude client can do to others (nothing)."""

import socket
import ssl
import threading
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path

import pytest

import agent.server
from agent.config import Tls
from agent.errors import AgentError
from agent.http import MAX_HEAD_BYTES, Request, Response, problem
from agent.server import MAX_CONNECTIONS, listen
from agent.tls import server_context
from tests.agent.client import Client
from tests.agent.conftest import ServeWith
from tests.agent.pki import DAY, Authority, Issued


def hello(request: Request) -> Response:
    return problem(HTTPStatus.OK, f"hello {request.path}")


def raw(client: Client, data: bytes) -> bytes:
    """Send ``data`` over mutual TLS and return all that comes back."""
    with (
        socket.create_connection(("127.0.0.1", client.port), timeout=20) as connection,
        client.context().wrap_socket(connection, server_hostname="127.0.0.1") as channel,
    ):
        channel.sendall(data)
        received = b""
        while part := channel.recv(65536):
            received += part
        return received


def test_an_allowed_client_gets_its_answer(serve: ServeWith):
    answer = serve(hello).get("/metrics?x=1")
    assert (answer.status, answer.body) == (200, b"hello /metrics\n")


def test_a_client_without_a_certificate_is_refused(serve: ServeWith):
    client = replace(serve(hello), own=None)
    with pytest.raises(ssl.SSLError, match="certificate required"):
        client.get("/metrics")


def test_a_client_with_a_certificate_of_another_authority_is_refused(serve: ServeWith, tmp_path: Path):
    stranger = Authority(tmp_path / "other", name="Other CA").issue("appliance1")
    client = replace(serve(hello), own=stranger)
    with pytest.raises(ssl.SSLError, match="unknown ca"):
        client.get("/metrics")


def test_a_client_with_an_expired_certificate_is_refused(serve: ServeWith, authority: Authority):
    expired = authority.issue("appliance1-old", start=-9 * DAY, end=-DAY)
    client = replace(serve(hello), own=expired)
    with pytest.raises(ssl.SSLError, match="certificate expired"):
        client.get("/metrics")


def test_a_client_of_the_right_authority_that_is_not_allowed_gets_403(serve: ServeWith, authority: Authority):
    client = replace(serve(hello), own=authority.issue("his2"))
    answer = client.get("/metrics")
    assert answer.status == HTTPStatus.FORBIDDEN
    assert b"hello" not in answer.body


def test_a_client_with_an_old_tls_version_is_refused(serve: ServeWith):
    client = serve(hello)
    context = client.context()
    context.set_ciphers("DEFAULT@SECLEVEL=0")
    for bound in ("minimum_version", "maximum_version"):
        with pytest.warns(DeprecationWarning, match="TLSv1_1 is deprecated"):
            setattr(context, bound, ssl.TLSVersion.TLSv1_1)
    with (
        socket.create_connection(("127.0.0.1", client.port), timeout=20) as connection,
        pytest.raises(ssl.SSLError, match="alert protocol version"),
    ):
        context.wrap_socket(connection, server_hostname="127.0.0.1")


def test_plain_http_is_refused(serve: ServeWith):
    client = serve(hello)
    with socket.create_connection(("127.0.0.1", client.port), timeout=20) as connection:
        connection.sendall(b"GET /metrics HTTP/1.1\r\n\r\n")
        assert b"hello" not in connection.recv(65536)


def test_head_gets_the_headers_without_a_body(serve: ServeWith):
    answer = serve(hello).get("/metrics", method="HEAD")
    assert (answer.status, answer.body) == (200, b"")


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"POST /metrics HTTP/1.1\r\n\r\n", HTTPStatus.METHOD_NOT_ALLOWED),
        (b"GET metrics HTTP/1.1\r\n\r\n", HTTPStatus.BAD_REQUEST),
        (b"\x00\xff\r\n\r\n", HTTPStatus.BAD_REQUEST),
        (b"GET /" + b"a" * 2000 + b" HTTP/1.1\r\n\r\n", HTTPStatus.REQUEST_URI_TOO_LONG),
        (b"GET / HTTP/1.1\r\nX: " + b"a" * 4 * MAX_HEAD_BYTES, HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE),
    ],
)
def test_a_bad_request_is_answered_with_its_status(serve: ServeWith, request_bytes: bytes, status: HTTPStatus):
    first_line = raw(serve(hello), request_bytes).split(b"\r\n")[0]
    assert first_line == f"HTTP/1.1 {status.value} {status.phrase}".encode()


def test_a_failing_page_does_not_end_the_server(serve: ServeWith, caplog: pytest.LogCaptureFixture):
    def answer(request: Request) -> Response:
        if request.path == "/broken":
            raise ValueError("out of order")
        return hello(request)

    client = serve(answer)
    assert client.get("/broken").status == HTTPStatus.INTERNAL_SERVER_ERROR
    assert client.get("/metrics").status == HTTPStatus.OK
    assert "out of order" in caplog.text


def test_silent_clients_cannot_keep_another_address_out(serve: ServeWith):
    client = serve(hello)
    with ExitStack() as stack:
        for _ in range(2 * MAX_CONNECTIONS):
            address = ("127.0.0.1", client.port)
            stack.enter_context(socket.create_connection(address, timeout=20, source_address=("127.0.0.2", 0)))
        assert client.get("/metrics").status == HTTPStatus.OK


def test_a_client_that_stays_silent_in_the_handshake_is_dropped(serve: ServeWith, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(agent.server, "HANDSHAKE_SECONDS", 0.2)
    client = serve(hello)
    with socket.create_connection(("127.0.0.1", client.port), timeout=20) as connection:
        assert connection.recv(1) == b""


def trickle(channel: ssl.SSLSocket) -> None:
    for _ in range(400):
        channel.send(b"G")
        threading.Event().wait(0.05)


def test_a_client_that_trickles_its_request_is_dropped(serve: ServeWith, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(agent.server, "REQUEST_SECONDS", 0.3)
    client = serve(hello)
    with (
        socket.create_connection(("127.0.0.1", client.port), timeout=20) as connection,
        client.context().wrap_socket(connection, server_hostname="127.0.0.1") as channel,
        pytest.raises((ConnectionError, ssl.SSLError)),
    ):
        trickle(channel)


def test_a_client_that_never_reads_does_not_hold_its_thread(serve: ServeWith, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(agent.server, "RESPONSE_SECONDS", 0.3)
    over = threading.Event()
    release = agent.server.Server._release

    def released(self: agent.server.Server, address: str) -> None:
        release(self, address)
        over.set()

    monkeypatch.setattr(agent.server.Server, "_release", released)
    client = serve(lambda _: Response(HTTPStatus.OK, "text/plain", b"x" * 64 * 1024 * 1024))
    with (
        socket.create_connection(("127.0.0.1", client.port), timeout=20) as connection,
        client.context().wrap_socket(connection, server_hostname="127.0.0.1") as channel,
    ):
        channel.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert over.wait(60)


def test_a_port_in_use_is_told_with_place_cause_and_next_step():
    with listen("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with pytest.raises(AgentError) as caught:
            listen("127.0.0.1", port)
    assert caught.value.place == f"127.0.0.1 port {port}"
    assert caught.value.cause == "Address already in use"
    assert f"ss -ltnp sport = :{port}" in caught.value.next_step


def test_an_address_of_another_host_is_told():
    with pytest.raises(AgentError, match=r"198\.18\.0\.99 port 0: Cannot assign requested address"):
        listen("198.18.0.99", 0)


def test_a_key_of_another_certificate_is_told(host_tls: Tls, console: Issued):
    with pytest.raises(AgentError, match="no private key that fits") as caught:
        server_context(replace(host_tls, key=console.key), datetime.now(UTC))
    assert caught.value.place == str(console.key)


class TestExpired:
    """A server whose own certificate has run out still listens, so that its clients can name the cause."""

    @pytest.fixture
    def host_tls(self, authority: Authority) -> Tls:
        late = authority.issue("his1-late", start=-9 * DAY, end=-DAY)
        return Tls(authority.certificate, late.certificate, late.key)

    def test_a_client_names_the_expired_certificate_and_the_log_says_the_next_step(
        self, serve: ServeWith, caplog: pytest.LogCaptureFixture
    ):
        client = serve(hello)
        assert "CN=his1-late expired at" in caplog.text
        assert "Next: run the playbook" in caplog.text
        with pytest.raises(ssl.SSLCertVerificationError, match="certificate has expired"):
            client.get("/metrics")
