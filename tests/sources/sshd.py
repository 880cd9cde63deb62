"""A real sshd on loopback; each key in its authorized_keys runs one device's command line."""

import contextlib
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from backup.process import end, ending_with_us
from backup.sources.devices.ssh import Device
from tests.backup.servers import await_port, reserved_port

HERE = Path(__file__).parent


@dataclass
class Sshd:
    """A running sshd with its keys below ``root``."""

    root: Path
    port: int
    process: subprocess.Popen[bytes]

    def device(self, name: str, platform: str, shell: list[str] | str) -> Device:
        """Return a device whose key gives ``shell``."""
        key = self.root / f"{name}.key"
        _make_key(key)
        command = shell if isinstance(shell, str) else shlex.join(shell)
        line = 'command="' + command.replace('"', '\\"') + '" ' + key.with_suffix(".key.pub").read_text()
        with (self.root / "authorized_keys").open("a") as keys:
            keys.write(line)
        return Device(name, platform, "127.0.0.1", "root", key, self.root / "known_hosts", self.port)

    def vrp(self, name: str, configuration: Path) -> Device:
        return self.device(name, "huawei_vrp", [sys.executable, str(HERE / "vrp_stand_in.py"), str(configuration)])

    def openwrt(self, name: str, directory: Path) -> Device:
        return self.device(name, "openwrt", [str(HERE / "openwrt_stand_in.sh"), str(directory)])


def _make_key(path: Path) -> None:
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)]
    subprocess.run(command, check=True, timeout=30, stdin=subprocess.DEVNULL)


@contextlib.contextmanager
def sshd(root: Path) -> Iterator[Sshd]:
    """Start sshd below ``root`` for root's keys there."""
    program = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")
    if not program or os.geteuid() != 0:
        pytest.skip("needs root and sshd (apt-get install openssh-server)")
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    root.mkdir()
    with reserved_port() as port:
        _make_key(root / "host.key")
        (root / "authorized_keys").touch(mode=0o600)
        (root / "known_hosts").write_text(f"[127.0.0.1]:{port} {(root / 'host.key.pub').read_text()}")
        (root / "sshd_config").write_text(
            f"ListenAddress 127.0.0.1:{port}\nHostKey {root}/host.key\nAuthorizedKeysFile {root}/authorized_keys\n"
            "StrictModes no\nPermitRootLogin prohibit-password\nPasswordAuthentication no\nUsePAM no\nPidFile none\n"
            "Subsystem sftp internal-sftp\n"
        )
        with (root / "log").open("wb") as log:
            process = subprocess.Popen(
                ending_with_us([program, "-D", "-e", "-f", str(root / "sshd_config")]),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            await_port(port)
            yield Sshd(root, port, process)
        finally:
            process.terminate()  # these daemons do not listen to SIGINT
            end(process)
