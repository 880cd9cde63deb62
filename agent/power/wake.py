"""Wake-on-LAN: the magic packet (six times FF, sixteen times the address) by UDP broadcast to port 9."""

import contextlib
import socket

PORT = 9
EVERYWHERE = "255.255.255.255"


def magic_packet(mac: str) -> bytes:
    """Return the packet that wakes the card ``mac`` (02:00:c6:12:00:0a).  Raises ValueError."""
    address = bytes.fromhex(mac.replace(":", "").replace("-", ""))
    if len(address) != 6:
        raise ValueError(f"{mac} is no hardware address")
    return b"\xff" * 6 + address * 16


def wake(mac: str, broadcast: str) -> None:
    """Send the packet to ``broadcast`` (the address of the host's zone) and to the own segment.  Raises OSError.

    To both, because a router may drop the one, and the other ends at it.
    """
    packet = magic_packet(mac)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as channel:
        channel.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        channel.sendto(packet, (broadcast or EVERYWHERE, PORT))
        with contextlib.suppress(OSError):
            channel.sendto(packet, (EVERYWHERE, PORT))
