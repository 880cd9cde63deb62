"""Small UDP servers that stand in for devices that misbehave; each one's name says how."""

import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from pyasn1.codec.ber import decoder, encoder
from pysnmp.proto.api import v2c

Answer = Callable[[bytes], bytes | None]
"""Request → what is sent back; None: nothing."""


def silent(_request: bytes) -> None:
    """Never answer."""


def garbage(_request: bytes) -> bytes:
    """Answer with something that is no BER."""
    return b"\xff\x00 no BER at all"


def truncated(request: bytes) -> bytes:
    """Answer with the first half of a message."""
    return request[: len(request) // 2]


def lying_about_length(request: bytes) -> bytes:
    """Answer with a message that claims 4 GiB."""
    return b"\x30\x84\xff\xff\xff\xff" + request


def with_another_community(request: bytes) -> bytes:
    """Answer well, but with a community that nobody asked with."""
    return as_response(request).replace(b"read-of-the-test", b"someone-elses-12")


def as_response(request: bytes) -> bytes:
    """Turn a v1 or v2c GET into an answer of no error whose values are all NULL."""
    return request.replace(b"\xa0", b"\xa2", 1)


def answer_with(request: bytes, pairs: Sequence[tuple[str, Any]], *, status: int = 0) -> bytes:
    """Answer a v2c request with these names and pysnmp's values."""
    message, _ = decoder.decode(request, asn1Spec=v2c.Message())
    answer = v2c.apiMessage.get_response(message)
    pdu = v2c.apiMessage.get_pdu(answer)
    v2c.apiPDU.set_varbinds(pdu, pairs)
    v2c.apiPDU.set_error_status(pdu, status)
    v2c.apiPDU.set_error_index(pdu, 1 if status else 0)
    encoded: bytes = encoder.encode(answer)
    return encoded


def names_of(request: bytes) -> list[str]:
    """Return the OIDs that a v2c request asks for, or asks what comes after."""
    message, _ = decoder.decode(request, asn1Spec=v2c.Message())
    return [str(name) for name, _ in v2c.apiPDU.get_varbinds(v2c.apiMessage.get_pdu(message))]


@contextmanager
def misbehaving_device(answer: Answer, address: str = "127.0.0.1", *, late_seconds: float = 0) -> Iterator[int]:
    """Serve ``answer`` on a free port, which is given, each time ``late_seconds`` after the request."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((address, 0))
        stopping = threading.Event()

        def serve() -> None:
            while True:
                request, client = server.recvfrom(65536)
                if stopping.is_set():
                    return
                reply = answer(request)
                if reply is not None and not stopping.wait(late_seconds):
                    server.sendto(reply, client)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            stopping.set()
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as waker:
                waker.sendto(b"", server.getsockname())
            thread.join(20)
