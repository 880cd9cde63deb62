"""Small UDP servers that stand in for devices that misbehave; each one's name says how."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
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


class _Device(asyncio.DatagramProtocol):
    def __init__(self, answer: Answer, late_seconds: float) -> None:
        self._answer = answer
        self._late_seconds = late_seconds

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        reply = self._answer(data)
        if reply is not None:
            asyncio.get_running_loop().call_later(self._late_seconds, self._transport.sendto, reply, addr)


@asynccontextmanager
async def misbehaving_device(answer: Answer, late_seconds: float = 0) -> AsyncIterator[int]:
    """Serve ``answer`` on a port of 127.0.0.1, which is given, each time ``late_seconds`` after the request."""
    loop = asyncio.get_running_loop()
    device, _ = await loop.create_datagram_endpoint(lambda: _Device(answer, late_seconds), ("127.0.0.1", 0))
    try:
        yield device.get_extra_info("sockname")[1]
    finally:
        device.close()
