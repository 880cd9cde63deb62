"""A real SNMP responder (snmpsim) that answers as recorded devices do: v1, v2c and v3 on a free port of 127.0.0.1.

With v1 and v2c the community is the recording's name; with v3 the context name is, and without one the device
``nameless`` answers.  Values tagged ``2:writecache|value=…`` can be set, with the community's own name.
"""

import atexit
import os
import pwd
import select
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.agent.ports import free_port
from tests.recordings import all_recordings

START_SECONDS = 90
V3_USER = "xinglin"
V3_AUTH_KEY = "authpass123"  # SHA-256
V3_PRIVACY_KEY = "privpass123"  # AES-128
READY = "ready"


@dataclass(frozen=True)
class Simulator:
    """A responder that answers."""

    address: str
    port: int
    process: subprocess.Popen[bytes]


@contextmanager
def running_simulator(directory: Path, recordings: Mapping[str, Path | str], nameless: str = "") -> Iterator[Simulator]:
    """Serve ``recordings`` (name → file, or the text of one) from an empty ``directory``; end it by its own pid.

    ``nameless`` names the recording that answers SNMPv3 without a context name, as a real device does.
    """
    data = directory / "data"
    data.mkdir()
    served = {**recordings, READY: "1.3.6.1.2.1.1.5.0|4|ready\n"}
    if nameless:
        served[""] = recordings[nameless]  # ".snmprec": the file's name is the context's
    for name, source in served.items():
        text = source if isinstance(source, str) else source.read_text(encoding="utf-8")
        (data / f"{name}.snmprec").write_text(text, encoding="utf-8")
    port = free_port()
    log = directory / "simulator.log"
    with log.open("wb") as output:
        process = subprocess.Popen(_command(directory, port), stdout=output, stderr=output, stdin=subprocess.DEVNULL)
    try:
        _wait(process, port, log)
        yield Simulator("127.0.0.1", port, process)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@cache
def recorded_devices() -> Simulator:
    """Return this process's responder for all recordings, started at first use and ended with the process.

    Call ``tests.recordings.recording`` first: it skips where there are none.
    """
    stack = ExitStack()
    directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="xinglin-snmpsim-")))
    atexit.register(stack.close)
    return stack.enter_context(running_simulator(directory, all_recordings()))


def _command(directory: Path, port: int) -> list[str]:
    program = Path(sys.executable).with_name("snmpsim-command-responder")  # its -lite sister is broken with pysnmp 7.1
    user = pwd.getpwuid(os.geteuid()).pw_name
    as_root = [f"--process-user={user}", "--process-group=root"] if os.geteuid() == 0 else []
    return [
        str(program), *as_root, "--log-level=error", "--logging-method=stderr", f"--cache-dir={directory / 'cache'}",
        "--v3-engine-id=auto", f"--v3-user={V3_USER}", f"--v3-auth-key={V3_AUTH_KEY}", "--v3-auth-proto=SHA256",
        f"--v3-priv-key={V3_PRIVACY_KEY}", "--v3-priv-proto=AES",
        f"--data-dir={directory / 'data'}", f"--agent-udpv4-endpoint=127.0.0.1:{port}",
    ]  # fmt: skip


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Ask until it answers; raises ``RuntimeError`` with its log when it ends before that, or never answers."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.connect(("127.0.0.1", port))
            try:
                client.send(_QUESTION)
                if select.select([client], [], [], 0.5)[0] and client.recv(4096):
                    return
            except ConnectionRefusedError:  # nobody listens yet
                select.select([], [], [], 0.05)
    raise RuntimeError(f"snmpsim does not answer; its log:\n{log.read_text(encoding='utf-8', errors='replace')}")


def _ber(tag: int, content: bytes) -> bytes:
    return bytes([tag, len(content)]) + content


_NAME = _ber(0x30, _ber(0x06, bytes([0x2B, 6, 1, 2, 1, 1, 5, 0])) + _ber(0x05, b""))  # sysName.0
_NUMBERS = _ber(0x02, b"\1") + _ber(0x02, b"\0") + _ber(0x02, b"\0")
_QUESTION = _ber(0x30, _ber(0x02, b"\1") + _ber(0x04, READY.encode()) + _ber(0xA0, _NUMBERS + _ber(0x30, _NAME)))
