"""ICMP echo (RFC 792, RFC 4443) through the kernel's unprivileged ping socket.

The kernel sets the identifier and gives each socket its own answers only; the group of the process must be within
``net.ipv4.ping_group_range``.
"""

import asyncio
import ipaddress
import os
import socket
import struct
import time

from agent.polling import PollError, Trouble

ECHO_REQUEST = {4: 8, 6: 128}
ECHO_REPLY = {4: 0, 6: 129}
HEADER = struct.Struct("!BBHHH")  # type, code, checksum (the kernel's work), identifier (likewise), sequence
NONCE_BYTES = 16


async def echo(address: str, *, echoes: int, gap_seconds: float, timeout_seconds: float) -> float:
    """Return the seconds that the first answer took, of at most ``echoes`` sent ``gap_seconds`` apart.

    One lost packet, or a lost answer, is no outage: the next echo is sent when the last has had its time.
    Raises PollError: UNREACHABLE where no answer came in ``timeout_seconds``, or a router or this host said so.
    """
    version = ipaddress.ip_address(address).version
    try:
        with _ping_socket(version) as sock:
            sock.connect((address, 0))
            return await _first_answer(sock, version, echoes, gap_seconds, timeout_seconds)
    except PermissionError as error:
        hint = "the agent's group must be within net.ipv4.ping_group_range"
        raise PollError(Trouble.UNREACHABLE, f"no ping socket: {error.strerror}; {hint}") from error
    except OSError as error:
        raise PollError(Trouble.UNREACHABLE, error.strerror or str(error)) from error


def _ping_socket(version: int) -> socket.socket:
    family = socket.AF_INET if version == 4 else socket.AF_INET6
    protocol = socket.IPPROTO_ICMP if version == 4 else socket.IPPROTO_ICMPV6
    return socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK, protocol)


async def _first_answer(
    sock: socket.socket, version: int, echoes: int, gap_seconds: float, timeout_seconds: float
) -> float:
    loop = asyncio.get_running_loop()
    nonce = os.urandom(NONCE_BYTES)
    deadline = time.monotonic() + timeout_seconds
    sent: dict[int, float] = {}
    for sequence in range(1, echoes + 1):
        sent[sequence] = time.monotonic()
        await loop.sock_sendall(sock, HEADER.pack(ECHO_REQUEST[version], 0, 0, 0, sequence) + nonce)
        last = sequence == echoes
        until = deadline if last else min(deadline, sent[sequence] + gap_seconds)
        try:
            async with asyncio.timeout(max(0.0, until - time.monotonic())):
                return await _answer(sock, version, nonce, sent)
        except TimeoutError:
            if time.monotonic() >= deadline:
                break
    raise PollError(Trouble.UNREACHABLE, f"no answer to {len(sent)} ICMP echoes in {timeout_seconds:g} s")


async def _answer(sock: socket.socket, version: int, nonce: bytes, sent: dict[int, float]) -> float:
    """Wait for the answer to one of our echoes: its type, our nonce, a sequence that was sent."""
    loop = asyncio.get_running_loop()
    while True:
        packet = await loop.sock_recv(sock, 256)
        if len(packet) < HEADER.size:
            continue
        kind, _, _, _, sequence = HEADER.unpack_from(packet)
        if kind == ECHO_REPLY[version] and packet[HEADER.size :] == nonce and sequence in sent:
            return time.monotonic() - sent[sequence]
