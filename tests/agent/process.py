"""The agent as a process of its own, started by its command as systemd does it."""

import json
import os
import select
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.agent.pki import Authority, Issued
from tests.agent.ports import free_port

ROOT = Path(__file__).parents[2]
START_SECONDS = 120


def command(*arguments: str) -> list[str]:
    """Return the command line of ``xinglin``."""
    return [sys.executable, str(ROOT / "xinglin.py"), *arguments]


def write_config(directory: Path, authority: Authority, host: Issued, **changes: object) -> Path:
    """Write an agent.json for 127.0.0.1 in ``directory`` and return its path."""
    data = {
        "host": "his1",
        "listen": "127.0.0.1",
        "port": free_port(),
        "allowed_clients": ["appliance1"],
        "tls": {"ca": str(authority.certificate), "certificate": str(host.certificate), "key": str(host.key)},
        "units": [],
        "certificates": [str(authority.certificate)],
        "state_directory": str(directory),
        **changes,
    }
    path = directory / "agent.json"
    path.write_text(json.dumps(data))
    return path


@dataclass(frozen=True)
class Agent:
    """A ready agent."""

    process: subprocess.Popen[str]
    port: int

    def status_bytes(self, field: str) -> int:
        """Return a size of /proc/PID/status (``VmRSS``) in bytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split(f"{field}:")[1].split()[0]) * 1024


@contextmanager
def running_agent(directory: Path, config: Path, environment: Mapping[str, str] = os.environ) -> Iterator[Agent]:
    """Run ``xinglin agent serve`` until READY=1; at the end SIGTERM must end it with exit code 0."""
    address = directory / "notify.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(address))
        log = (directory / "agent.log").open("w")
        with log:
            process = subprocess.Popen(
                command("agent", "serve", "--config", str(config)),
                env={**environment, "NOTIFY_SOCKET": str(address)},
                stderr=log,
                text=True,
            )
        try:
            ready = select.select([manager], [], [], START_SECONDS)[0]
            assert ready, (directory / "agent.log").read_text()
            assert manager.recv(100) == b"READY=1"
            yield Agent(process, json.loads(config.read_text())["port"])
        finally:
            process.terminate()
            code = process.wait(60)
        assert manager.recv(100) == b"STOPPING=1"
    address.unlink()
    assert code == 0, (directory / "agent.log").read_text()
