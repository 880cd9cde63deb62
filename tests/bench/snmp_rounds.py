"""``python -m tests.bench.snmp_rounds``: the agent's own poller in a process of its own, and what it took.

Standard input: JSON with ``devices`` (addresses), ``port``, ``community`` or SNMPv3's ``user``, ``oids`` (or ``root``
to walk), ``interval_seconds``, ``rounds``.  Standard output: JSON with CPU seconds and values read a round.
"""

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agent.events import Journal
from agent.polled import SnmpConfig, SnmpDevice
from agent.polling import Snmp
from agent.snmp.credentials import Community, User
from agent.snmp.poller import Poller
from agent.snmp.source import SnmpSource


class Everything:
    """Reads all that it is told to: a reader without a device's profile."""

    total = 0

    def __init__(self, oids: Sequence[str], root: str) -> None:
        self._oids = oids
        self._root = root

    async def poll(self, snmp: Snmp) -> int:
        answers = await (snmp.walk(self._root) if self._root else snmp.get(self._oids))
        Everything.total += len(answers)
        return len(answers)


def main(order: dict[str, Any]) -> None:
    credentials = User(**order["user"]) if "user" in order else Community("v2c", order["community"])
    interval = order["interval_seconds"]
    devices = tuple(
        SnmpDevice(f"device-{number}", "other", address, order["port"], credentials)
        for number, address in enumerate(order["devices"])
    )
    journal = Journal()
    source = SnmpSource(
        SnmpConfig(interval, devices, None),
        lambda _kind: Everything(order.get("oids", ()), order.get("root", "")),
        journal,
    )
    poller = Poller([source], journal)
    poller.start()
    while not poller.standings() or any(standing.reading is None for standing in poller.standings()):
        time.sleep(0.1)
    time.sleep(interval)  # the first round is over: sockets are open, SNMPv3's keys are made
    read, began = Everything.total, time.process_time()
    time.sleep(interval * order["rounds"])
    cpu_seconds, read = time.process_time() - began, Everything.total - read
    resident = int(Path("/proc/self/status").read_text().partition("VmRSS:")[2].split()[0]) * 1024
    poller.stop()
    events = [event.code for event in journal.wait(0).events]
    print(
        json.dumps(
            {
                "cpu": cpu_seconds / order["rounds"],
                "read": read / order["rounds"],
                "resident": resident,
                "events": events,
            }
        )
    )


if __name__ == "__main__":
    main(json.load(sys.stdin))
