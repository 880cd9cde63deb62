"""A real Samba on loopback with one share, private to a test."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from backup.process import end, ending_with_us
from backup.sources.smb.source import SmbSource
from tests.backup.servers import await_port, reserved_port

USER = "nobody"
PASSWORD = "Apricot-杏林-1"
OWN = ("private", "lock", "state", "cache", "pid", "ncalrpc")


@dataclass
class Samba:
    """A running smbd; ``share`` is the directory behind //127.0.0.1/公共."""

    root: Path
    port: int
    process: subprocess.Popen[bytes]

    @property
    def share(self) -> Path:
        return self.root / "share"

    @property
    def source(self) -> SmbSource:
        return SmbSource("//127.0.0.1/公共", self.root / "credentials", self.port)

    def credentials(self, name: str, password: str) -> Path:
        path = self.root / name
        path.touch(mode=0o600)
        path.write_text(f"username={USER}\npassword={password}\ndomain=\n")
        return path


@contextlib.contextmanager
def samba(root: Path) -> Iterator[Samba]:
    """Start smbd below ``root``."""
    program = shutil.which("smbd", path=f"{os.environ['PATH']}:/usr/sbin")
    if os.geteuid() != 0:
        pytest.skip("needs root, to serve the share as another user")
    if not program or not shutil.which("smbclient"):
        pytest.skip("Samba is not installed (apt-get install samba smbclient)")
    with reserved_port() as port:
        # The share is served as another user, who must be able to read what a test puts there.
        before = os.umask(0o022)
        for name in (*OWN, "share"):
            (root / name).mkdir(parents=True, mode=0o755)
        configuration = root / "smb.conf"
        configuration.write_text(
            "[global]\nserver role = standalone server\ninterfaces = 127.0.0.1\nbind interfaces only = yes\n"
            f"smb ports = {port}\npassdb backend = tdbsam:{root}/private/passdb.tdb\nlog file = {root}/log\n"
            f"private dir = {root}/private\nlock directory = {root}/lock\nstate directory = {root}/state\n"
            f"cache directory = {root}/cache\npid directory = {root}/pid\nncalrpc dir = {root}/ncalrpc\n"
            f"disable spoolss = yes\nload printers = no\ndisable netbios = yes\n[公共]\npath = {root}/share\n"
        )
        subprocess.run(
            ["smbpasswd", "-c", str(configuration), "-s", "-a", USER],
            input=f"{PASSWORD}\n{PASSWORD}\n",
            text=True,
            capture_output=True,
            check=True,
            timeout=60,
        )
        process = subprocess.Popen(
            ending_with_us([program, "-s", str(configuration), "--foreground", "--no-process-group"]),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            await_port(port)
            made = Samba(root, port, process)
            made.credentials("credentials", PASSWORD)
            yield made
        finally:
            os.umask(before)
            process.terminate()  # these daemons do not listen to SIGINT
            end(process)
