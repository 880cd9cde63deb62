"""Ports for servers that cannot be asked to take any."""

import secrets
import socket
from contextlib import ExitStack

FIRST, COUNT = 20_000, 12_000
"""Below what the kernel gives to who asks for any (ip_local_port_range): no client takes one of them."""


def free_port(address: str = "127.0.0.1") -> int:
    """Return a port, of TCP and UDP, that nobody has; no other test gets it, or uses it, while this process lives.

    A name in the kernel stands for it (unix(7), abstract sockets), which ends with the process.
    """
    while True:
        port = FIRST + secrets.randbelow(COUNT)
        claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        with ExitStack() as stack:
            stack.enter_context(claim)
            try:
                claim.bind(f"\0xinglin-test-port-{port}")
                for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                    stack.enter_context(socket.socket(socket.AF_INET, kind)).bind((address, port))
            except OSError:
                continue
            claim.detach()
            return port
