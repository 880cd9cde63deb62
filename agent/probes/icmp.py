"""ICMP echo (RFC 792, RFC 4443) through the kernel's unprivileged ping socket.

The kernel sets the identifier and gives each socket its own answers only; the group of the process must be within
``net.ipv4.ping_group_range``.
"""

import asyncio
import contextlib
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
PACKET_BYTES = 256


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
            # A busy machine may have let the time go by before this process looked: what is here was in time.
            if (took := _answer_here(sock, version, nonce, sent)) is not None:
                return took
            if time.monotonic() >= deadline:
                break
    raise PollError(Trouble.UNREACHABLE, f"no answer to {len(sent)} ICMP echoes in {timeout_seconds:g} s")


async def _answer(sock: socket.socket, version: int, nonce: bytes, sent: dict[int, float]) -> float:
    """Wait for the answer to one of our echoes."""
    while (took := _answer_here(sock, version, nonce, sent)) is None:
        await _readable(sock)
    return took


async def _readable(sock: socket.socket) -> None:
    """Wait for a packet and leave it where it is: what the loop's ``sock_recv`` has read, a cancelled wait loses."""
    loop = asyncio.get_running_loop()
    came = asyncio.Event()
    loop.add_reader(sock, came.set)
    try:
        await came.wait()
    finally:
        loop.remove_reader(sock)


def _answer_here(sock: socket.socket, version: int, nonce: bytes, sent: dict[int, float]) -> float | None:
    """Return the seconds that the answer to one of our echoes took, if it is here."""
    with contextlib.suppress(BlockingIOError):
        while True:
            took = _took(sock.recv(PACKET_BYTES), version, nonce, sent)
            if took is not None:
                return took
    return None


def _took(packet: bytes, version: int, nonce: bytes, sent: dict[int, float]) -> float | None:
    """Return the seconds that an answer to one of our echoes took: its type, our nonce, a sequence that was sent."""
    if len(packet) < HEADER.size:
        return None
    kind, _, _, _, sequence = HEADER.unpack_from(packet)
    ours = kind == ECHO_REPLY[version] and packet[HEADER.size :] == nonce and sequence in sent
    return time.monotonic() - sent[sequence] if ours else None
