"""The browse service on a socket as systemd starts it: one process for each connection."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from backup.process import ending_with_us

ROOT = Path(__file__).parents[2]
LISTENER = "systemd-socket-activate"


@contextlib.contextmanager
def browse_service(place: Path, directory: Path, password_file: Path) -> Iterator[Path]:
    """Serve the repositories below ``directory`` and yield the socket; restic must be on the PATH.

    ``systemd-socket-activate`` does what a socket unit with ``Accept=yes`` does.
    """
    program = shutil.which(LISTENER)
    if program is None:
        pytest.skip("no systemd-socket-activate here (package systemd)")
    path = place / "browse.socket"
    command = [program, "--listen", str(path), "--accept", "--inetd", f"--setenv=PATH={os.environ['PATH']}"]
    command += [f"--setenv=PYTHONPATH={ROOT}", "--", sys.executable, "-m", "backup.browse"]
    with (place / "browse.log").open("ab") as log:
        listener = subprocess.Popen(
            ending_with_us([*command, str(directory), str(password_file)]),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            _await(path, listener)
            yield path
        finally:
            listener.kill()
            listener.wait()


def _await(path: Path, listener: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert listener.poll() is None
        with contextlib.suppress(FileNotFoundError, ConnectionRefusedError), socket.socket(socket.AF_UNIX) as probe:
            probe.connect(str(path))
            return
        time.sleep(0.01)
    raise TimeoutError(path)


def children(word: str) -> list[int]:
    """Return the processes whose command line holds ``word``, but not who listens for the service."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            line = (entry / "cmdline").read_bytes()
            if word.encode() in line and LISTENER.encode() not in line:
                found.append(int(entry.name))
    return found
