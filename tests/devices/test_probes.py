"""Probes of real addresses and servers on loopback, and of an address from which no answer comes."""

import asyncio
import ctypes
import os
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.polling import PollError, Trouble
from agent.probes.icmp import echo
from agent.probes.prober import Prober
from agent.probes.reading import ProbeReading

CLONE_NEWNET = 0x40000000
CHECKOUT = Path(__file__).parents[2]


def probe(prober: Prober) -> ProbeReading:
    return asyncio.run(prober.poll())


def failure(prober: Prober) -> str:
    with pytest.raises(PollError) as caught:
        probe(prober)
    assert caught.value.trouble is Trouble.UNREACHABLE
    return caught.value.detail


@pytest.fixture
def server() -> Iterator[int]:
    """A TCP server that listens and never says a word, as a camera's RTSP port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def in_network_namespace(program: str) -> str:
    """Run Python in a new network namespace whose loopback is up and whose 127/8 is as the program makes it."""
    libc = ctypes.CDLL(None, use_errno=True)

    def unshare() -> None:
        if libc.unshare(CLONE_NEWNET) != 0:
            os._exit(77)

    setup = """
        import asyncio, subprocess
        from pathlib import Path
        from agent.polling import PollError
        from agent.probes.icmp import echo
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        Path("/proc/sys/net/ipv4/ping_group_range").write_text("0 2147483647")
        def ping(address, echoes=2, gap=0.05, timeout=0.2):
            return asyncio.run(echo(address, echoes=echoes, gap_seconds=gap, timeout_seconds=timeout))
    """
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(setup) + textwrap.dedent(program)],
        cwd=CHECKOUT,
        preexec_fn=unshare,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    if result.returncode == 77:
        pytest.skip("no network namespaces here (needs root)")
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


def test_an_address_that_answers_icmp():
    output = in_network_namespace("""
        from agent.probes.prober import Prober
        reading = asyncio.run(Prober("127.0.0.1").poll())
        print(reading.method, 0 < reading.duration_seconds < 1)
    """)
    assert output == "icmp True"


def test_an_ipv6_address_that_answers():
    output = in_network_namespace("""
        if not Path("/proc/net/if_inet6").exists():
            print("no IPv6")
        else:
            print(0 < ping("::1", timeout=2) < 1)
    """)
    assert output in {"True", "no IPv6"}


def test_an_address_that_swallows_every_echo():
    """Its answers are thrown away, as by a firewall: several echoes are sent before it counts as gone."""
    output = in_network_namespace("""
        Path("/proc/sys/net/ipv4/icmp_echo_ignore_all").write_text("1")
        try:
            ping("127.0.0.1")
        except PollError as error:
            print(error.trouble, error.detail)
    """)
    assert output == "unreachable no answer to 2 ICMP echoes in 0.2 s"


def test_one_lost_packet_is_no_outage():
    """Nobody answers the first echo; the kernel answers from the second on."""
    output = in_network_namespace("""
        import threading
        ignore = Path("/proc/sys/net/ipv4/icmp_echo_ignore_all")
        ignore.write_text("1")
        threading.Timer(0.1, ignore.write_text, ["0"]).start()
        print(ping("127.0.0.1", echoes=4, gap=0.3, timeout=5) < 0.1)
    """)
    assert output == "True"


def test_a_network_without_a_route_says_so_at_once():
    output = in_network_namespace("""
        try:
            ping("192.0.2.1")
        except PollError as error:
            print(error.trouble, error.detail)
    """)
    assert output == "unreachable Network is unreachable"


def test_a_group_that_may_not_ping_is_told_what_to_do():
    output = in_network_namespace("""
        Path("/proc/sys/net/ipv4/ping_group_range").write_text("1 0")
        import os
        os.setgid(65534); os.setuid(65534)
        try:
            ping("127.0.0.1")
        except PollError as error:
            print(error.detail)
    """)
    assert output.endswith("the agent's group must be within net.ipv4.ping_group_range")


def test_many_pings_at_once_get_their_own_answers():
    output = in_network_namespace("""
        async def all_of_them():
            hosts = (f"127.0.0.{host}" for host in range(1, 101))
            pings = (echo(host, echoes=1, gap_seconds=1, timeout_seconds=2) for host in hosts)
            return await asyncio.gather(*pings)
        print(len(asyncio.run(all_of_them())))
    """)
    assert output == "100"


def test_a_tcp_port_that_accepts(server: int):
    reading = probe(Prober("127.0.0.1", tcp=server))
    assert (reading.method, reading.duration_seconds < 1) == ("tcp", True)


def test_a_closed_tcp_port(server: int):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        closed = listener.getsockname()[1]
    assert "refused" in failure(Prober("127.0.0.1", tcp=closed))
    assert probe(Prober("127.0.0.1", tcp=server)).method == "tcp"


def test_a_tcp_port_behind_which_nobody_answers():
    """A full queue of connections: the kernel drops the next one's first packet, as a hung device does."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        with socket.create_connection(address), socket.socket() as second:
            second.setblocking(False)
            second.connect_ex(address)
            started = time.monotonic()
            assert failure(Prober("127.0.0.1", tcp=address[1], timeout_seconds=0.4)).endswith("in 0.2 s")
            assert 0.35 < time.monotonic() - started < 3


def test_a_name_that_is_no_address_is_refused():
    with pytest.raises(ValueError, match="does not appear to be an IPv4 or IPv6 address"):
        asyncio.run(echo("camera", echoes=1, gap_seconds=1, timeout_seconds=1))
