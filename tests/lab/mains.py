"""The lab's mains: what a socket in the wall and a network card on standby do for a real machine.

A real host starts when its power comes back, or when a magic packet (Wake-on-LAN) reaches its sleeping card.  A host
of the lab has neither, so this stands in for both; what it answers are real magic packets off the lab's bridges.
"""

import select
import socket
import threading
from types import TracebackType
from typing import Self

from tests.lab.lab import Lab

WAKE_PORT = 9
HEAD = b"\xff" * 6


def magic_packet_of(packet: bytes) -> str | None:
    """Return the address that a magic packet wakes, as 02:00:c6:12:00:0a; None when it is no magic packet."""
    address = packet[6:12]
    if packet[:6] != HEAD or packet[6:102] != address * 16:
        return None
    return address.hex(":")


class StandbyCards:
    """The network cards of the lab's hosts that are off: boots the host that a magic packet names, while it is open."""

    def __init__(self, lab: Lab) -> None:
        self._cards = {host.mac: host for host in lab.hosts}
        self._bridges = sorted({host.zone.bridge for host in lab.hosts})
        self._stop, self._stopped = socket.socketpair()
        self._thread = threading.Thread(target=self._listen, name="standby cards", daemon=True)
        self.woken: list[str] = []

    def __enter__(self) -> Self:
        self._sockets = [_card(bridge) for bridge in self._bridges]
        self._thread.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        self._stop.close()
        self._thread.join()
        for one in (*self._sockets, self._stopped):
            one.close()

    def _listen(self) -> None:
        while True:
            readable, _, _ = select.select([*self._sockets, self._stopped], [], [])
            if self._stopped in readable:
                return
            for card in readable:
                host = self._cards.get(magic_packet_of(card.recv(2048)) or "")
                if host is not None and not host.is_on:
                    self.woken.append(host.name)
                    host.boot()


def _card(bridge: str) -> socket.socket:
    """Return a socket that hears the broadcasts of one bridge."""
    card = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    card.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    card.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, bridge.encode())
    card.bind(("", WAKE_PORT))
    return card
