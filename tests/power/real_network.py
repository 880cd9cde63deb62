"""``unshare --net python -m tests.power.real_network``: an outage in which two hosts are addresses of a real network.

They are asked by the daemon's own probe: one at a TCP port, one by ICMP.  Prints the record, and when the port opened.
"""

import json
import socket
import ssl
import subprocess
from dataclasses import replace
from pathlib import Path

from agent.power.plan import Host, Ups
from agent.power.reach import Reached, Surroundings, tls_probe
from agent.power.records import to_json
from agent.power.state import Observation
from tests.power.outside import OutsideClinic, plan_without_agents

PORT = 3389
OPENS_AFTER_SECONDS = 10
REAL = {"ws1": ("198.51.100.1", PORT), "ws2": ("198.51.100.2", 0)}


def real(host: Host) -> Host:
    address, port = REAL.get(host.name, (host.address, host.port))
    return replace(host, address=address, port=port)


class RealNetworkClinic(OutsideClinic):
    def __init__(self, ups: Ups) -> None:
        super().__init__(ups)
        self.surroundings = Surroundings(tls_probe(ssl.create_default_context()))
        self.up_since: dict[str, float] = {}
        self.listener: socket.socket | None = None
        self.opened_at = ""

    def observation(self) -> Observation:
        self._network()
        seen, there, others = super().observation(), self._looked(), self.hosts.keys() - REAL.keys()
        return replace(
            seen,
            answering=(seen.answering & others) | there.answering,
            serving=(seen.serving & others) | there.serving,
            silent=(seen.silent & others) | there.silent,
        )

    def _looked(self) -> Reached:
        hosts = [host for host in self.ups.hosts if host.name in REAL]
        self.surroundings.look(hosts, self.seconds, 1)
        for one in self.surroundings._known.values():
            if one.pending is not None:
                one.pending.result(10)
        return self.surroundings.look(hosts, self.seconds, 1)

    def _network(self) -> None:
        """Have the network as the hosts are."""
        for name, (address, port) in REAL.items():
            host = self.hosts[name]
            if host.on and name not in self.up_since:
                self.up_since[name] = self.seconds
                ip("address", "add", f"{address}/32", "dev", "lo")
            elif not host.on and name in self.up_since:
                del self.up_since[name]
                if port:
                    self._close()
                ip("address", "del", f"{address}/32", "dev", "lo")
            opens = self.up_since.get(name, self.seconds) + (0 if self.boot == 1 else OPENS_AFTER_SECONDS)
            if port and host.on and self.listener is None and self.seconds >= opens:
                self.listener = socket.create_server((address, port), backlog=200)
                self.opened_at = self.now.wall.isoformat()

    def _close(self) -> None:
        if self.listener is not None:
            self.listener.close()
            self.listener = None


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True)


def main() -> None:
    ip("link", "set", "lo", "up")
    Path("/proc/sys/net/ipv4/ping_group_range").write_text("0 2147483647")
    ups = plan_without_agents(*REAL)
    stages = tuple(replace(stage, hosts=tuple(real(host) for host in stage.hosts)) for stage in ups.stages)
    clinic = RealNetworkClinic(replace(ups, stages=stages))
    clinic.mains = False
    clinic.run(1100)
    clinic.mains = True
    record = clinic.run_to_file()
    print(json.dumps({"record": to_json(record), "opened_at": clinic.opened_at}))
    clinic.surroundings.close()


if __name__ == "__main__":
    main()
