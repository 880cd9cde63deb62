"""The mains fails on a simulated UPS (snmpsim) that is polled once an hour: its trap alone makes it known in time."""

import os
import subprocess
from pathlib import Path

from agent.events import Journal
from agent.polled import SnmpConfig, SnmpDevice, TrapListener
from agent.snmp.credentials import Community
from agent.snmp.poller import Poller
from agent.snmp.source import SnmpSource
from agent.ups.reader import UpsReader
from agent.ups.reading import Flag
from tests.agent.ports import free_port
from tests.agent.snmpd import need
from tests.agent.test_events import wait_until
from tests.simulator import running_simulator

COMMUNITY = "rack-ups"
BATTERY_SECONDS, SOURCE = "1.3.6.1.2.1.33.1.2.2.0", "1.3.6.1.2.1.33.1.4.1.0"
ON_BATTERY_TRAP = "1.3.6.1.2.1.33.2.1"
UPS = f"""1.3.6.1.2.1.1.1.0|4|a UPS of the test
1.3.6.1.2.1.1.2.0|6|1.3.6.1.2.1.33
1.3.6.1.2.1.1.3.0|67|123456
1.3.6.1.2.1.33.1.1.1.0|4|Example
1.3.6.1.2.1.33.1.2.1.0|2|2
{BATTERY_SECONDS}|2:writecache|value=0
1.3.6.1.2.1.33.1.2.3.0|2|42
1.3.6.1.2.1.33.1.2.4.0|2|97
1.3.6.1.2.1.33.1.3.2.0|2|1
1.3.6.1.2.1.33.1.3.3.1.3.1|2|231
{SOURCE}|2:writecache|value=3
1.3.6.1.2.1.33.1.4.3.0|2|1
1.3.6.1.2.1.33.1.4.4.1.2.1|2|230
1.3.6.1.2.1.33.1.4.4.1.5.1|2|31
1.3.6.1.2.1.33.1.6.1.0|66|0
"""


def run(*command: str) -> None:
    environment = {**os.environ, "MIBS": "", "SNMP_PERSISTENT_DIR": "/dev/shm"}  # noqa: S108
    subprocess.run(command, check=True, capture_output=True, env=environment)


def flags(poller: Poller) -> frozenset[Flag]:
    """Return what the one UPS says; nothing while it has not been read."""
    readings = [standing.reading for standing in poller.standings()]
    return readings[0].flags if readings and readings[0] else frozenset()


def test_the_trap_of_a_ups_makes_its_state_known_at_once(tmp_path: Path):
    need("snmptrap", "snmpset")
    port, journal = free_port(), Journal()
    with running_simulator(tmp_path, {COMMUNITY: UPS}) as simulator:
        device = SnmpDevice("rack-ups", "ups", simulator.address, simulator.port, Community("v2c", COMMUNITY))
        config = SnmpConfig(3600, (device,), TrapListener("127.0.0.1", port))
        poller = Poller([SnmpSource(config, lambda _kind: UpsReader(), journal)], journal)
        poller.start()
        try:
            wait_until(lambda: Flag.ON_LINE in flags(poller))
            values = (BATTERY_SECONDS, "i", "7", SOURCE, "i", "5")  # seconds on battery; output source: battery
            run("snmpset", "-v2c", "-c", COMMUNITY, f"{simulator.address}:{simulator.port}", *values)
            run("snmptrap", "-v2c", "-c", COMMUNITY, f"127.0.0.1:{port}", "", ON_BATTERY_TRAP)
            first = journal.wait(0, "", 120).events[0]
            wait_until(lambda: Flag.ON_BATTERY in flags(poller))  # at once: tests/agent/test_schedule.py
        finally:
            poller.stop()
    assert (first.device, first.source, first.code) == ("rack-ups", "trap", "on_battery")
    assert "on_battery" in [event.code for event in journal.wait(0).events if event.source == "snmp"]
