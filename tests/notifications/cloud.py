"""A stand-in for the providers' cloud: a real HTTPS server on loopback that gives the answers they give."""

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from unittest.mock import patch

from tests.agent.pki import Issued


@dataclass(frozen=True)
class Given:
    """An answer to give.  ``wait`` holds it back; ``redirect`` sends the asker elsewhere."""

    body: str | Mapping[str, object] = ""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    wait: threading.Event | None = None


@dataclass(frozen=True)
class Asked:
    """A request that arrived."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def document(self) -> Any:  # noqa: ANN401 — JSON
        """Return the body's JSON."""
        return json.loads(self.body)


class Server(ThreadingHTTPServer):
    """Says nothing of handshakes that the other side broke off."""

    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Say nothing."""


class CloudStandIn:
    """Answers every POST and GET with ``given``; keeps what it was asked."""

    def __init__(self, issued: Issued) -> None:
        self.given = Given()
        self.asked: list[Asked] = []
        self.arrived = threading.Event()
        self._server = Server(("127.0.0.1", 0), _handler(self))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(issued.certificate, issued.key)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    @property
    def port(self) -> int:
        """Return its port."""
        return int(self._server.server_address[1])

    def address(self, path: str = "/") -> str:
        """Return the address of a path."""
        return f"https://127.0.0.1:{self.port}{path}"

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _handler(cloud: CloudStandIn) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            cloud.asked.append(Asked(self.path, dict(self.headers), body))
            cloud.arrived.set()
            given = cloud.given
            if given.wait is not None:
                given.wait.wait(10)
            text = given.body if isinstance(given.body, str) else json.dumps(given.body)
            try:
                self.send_response(given.status)
                for name, value in given.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(text.encode())))
                self.end_headers()
                self.wfile.write(text.encode())
            except OSError:  # the asker has left
                self.close_connection = True

        do_GET = do_POST  # noqa: N815 — the server's own names

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler


@contextmanager
def reached_as(name: str, cloud: CloudStandIn) -> Iterator[None]:
    """Let this machine find ``name`` at the stand-in: only the resolver is stood in, TLS proves the name."""
    real: Callable[..., Any] = socket.getaddrinfo

    def resolve(host: object, port: object, *rest: object, **options: object) -> object:
        return real("127.0.0.1", cloud.port, *rest, **options) if host == name else real(host, port, *rest, **options)

    with patch("socket.getaddrinfo", resolve):
        yield
