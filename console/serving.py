"""The web process: waitress on a unix socket, ready and stopping told to systemd."""

import os
import signal
from contextlib import suppress
from types import FrameType

from waitress.server import create_server  # type: ignore[import-untyped]

from console.app import create_app
from console.audit.log import AuditLog
from console.audit.seal import STARTED
from console.boot import boot_id
from console.config import ConsoleConfig
from console.notify import notify

THREADS = 8
# nginx, which stands in front, runs as another user of the socket's group.
SOCKET_MODE = "660"
LARGEST_BODY_BYTES = 1024 * 1024
# waitress keeps what it has sent until this much went into a buffer: its default is 16 MiB for each download.
OUTPUT_BUFFER_BYTES = 1024 * 1024


def serve_pages(config: ConsoleConfig, audit: AuditLog) -> None:
    """Serve until SIGTERM; requests at hand are finished.  Raises ``OSError`` when the socket cannot be made."""
    app = create_app(config)
    with suppress(FileNotFoundError):  # left behind by a killed process
        config.socket.unlink()
    server = create_server(
        app,
        unix_socket=str(config.socket),
        unix_socket_perms=SOCKET_MODE,
        threads=THREADS,
        ident=None,
        trusted_proxy="*",  # whoever may open the socket is the proxy
        trusted_proxy_count=1,
        trusted_proxy_headers={"x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-forwarded-port"},
        clear_untrusted_proxy_headers=True,
        max_request_body_size=LARGEST_BODY_BYTES,
        outbuf_high_watermark=OUTPUT_BUFFER_BYTES,
    )
    audit.append(actor="system", action=STARTED, target="web", detail={"boot_id": boot_id(), "pid": os.getpid()})
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGINT, _leave)
    notify("READY=1")
    server.run()  # returns after SystemExit, when the threads have answered
    notify("STOPPING=1")
    with suppress(FileNotFoundError):
        config.socket.unlink()


def _leave(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)
