"""A real upsd with real drivers on a free port of 127.0.0.1, in a directory of its own; TLS as the role sets it up."""

import os
import select
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from agent.nut.client import NutClient, NutError
from tests.agent.pki import DAY, Authority

ROLE = Path(__file__).parents[2] / "playbooks/roles/ups"
PROGRAMS = Path("/lib/nut")
PASSWORD = "p-0f6d"
USERS = f"""\
[xinglin-power]
  password = {PASSWORD}
  actions = SET
  actions = FSD
  instcmds = ALL
[primary1]
  password = {PASSWORD}
  upsmon primary
[his1]
  password = {PASSWORD}
  upsmon secondary
"""
ON_LINE = "ups.status: OL\nbattery.charge: 100\nbattery.runtime: 1800\nups.load: 27\nups.mfr: Stand-in\n"
START_SECONDS = 60
OWN_RUN = 'mkdir -p /run/nut && mount -t tmpfs tmpfs /run/nut && exec "$0" "$@"'
ALONE = ["unshare", "--mount", "--propagation", "slave", "sh", "-c", OWN_RUN]
"""upsmon allows one of itself for each /run/nut.  A slave, so as not to keep what other tests unmount."""


def nss_database(directory: Path, ca: Path, *identity: str) -> None:
    """Make an NSS database by the role's own script."""
    script = ROLE / "files/nss_database.sh"
    subprocess.run(["sh", script, directory, ca, *identity], check=True, capture_output=True, timeout=60)


@dataclass
class Rig:
    """upsd and its drivers.  ``directory`` holds their configuration, ``port`` is upsd's."""

    directory: Path
    port: int
    authority: Authority | None
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        state = str(self.directory / "state")
        return {**os.environ, "NUT_CONFPATH": str(self.directory), "NUT_STATEPATH": state, "NUT_ALTPIDPATH": state}

    def run(self, name: str, *arguments: str) -> None:
        """Start one of NUT's programs in the foreground."""
        as_root = ["-u", "root"] if os.geteuid() == 0 else []
        with (self.directory / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [PROGRAMS / arguments[0], *arguments[1:], *as_root], env=self.environment, stdout=log, stderr=log
            )

    def start_driver(self, ups: str, driver: str = "dummy-ups") -> None:
        self.run(ups, driver, "-a", ups, "-F")

    def start_upsd(self) -> None:
        """Start upsd and wait until it answers."""
        self.run("upsd", "upsd", "-F")
        self.wait_until(self.answers)

    def end(self, name: str) -> None:
        """End one process by its own pid."""
        process = self.processes.pop(name)
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def wait_until(self, condition: Callable[[], bool]) -> None:
        """Wait for a condition; raises RuntimeError with the logs when it does not come."""
        deadline = time.monotonic() + START_SECONDS
        while not condition():
            if time.monotonic() > deadline:
                logs = "\n".join(path.read_text() for path in self.directory.glob("*.log"))
                raise RuntimeError(f"waited in vain; the logs say:\n{logs}")
            select.select([], [], [], 0.02)

    def has_data(self, ups: str) -> bool:
        """Tell whether upsd has a driver's data."""
        try:
            with NutClient.connect("127.0.0.1", self.port, tls=None, server_name=None, timeout_seconds=30) as client:
                return bool(client.variables(ups))
        except NutError:
            return False

    def answers(self) -> bool:
        """Tell whether upsd listens."""
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except ConnectionRefusedError:
            return False
        return True


@contextmanager
def reserved_port() -> Iterator[int]:
    """Yield a port of 127.0.0.1 that stays this rig's until the end, also while upsd is down.

    Linux gives a bound port to nobody who asks for any; upsd may listen there, since both sockets have SO_REUSEADDR
    and this one does not listen.
    """
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


@contextmanager
def running_rig(
    directory: Path,
    devices: Mapping[str, str],
    *,
    tls: bool = True,
    conf: str = "",
    name: str = "primary1",
    valid_until: timedelta = 30 * DAY,
    users: str = USERS,
) -> Iterator[Rig]:
    """Run upsd with one dummy-ups for each of ``devices`` (UPS → its variables), and what ``conf`` adds to ups.conf.

    With ``tls`` upsd has a certificate for ``name`` of an authority that lies in ``directory/ca``.
    """
    if not (PROGRAMS / "upsd").exists():
        pytest.skip("NUT is not installed: apt-get install nut-server nut-snmp libnss3-tools")
    with reserved_port() as port:
        (directory / "state").mkdir(parents=True)
        (directory / "state").chmod(0o700)
        authority = Authority(directory / "ca") if tls else None
        settings = [f"LISTEN 127.0.0.1 {port}", "MAXAGE 15", f"STATEPATH {directory}/state"]
        if authority is not None:
            if shutil.which("certutil") is None:
                pytest.skip("certutil is not installed: apt-get install libnss3-tools")
            issued = authority.issue(name, end=valid_until)
            nss_database(directory / "nss", authority.certificate, str(issued.certificate), str(issued.key), name)
            settings += [f"CERTPATH {directory}/nss", f'CERTIDENT "{name}" ""', "DISABLE_WEAK_SSL true"]
        sections = "".join(
            f"[{ups}]\n driver=dummy-ups\n port={directory}/{ups}.dev\n mode=dummy-once\n" for ups in devices
        )
        for path, text in (
            ("ups.conf", "pollinterval = 1\n" + sections + conf),
            ("upsd.conf", "\n".join(settings) + "\n"),
            ("upsd.users", users),
            *((f"{ups}.dev", text) for ups, text in devices.items()),
        ):
            (directory / path).write_text(text)
            (directory / path).chmod(0o600)
        rig = Rig(directory, port, authority)
        try:
            for ups in devices:
                rig.start_driver(ups)
            for ups in devices:  # upsd looks for a driver that it has not found only every few seconds
                rig.wait_until((directory / "state" / f"dummy-ups-{ups}").exists)
            rig.start_upsd()
            rig.wait_until(lambda: all(rig.has_data(ups) for ups in devices))
            yield rig
        finally:
            for process in list(rig.processes):
                rig.end(process)
