"""An ICMP echo whose answer came while a busy machine kept this process from looking."""

import asyncio
import socket
import threading
import time

import pytest

from agent.polling import PollError
from agent.probes import icmp

WAIT_SECONDS = 30


class LateNetwork:
    """One end of a pair of sockets instead of a ping socket; the other answers once the loop is busy with itself."""

    def __init__(self, reply: int) -> None:
        self.reply = reply
        self.busy = threading.Event()
        self.answered = threading.Event()

    def ping_socket(self, _version: int) -> socket.socket:
        own, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        threading.Thread(target=self._answer, args=(other,), daemon=True).start()
        standin = PingStandin(fileno=own.detach())
        standin.setblocking(False)
        return standin

    def _answer(self, other: socket.socket) -> None:
        with other:
            packet = other.recv(icmp.PACKET_BYTES)
            assert self.busy.wait(WAIT_SECONDS)
            other.send(bytes([self.reply]) + packet[1:])
            self.answered.set()

    async def probed(self) -> float:
        asyncio.get_running_loop().call_later(0.05, self._occupy)
        return await icmp.echo("127.0.0.1", echoes=1, gap_seconds=0.2, timeout_seconds=0.2)

    def _occupy(self) -> None:
        """Keep the loop from looking until the answer is here and its time is over."""
        self.busy.set()
        assert self.answered.wait(WAIT_SECONDS)
        time.sleep(0.3)


class PingStandin(socket.socket):
    def connect(self, _address: object) -> None:
        """It is connected."""


def test_an_answer_that_is_here_counts_whoever_looks_late(monkeypatch: pytest.MonkeyPatch):
    network = LateNetwork(icmp.ECHO_REPLY[4])
    monkeypatch.setattr(icmp, "_ping_socket", network.ping_socket)
    assert asyncio.run(network.probed()) > 0


def test_what_is_here_and_no_answer_does_not_count(monkeypatch: pytest.MonkeyPatch):
    network = LateNetwork(icmp.ECHO_REQUEST[4])
    monkeypatch.setattr(icmp, "_ping_socket", network.ping_socket)
    with pytest.raises(PollError, match="no answer to 1 ICMP echoes"):
        asyncio.run(network.probed())
