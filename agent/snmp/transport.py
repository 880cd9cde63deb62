"""UDP sockets for pysnmp: one connected socket a device, so that an answer of anyone else never comes in.

pysnmp's own transport shares one socket among all devices, takes an answer by its number alone, whoever sent it, and
swallows what it cannot decode.
"""

import asyncio
import socket
from collections.abc import Callable

from pysnmp.carrier.asyncio.base import AbstractAsyncioTransport
from pysnmp.carrier.asyncio.dispatch import AsyncioDispatcher
from pysnmp.carrier.base import AbstractTransportDispatcher

from agent.snmp.values import Foreign, Oid

Receive = Callable[[bytes, Foreign], None]


class MonotonicDispatcher(AsyncioDispatcher):  # type: ignore[misc]
    """pysnmp's dispatcher, whose caches then expire by a clock that nobody sets."""

    async def handle_timeout(self) -> None:
        """Tick; pysnmp's own ticks stop for as long as the wall clock was set back."""
        while True:
            await asyncio.sleep(self.get_timer_resolution())
            self.handle_timer_tick(self.loop.time())

    def unregister_transport(self, tDomain: Oid) -> None:  # noqa: N803 - pysnmp's name
        """Let a socket go and tick on; pysnmp's own ticks end with the last socket, and nothing expires any more."""
        AbstractTransportDispatcher.unregister_transport(self, tDomain)


class UdpSocket(asyncio.DatagramProtocol, AbstractAsyncioTransport):  # type: ignore[misc]
    """One socket under a pysnmp engine.

    ``on_datagram`` gets what arrives and decides what the engine sees of it; ``on_error`` is told when the network
    refuses (ICMP, a route, an address that is gone).
    """

    def __init__(self, on_datagram: Receive, on_error: Callable[[OSError], None]) -> None:
        self._on_datagram = on_datagram
        self._on_error = on_error
        self._channel: asyncio.DatagramTransport | None = None

    async def connect(self, address: str, port: int) -> None:
        """Open a socket that talks to this address and port alone; raises OSError."""
        loop = asyncio.get_running_loop()
        self._channel, _ = await loop.create_datagram_endpoint(lambda: self, remote_addr=(address, port))

    async def serve(self, listener: socket.socket) -> None:
        """Take a bound socket, which anyone may send to."""
        loop = asyncio.get_running_loop()
        self._channel, _ = await loop.create_datagram_endpoint(lambda: self, sock=listener)

    def datagram_received(self, data: bytes, addr: Foreign) -> None:
        """Pass what arrived on."""
        self._on_datagram(data, addr)

    def error_received(self, exc: Exception) -> None:
        """Pass a refusal on."""
        if isinstance(exc, OSError):
            self._on_error(exc)

    def deliver(self, data: bytes, address: Foreign) -> None:
        """Give a datagram to the engine, which is done with it when this returns."""
        if self._callback_function is not None:
            self._callback_function(self, address, data)

    def send_message(self, outgoingMessage: bytes, transportAddress: Foreign) -> None:  # noqa: N803 - pysnmp's names
        """Send for the engine: to the device of a connected socket, else to who sent the request."""
        if self._channel is not None:
            connected = self._channel.get_extra_info("peername") is not None
            self._channel.sendto(outgoingMessage, None if connected else transportAddress)

    def close_transport(self) -> None:
        """Close the socket."""
        if self._channel is not None:
            self._channel.close()
        AbstractAsyncioTransport.close_transport(self)
