"""A clinic on loopback: the real upsd and dummy-ups, a real upsmon for each host, the daemon as a process.

Only the machines are stand-ins: upsmon's SHUTDOWNCMD writes a file where a host would halt, and ``tick`` then does
what the halting machine, its sleeping network card and the UPS's outlets would do.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from agent.nut.client import NutClient
from agent.power.records import Phase, PowerRecord, read_records
from tests.nut.rig import ALONE, PASSWORD, PROGRAMS, Rig, running_rig

ROOT = Path(__file__).parents[2]
OWN = "primary1"
UPS = "rack-ups"
STAGES = (("workstations", "ws1"), ("his", "his1"), ("appliance", OWN))
HOSTS = tuple(host for _, host in STAGES)
SIMULATED = "ups.status: OL\nbattery.charge: 100\nbattery.runtime: 900\nbattery.runtime.low: 10\nups.mfr: Stand-in\n"
LATCH = "ups.status: OL\n"
WAIT_SECONDS = 240.0
TAKES_SECONDS = 60.0
"""Nobody waits so long for a host that goes: a busy machine may keep its upsmon from hearing at once."""
HANGS_SECONDS = 12.0
"""The same where a host hangs, which is waited for so long."""


def mac(host: str) -> str:
    return f"02:00:00:00:00:0{HOSTS.index(host)}"


@dataclass
class Clinic:
    """``directory`` holds the record, the hosts' files and everybody's configuration."""

    directory: Path
    rig: Rig
    takes_seconds: float = TAKES_SECONDS
    monitors: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)
    daemon: "subprocess.Popen[bytes] | None" = None
    boots: int = 0
    said: dict[str, int] = field(default_factory=dict)  # host → how often its upsmon shut it down
    frozen: set[str] = field(default_factory=set)

    def start(self) -> None:
        self._write_config()
        self._boot(OWN)
        for host in HOSTS[:-1]:
            self._boot(host)
        self.wait(lambda: self.logged_in() == 2)
        self.start_daemon()

    def start_daemon(self) -> None:
        with (self.directory / "daemon.log").open("ab") as log:
            self.daemon = subprocess.Popen(
                [sys.executable, "-m", "tests.power.loopback_daemon", str(self.directory)],
                cwd=ROOT, stderr=log, stdout=log,
            )  # fmt: skip

    def kill_daemon(self) -> None:
        if self.daemon is not None:
            self.daemon.kill()
            self.daemon.wait()
            self.daemon = None

    def say(self, **variables: str) -> None:
        """Set variables of the UPS: ``status``, ``charge``, ``runtime``."""
        names = {"status": "ups.status", "charge": "battery.charge", "runtime": "battery.runtime"}
        with self.client() as client:
            client.authenticate("xinglin-power", PASSWORD)
            for name, value in variables.items():
                client.set_variable(UPS, names[name], value)

    def client(self) -> NutClient:
        return NutClient.connect("127.0.0.1", self.rig.port, tls=None, server_name=None, timeout_seconds=30)

    def logged_in(self) -> int:
        """How many secondaries are logged in at their latch."""
        with self.client() as client:
            return sum(len(client.clients(f"{UPS}-{stage}")) for stage, _ in STAGES[:-1])

    def latches(self) -> list[str]:
        with self.client() as client:
            return [client.variables(f"{UPS}-{stage}")["ups.status"] for stage, _ in STAGES[:-1]]

    def freeze(self, host: str) -> None:
        """Stop a host's upsmon as it is: it hears nothing, and its network goes on to answer."""
        self.monitors[host].send_signal(signal.SIGSTOP)
        self.frozen.add(host)

    def is_off(self, host: str) -> bool:
        return (self.directory / f"{host}.off").exists()

    def records(self) -> list[PowerRecord]:
        return read_records(self.directory / "power")

    def filed(self, count: int = 1) -> bool:
        return sum(record.phase is Phase.FINISHED for record in self.records()) >= count

    def wait(self, condition: Callable[[], bool]) -> None:
        """Let the machines live until ``condition``; fails with the daemon's log."""
        deadline = time.monotonic() + WAIT_SECONDS
        while not condition():
            if time.monotonic() > deadline:
                log = self.directory / "daemon.log"
                raise AssertionError(f"in vain: {self.records()[:1]}\n{log.read_text() if log.exists() else ''}")
            self.tick()
            time.sleep(0.05)

    def tick(self) -> None:
        """Do what the machines do by themselves."""
        for host in HOSTS:
            down = self.directory / f"{host}.down"
            if down.exists():
                down.unlink()
                self.said[host] = self.said.get(host, 0) + 1
                self._off(host)
                if host == OWN:
                    self._dark()
                    return
            packet = self.directory / f"{mac(host)}.wake"
            if packet.exists():
                packet.unlink()
                if self.is_off(host):
                    self._boot(host)

    def end(self) -> None:
        self.kill_daemon()
        for host in list(self.monitors):
            self._end_monitor(host)

    def _dark(self) -> None:
        """The UPS's outlets go off with everything on them; later the mains is back, and this host boots."""
        self.kill_daemon()
        for host in HOSTS:
            if not self.is_off(host):
                self._off(host)
        for name in list(self.rig.processes):
            self.rig.end(name)
        for name in (UPS, *(f"{UPS}-{stage}" for stage, _ in STAGES[:-1])):
            self.rig.start_driver(name)
        self.rig.start_upsd()
        self.rig.wait_until(lambda: self.rig.has_data(UPS))
        self._boot(OWN)
        self.start_daemon()

    def _off(self, host: str) -> None:
        self._end_monitor(host)
        (self.directory / f"{host}.off").touch()

    def _boot(self, host: str) -> None:
        clean = host not in self.frozen
        at = datetime.now(UTC).isoformat()
        report = {
            "boot_id": "b", "booted_at": at, "previous": {"clean": clean, "ended_at": at},
            "databases": [{"name": "15/main", "clean": clean, "accepts": True, "evidence": "LOG"}],
        }  # fmt: skip
        (self.directory / f"{host}.report").write_text(json.dumps(report))
        self.frozen.discard(host)
        if host == OWN:
            self.boots += 1
            (self.directory / "boot").write_text(f"boot{self.boots} {at}")
        (self.directory / f"{host}.off").unlink(missing_ok=True)
        self._start_monitor(host)

    def _start_monitor(self, host: str) -> None:
        directory = self.directory / host
        directory.mkdir(exist_ok=True)
        latches = [f"{UPS}-{stage}" for stage, one in STAGES[:-1] if one == host]
        role, user = ("primary", OWN) if host == OWN else ("secondary", "his1")
        monitors = "".join(
            f"MONITOR {ups}@127.0.0.1:{self.rig.port} 1 {user} {PASSWORD} {role}\n" for ups in (UPS, *latches)
        )
        (directory / "upsmon.conf").write_text(
            f"{monitors}MINSUPPLIES {1 + len(latches)}\nRUN_AS_USER root\nPOLLFREQ 1\nPOLLFREQALERT 1\nDEADTIME 15\n"
            f'HOSTSYNC 2\nFINALDELAY 0\nSHUTDOWNCMD "touch {self.directory}/{host}.down"\n'
        )
        (directory / "upsmon.conf").chmod(0o600)
        environment = {**os.environ, "NUT_CONFPATH": str(directory)}
        with (directory / "upsmon.log").open("ab") as log:
            self.monitors[host] = subprocess.Popen(
                [*ALONE, PROGRAMS / "upsmon", "-p", "-F"], env=environment, stdout=log, stderr=log
            )

    def _end_monitor(self, host: str) -> None:
        process = self.monitors.pop(host, None)
        if process is not None:
            process.kill()
            process.wait()

    def _write_config(self) -> None:
        stages = [
            {
                "name": stage,
                "latch": None if host == OWN else f"{UPS}-{stage}",
                "below_seconds": 600 - 100 * number,
                "takes_seconds": self.takes_seconds,
                "hosts": [{"name": host, "address": "127.0.0.1", "port": 9, "mac": mac(host), "broadcast": ""}],
            }
            for number, (stage, host) in enumerate(STAGES)
        ]
        config = {
            "host": OWN,
            "upsd": {"address": "127.0.0.1", "port": self.rig.port, "user": "xinglin-power"},
            "state_directory": str(self.directory),
            "upses": [{"name": UPS, "simulated": True, "sync_seconds": 2, "stages": stages}],
            "return_checks": [{"name": "upsd", "host": OWN, "address": "127.0.0.1", "tcp": self.rig.port}],
            "limits": {"settle_seconds": 0.3, "host_seconds": 120, "check_seconds": 60, "turn_seconds": 0.1},
            "drill_seconds": 590,  # the first stage begins at once, and what is left suffices for slow hosts
        }
        (self.directory / "power.json").write_text(json.dumps(config))


@contextmanager
def running_clinic(directory: Path, takes_seconds: float = TAKES_SECONDS) -> Iterator[Clinic]:
    """Run a clinic on the mains, with its daemon; everything of it ends with the block."""
    devices = {UPS: SIMULATED, **{f"{UPS}-{stage}": LATCH for stage, _ in STAGES[:-1]}}
    with running_rig(directory / "nut", devices, tls=False) as rig:
        clinic = Clinic(directory, rig, takes_seconds)
        try:
            clinic.start()
            yield clinic
        finally:
            clinic.end()
