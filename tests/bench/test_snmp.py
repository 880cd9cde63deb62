"""100 devices of 60 values every 30 s, against net-snmp's snmpbulkwalk on the same work in the same run.

One real snmpd on 100 addresses of loopback; CPU is of the asking side alone.  Rounds follow each other more quickly
than in life, so that the test ends: what a round costs is then divided by 30 s.
"""

import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.agent.ports import free_port
from tests.agent.process import ROOT
from tests.agent.snmpd import COMMUNITY, V3, need, running_snmpd

pytestmark = pytest.mark.bench

DEVICES = [f"127.0.0.{number}" for number in range(101, 201)]
VALUES = 60
VALUES_ROOT = "1.3.6.1.4.1.99999.1"
OIDS = [f"{VALUES_ROOT}.{number}.0" for number in range(1, VALUES + 1)]
INTERVAL_SECONDS = 30
ROUND_SECONDS = 5
ROUNDS = 2
MAX_CORE_RATIO = 0.10
MIB = 1024 * 1024


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    need("snmpd", "snmpbulkwalk")
    chosen = free_port()
    values = "".join(
        f"override {oid} integer {number}\n" if number % 2 else f'override {oid} octet_str "value {number}"\n'
        for number, oid in enumerate(OIDS)
    )
    addresses = "".join(f"agentAddress udp:{address}:{chosen}\n" for address in DEVICES)
    with running_snmpd(tmp_path_factory.mktemp("snmpd"), port=chosen, more=addresses + values):
        yield chosen


def ours(port: int, **work: object) -> dict[str, Any]:
    """Return what one round of our poller takes."""
    order = {"devices": DEVICES, "port": port, "interval_seconds": ROUND_SECONDS, "rounds": ROUNDS, **work}
    command = [sys.executable, "-m", "tests.bench.snmp_rounds"]
    done = subprocess.run(command, cwd=ROOT, input=json.dumps(order), capture_output=True, text=True, check=True)
    told: dict[str, Any] = json.loads(done.stdout)
    assert told["events"] == [], told["events"][:5]
    told["cpu"] *= len(DEVICES) * VALUES / told["read"]  # a busy machine may not get through all in the time given
    return told


def theirs(port: int) -> dict[str, float]:
    """Return what one round of snmpbulkwalk takes: one process a device, as a script would run it."""
    environment = {**os.environ, "MIBS": "", "SNMP_PERSISTENT_DIR": str(Path("/dev/shm"))}  # noqa: S108
    options = ["-v2c", "-c", COMMUNITY, "-On", "-Cr20"]
    before, read = resource.getrusage(resource.RUSAGE_CHILDREN), 0
    for address in DEVICES:
        command = ["snmpbulkwalk", *options, f"{address}:{port}", VALUES_ROOT]
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
        read += len(done.stdout.splitlines())
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {"cpu": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, "read": read}


def test_a_hundred_devices_cost_a_tenth_of_a_core_at_most(port: int, capsys: pytest.CaptureFixture[str]):
    user = {"user": V3.user, "auth_key": V3.auth_key, "privacy_key": V3.privacy_key}
    peer = theirs(port)
    measured = {
        "GET, v2c": ours(port, community=COMMUNITY, oids=OIDS),
        "walk, v2c": ours(port, community=COMMUNITY, root=VALUES_ROOT),
        "GET, v3": ours(port, user=user, oids=OIDS),
    }
    with capsys.disabled():
        print(f"\n{'100 x 60 values':16} CPU s a round  of a core at 30 s  against snmpbulkwalk  MiB")
        print(f"{'snmpbulkwalk':16} {peer['cpu']:13.2f}  {peer['cpu'] / INTERVAL_SECONDS:17.1%}")
        for name, told in measured.items():
            print(
                f"{name:16} {told['cpu']:13.2f}  {told['cpu'] / INTERVAL_SECONDS:17.1%}  "
                f"{told['cpu'] / peer['cpu']:20.2f}  {told['resident'] / MIB:4.0f}"
            )
    assert peer["read"] == len(DEVICES) * VALUES
    for name, told in measured.items():
        assert told["cpu"] / INTERVAL_SECONDS <= MAX_CORE_RATIO, name
