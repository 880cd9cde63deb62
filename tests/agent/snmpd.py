"""A real SNMP agent: net-snmp's snmpd (apt install snmpd) on a free port of 127.0.0.x, ended by its own pid."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from agent.snmp.credentials import Community, User
from tests.agent.ports import free_port

COMMUNITY = "read-of-the-test"
V1 = Community("v1", COMMUNITY)
V2C = Community("v2c", COMMUNITY)
V3 = User("xinglin", "authpass-of-the-test", "privpass-of-the-test")
START_SECONDS = 120
DISCOVERY = bytes.fromhex(
    "3037020103300d020101020205c00401040201030410300e0400020100020100040004000400301104000400a00b0201010201000201003000"
)
"""An SNMPv3 GET for nothing, of nobody (RFC 3414 section 4)."""


@dataclass(frozen=True)
class Snmpd:
    """A responder that answers."""

    address: str
    port: int
    process: subprocess.Popen[bytes]


def need(*programs: str) -> None:
    """Skip where a program of net-snmp is not installed."""
    for program in programs:
        if shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin") is None:
            pytest.skip(f"{program} is not installed (apt-get install snmp snmpd)")


@contextmanager
def running_snmpd(
    directory: Path,
    *,
    user: User = V3,
    community: str = COMMUNITY,
    address: str = "127.0.0.1",
    port: int = 0,
    more: str = "",
) -> Iterator[Snmpd]:
    """Serve net-snmp's own MIBs from an empty ``directory``; ``more`` are further lines of its configuration."""
    need("snmpd")
    directory.mkdir(exist_ok=True)
    port = port or free_port(address)
    config = directory / "snmpd.conf"
    config.write_text(
        f"agentAddress udp:{address}:{port}\nrocommunity {community}\n"
        f"createUser {user.user} SHA-256 {user.auth_key} AES {user.privacy_key}\nrouser {user.user} priv\n"
        f"sysName snmpd-of-the-test\nsysLocation 机房\n{more}"
    )
    config.chmod(0o600)
    log = directory / "snmpd.log"
    process = subprocess.Popen(
        ["/usr/sbin/snmpd", "-f", "-Lf", str(log), "-C", "-c", str(config), "-I", "-smux"],
        env={**os.environ, "SNMP_PERSISTENT_DIR": str(directory), "SNMPCONFPATH": str(directory)},
        stdin=subprocess.DEVNULL,
    )
    try:
        _wait(process, address, port, log)
        yield Snmpd(address, port, process)
    finally:
        process.terminate()
        process.wait(60)


def _wait(process: subprocess.Popen[bytes], address: str, port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if _answers(address, port):
            return
    raise RuntimeError(f"snmpd does not answer:\n{log.read_text() if log.exists() else ''}")


def _answers(address: str, port: int) -> bool:
    """SNMPv3's discovery needs no secret: any responder answers it with a report."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(0.1)
        client.connect((address, port))
        try:
            client.send(DISCOVERY)
            return bool(client.recv(2048))
        except OSError:
            return False
