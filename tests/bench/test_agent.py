"""The agent against Debian's prometheus-node-exporter: same host, same run, same TLS, same client.

Both are asked in turn, so that whatever else the machine does hits both.
"""

import socket
import statistics
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.agent.client import Client
from tests.agent.debian import debian_tool
from tests.agent.pki import Authority, Issued
from tests.agent.ports import free_port
from tests.agent.process import running_agent, write_config

pytestmark = pytest.mark.bench

WARM_UP = 10
SCRAPES = 150
MIB = 1024 * 1024
NANOSECONDS = 1e9


@dataclass
class Measured:
    """One exporter under test."""

    name: str
    pid: int
    client: Client
    seconds: list[float] = field(default_factory=list)
    cpu_seconds: float = 0
    samples: int = 0

    def cpu(self) -> float:
        """CPU seconds of all its threads so far, to the nanosecond (proc's schedstat)."""
        tasks = Path(f"/proc/{self.pid}/task").iterdir()
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / NANOSECONDS

    def scrape(self) -> None:
        before, started = self.cpu(), time.perf_counter()
        answer = self.client.get("/metrics")
        self.seconds.append(time.perf_counter() - started)
        self.cpu_seconds += self.cpu() - before
        assert answer.status == 200
        self.samples = sum(not line.startswith(b"#") for line in answer.body.splitlines())

    def forget(self) -> None:
        self.seconds.clear()
        self.cpu_seconds = 0

    @property
    def median_seconds(self) -> float:
        return statistics.median(self.seconds)

    def __str__(self) -> str:
        cpu = self.cpu_seconds / len(self.seconds)
        return (
            f"{self.name:14} {self.samples:4} samples, median {self.median_seconds * 1e3:5.1f} ms, "
            f"CPU {cpu * 1e3:5.2f} ms a scrape, {self.resident_bytes / MIB:5.1f} MiB"
        )

    @property
    def resident_bytes(self) -> int:
        return int(Path(f"/proc/{self.pid}/status").read_text().split("VmRSS:")[1].split()[0]) * 1024


@contextmanager
def running_node_exporter(directory: Path, authority: Authority, host: Issued) -> Iterator[tuple[int, int]]:
    """Run it with mutual TLS and its default collectors; gives process id and port."""
    program = debian_tool("prometheus-node-exporter", "usr/bin/prometheus-node-exporter")
    web = directory / "web.yml"
    web.write_text(
        f"tls_server_config:\n  cert_file: {host.certificate}\n  key_file: {host.key}\n"
        f"  client_ca_file: {authority.certificate}\n  client_auth_type: RequireAndVerifyClientCert\n"
    )
    port = free_port()
    with (directory / "node_exporter.log").open("w") as log:
        options = [f"--web.listen-address=127.0.0.1:{port}", f"--web.config.file={web}"]
        process = subprocess.Popen([program, *options], stderr=log)
    try:
        wait_for_listener(port)
        yield process.pid, port
    finally:
        process.terminate()
        process.wait(20)


def wait_for_listener(port: int) -> None:
    """Wait until someone accepts connections at 127.0.0.1:``port``."""
    deadline = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except ConnectionRefusedError:
            assert time.monotonic() < deadline, "node_exporter does not listen"
            threading.Event().wait(0.05)
        else:
            return


def test_the_agent_costs_no_more_than_node_exporter(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    authority = Authority(tmp_path / "pki")
    host, console = authority.issue("his1"), authority.issue("appliance1")
    with (
        running_agent(tmp_path, write_config(tmp_path, authority, host)) as agent,
        running_node_exporter(tmp_path, authority, host) as (peer_pid, peer_port),
    ):
        ours = Measured("agent", agent.process.pid, Client(agent.port, authority.certificate, console))
        peer = Measured("node_exporter", peer_pid, Client(peer_port, authority.certificate, console))
        for _ in range(WARM_UP):
            ours.scrape()
            peer.scrape()
        ours.forget()
        peer.forget()
        for _ in range(SCRAPES):
            ours.scrape()
            peer.scrape()
        cpu_ratio = ours.cpu_seconds / peer.cpu_seconds
        latency_ratio = ours.median_seconds / peer.median_seconds
        with capsys.disabled():
            print(f"\n{ours}\n{peer}\nratios: CPU {cpu_ratio:.2f}, latency {latency_ratio:.2f}")
        assert cpu_ratio <= 1
        assert ours.median_seconds <= 0.030
        assert ours.resident_bytes <= 40 * MIB
