"""One host of the lab: a real Debian in a container of systemd's own, with its own disk, name and address."""

import contextlib
import os
import secrets
import select
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.lab import cgroup
from tests.lab.command import run
from tests.lab.errors import LabError
from tests.lab.network import Zone, resolver

# What cannot be waited for at an event's own speed ends here; a busy machine must not come near.
BOOT_TIMEOUT_SECONDS = 300.0
END_TIMEOUT_SECONDS = 30.0
FIRST_USER = "debian"
NSPAWN_RUN = Path("/run/systemd/nspawn")
# A shell that enters the host's control groups, becomes its supervisor, and says its process id.
SPAWN = """
(for group in $GROUPS_TO_JOIN; do echo 0 >"$group/cgroup.procs"; done; unset GROUPS_TO_JOIN; exec "$@") >&2 &
echo $!
"""


@dataclass(frozen=True)
class Host:
    """A host's identity and its place on this machine's disk (``directory``)."""

    name: str
    slot: int
    address: str
    zone: Zone
    base_tree: Path
    directory: Path
    has_outside: bool
    mac: str

    @property
    def root(self) -> Path:
        return self.directory / "root"

    @property
    def machine(self) -> str:
        """Unique on this machine, and short: systemd-nspawn would cut longer names for the host's veth."""
        return f"xl{self.slot}-{self.address.rpartition('.')[2]}"

    @property
    def supervisor_pid(self) -> int | None:
        """The process id of the ``systemd-nspawn`` that runs this host, or None when it is off."""
        marker = f"--machine={self.machine}".encode()
        for process in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                arguments = process.read_bytes().split(b"\0")
                if marker in arguments and arguments[0].endswith(b"systemd-nspawn"):
                    return int(process.parent.name)
        return None

    @property
    def leader_pid(self) -> int | None:
        """The process id, on this machine, of the host's own PID 1; it may outlive a killed supervisor."""
        disk = f"upperdir={self.directory / 'upper'},"
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                own_pids = next(
                    line.split()[1:]
                    for line in (process / "status").read_text().splitlines()
                    if line.startswith("NSpid")
                )
                if len(own_pids) > 1 and own_pids[-1] == "1" and disk in (process / "mountinfo").read_text():
                    return int(process.name)
        return None

    @property
    def is_on(self) -> bool:
        return self.leader_pid is not None

    def create(self, first_password: str) -> None:
        """Give the host its disk and identity: name, address, SSH host keys, the first login."""
        (self.directory / "upper").mkdir(parents=True)
        (self.directory / "work").mkdir()
        self.root.mkdir()
        self.mount()
        etc = self.root / "etc"
        (etc / "hostname").write_text(f"{self.name}\n")
        (etc / "hosts").write_text(f"127.0.0.1 localhost\n127.0.1.1 {self.name}\n")
        # The number sorts before systemd's own 80-container-host0.network, which would ask for DHCP.
        (etc / "systemd/network/10-host0.network").write_text(
            f"[Match]\nName=host0\n\n[Link]\nMACAddress={self.mac}\n\n[Network]\nAddress={self.address}/{self.zone.prefix_length}\n"
            f"Gateway={self.zone.gateway}\nLinkLocalAddressing=no\nIPv6AcceptRA=no\n"
        )
        if self.has_outside:
            (etc / "resolv.conf").write_text(resolver())
        run(["ssh-keygen", "-q", "-A", "-f", str(self.root)])
        login = ["--create-home", "--shell", "/bin/bash", "--groups", "sudo", FIRST_USER]
        run(["useradd", "--root", str(self.root), *login])
        set_password = ["chpasswd", "--crypt-method", "SHA512", "--root", str(self.root)]
        run(set_password, stdin=f"{FIRST_USER}:{first_password}\n")

    def mount(self) -> None:
        """Mount the host's disk: its own layer over the shared base tree."""
        if not os.path.ismount(self.root):
            layers = f"lowerdir={self.base_tree},upperdir={self.directory / 'upper'},workdir={self.directory / 'work'}"
            run(["mount", "-t", "overlay", "xinglin-lab", "-o", layers, str(self.root)])

    def boot(self) -> None:
        """Boot and wait until the host itself says that it is up; raises ``LabError`` with its last words."""
        if self.is_on:
            return
        self.kill()  # a supervisor that is still ending would keep the disk from the next
        self.mount()
        notify_path = f"\0xinglin-lab-{self.machine}-{secrets.token_hex(4)}"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.bind(notify_path)
            notify.settimeout(BOOT_TIMEOUT_SECONDS)
            if self._ready(notify, self._spawn(notify_path)):
                return
        last = (self.directory / "console.log").read_text(errors="replace").splitlines()[-5:]
        raise LabError(self.name, f"did not boot: {' | '.join(last)}", f"read {self.directory / 'console.log'}")

    def _ready(self, notify: socket.socket, supervisor: int) -> bool:
        """Wait for systemd's READY=1; False when the host ends or stays silent."""
        try:
            ended = os.pidfd_open(supervisor)
        except ProcessLookupError:
            return False
        deadline = time.monotonic() + BOOT_TIMEOUT_SECONDS
        try:
            while (left := deadline - time.monotonic()) > 0:
                readable, _, _ = select.select([notify.fileno(), ended], [], [], left)
                if notify.fileno() in readable and b"READY=1" in notify.recv(4096).splitlines():
                    return True
                if ended in readable:
                    return False
            return False
        finally:
            os.close(ended)

    def _spawn(self, notify_path: str) -> int:
        """Start the supervisor in a session of its own, so that it outlives the command that booted the host."""
        argv = [
            "systemd-nspawn", "--quiet", f"--directory={self.root}", "--boot", f"--machine={self.machine}",
            f"--hostname={self.name}", "--register=no", "--keep-unit", "--notify-ready=yes", "--resolv-conf=off",
            "--timezone=off", "--link-journal=no", "--console=pipe", f"--network-bridge={self.zone.bridge}",
        ]  # fmt: skip
        with (self.directory / "console.log").open("ab") as log:
            started = subprocess.run(
                ["sh", "-c", SPAWN, "sh", *argv],
                env={
                    "PATH": os.environ["PATH"],
                    "NOTIFY_SOCKET": "@" + notify_path[1:],
                    "GROUPS_TO_JOIN": " ".join(str(group) for group in cgroup.make(self.machine)),
                },
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
                check=True,
            )
        return int(started.stdout)

    def exec_argv(self, command: Sequence[str]) -> list[str]:
        """The command line that runs ``command`` as root inside the host."""
        leader = self.leader_pid
        if leader is None:
            raise LabError(self.name, "the host is off", f"./xinglin lab start {self.name}")
        return [
            "nsenter", f"--target={leader}", "--mount", "--uts", "--ipc", "--net", "--pid", "--",
            "/usr/bin/env", "-i", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root",
            "LANG=C.UTF-8", f"TERM={os.environ.get('TERM', 'dumb')}", *command,
        ]  # fmt: skip

    def run(self, *command: str, stdin: str | None = None, timeout_seconds: float = 300) -> str:
        """Run a command as root in the host; returns its output, raises ``LabError`` when it fails."""
        return run(self.exec_argv(command), stdin=stdin, timeout_seconds=timeout_seconds)

    def attempt(self, *command: str, timeout_seconds: float = 300) -> "subprocess.CompletedProcess[str]":
        """Run a command as root in the host, whatever its exit code."""
        return subprocess.run(
            self.exec_argv(command), capture_output=True, text=True, timeout=timeout_seconds, check=False
        )

    def kill(self) -> None:
        """Cut the power: every process of the machine is gone at once, its disk stays as it was.

        Of a host that is off, what its end left is removed.
        """
        # The leader first: the kernel ends its whole PID namespace, and its supervisor then ends by itself.
        leader, supervisor = self.leader_pid, self.supervisor_pid
        if leader is not None:
            _end(leader, signal.SIGKILL)
        if supervisor is not None:
            _end(supervisor, None)
        self._forget_machine()

    def poweroff(self, timeout_seconds: float = 60) -> None:
        """Shut down in order; a host that hangs loses its power in the end."""
        supervisor = self.supervisor_pid
        if supervisor is not None and self.is_on:
            descriptor = os.pidfd_open(supervisor)
            try:
                self.run("systemctl", "--no-block", "poweroff")
                select.select([descriptor], [], [], timeout_seconds)
            finally:
                os.close(descriptor)
        self.kill()

    def destroy(self) -> None:
        """End the host and delete its disk."""
        self.kill()
        self.unmount()
        if self.directory.exists():
            shutil.rmtree(self.directory)

    def unmount(self) -> None:
        if os.path.ismount(self.root):
            status = self.root.stat()
            run(["umount", "--recursive", str(self.root)])
            (NSPAWN_RUN / "locks" / f"inode-{status.st_dev}:{status.st_ino}").unlink(missing_ok=True)

    def _forget_machine(self) -> None:
        """Remove at once what the kernel and systemd-nspawn would remove late or not at all after a power cut."""
        link = f"vb-{self.machine}"
        if (Path("/sys/class/net") / link).exists():
            subprocess.run(["ip", "link", "delete", link], capture_output=True, check=False)
        for kind in ("propagate", "unix-export"):
            left = NSPAWN_RUN / kind / self.machine
            if os.path.ismount(left):
                run(["umount", str(left)])
            if left.exists():
                left.rmdir()
        cgroup.remove(self.machine)


def _end(pid: int, sig: signal.Signals | None, timeout_seconds: float = END_TIMEOUT_SECONDS) -> None:
    """Wait until a process is gone, after sending it a signal; one that stays is killed.  Raises ``LabError``."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        for attempt in (sig, signal.SIGKILL):
            if attempt is not None:
                signal.pidfd_send_signal(descriptor, attempt)
            if select.select([descriptor], [], [], timeout_seconds)[0]:
                return
        raise LabError(f"process {pid}", "is still there after SIGKILL", f"read /proc/{pid}/stack")
    except ProcessLookupError:
        return
    finally:
        os.close(descriptor)
