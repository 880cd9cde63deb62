"""The clock: a real chronyd, a real kernel, and neither."""

import dataclasses
import os
import pwd
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.collectors.clock import Clock, ClockCollector, parse_tracking, read_kernel_clock
from agent.collectors.command import CommandError
from tests.agent.debian import debian_tool
from tests.agent.ports import free_port
from tests.agent.samples import key, samples

SYNCHRONISED = (
    "C612000A,198.18.0.10,4,1795399428.338879300,-0.000012500,0.000001000,0.000020000,"
    "-1.500,0.001,0.050,0.000400000,0.000100000,64.5,Normal\n"
)
ALONE = "00000000,,0,0.000000000,0.000000000,0.0,0.0,-29.0,0.0,0.0,1.000000000,1.000000000,0.0,Not synchronised\n"


def test_a_synchronised_chrony_gives_offset_error_and_stratum():
    clock = parse_tracking(SYNCHRONISED)
    assert dataclasses.replace(clock, max_error_seconds=0) == Clock("chrony", "198.18.0.10", True, -0.0000125, 0, 4)
    assert clock.max_error_seconds == pytest.approx(0.0003125)


def test_a_chrony_without_a_source_is_16_seconds_wrong():
    clock = parse_tracking(ALONE)
    assert (clock.synchronised, clock.max_error_seconds) == (False, 16.0)


def test_other_output_is_an_error():
    with pytest.raises(ValueError, match="1 fields, not 14"):
        parse_tracking("506 Cannot talk to daemon\n")


@pytest.fixture
def chronyd(tmp_path: Path) -> Iterator[tuple[str, ...]]:
    """A chronyd of its own that leaves the clock alone; gives the command that asks it."""
    daemon, asker = debian_tool("chrony", "usr/sbin/chronyd"), debian_tool("chrony", "usr/bin/chronyc")
    port = free_port()
    configuration = tmp_path / "chrony.conf"
    configuration.write_text(
        f"cmdport {port}\nbindcmdaddress 127.0.0.1\nport 0\nlocal stratum 8\n"
        f"bindcmdaddress {tmp_path}/chronyd.sock\npidfile {tmp_path}/chronyd.pid\n"
    )
    user = pwd.getpwuid(os.getuid()).pw_name
    process = subprocess.Popen([daemon, "-d", "-x", "-u", user, "-f", configuration], stderr=subprocess.DEVNULL)
    command = (str(asker), "-h", "127.0.0.1", "-p", str(port), "-c", "-n", "tracking")
    try:
        deadline = time.monotonic() + 60
        while not _local(command):
            assert time.monotonic() < deadline, "chronyd does not answer"
            threading.Event().wait(0.1)
        yield command
    finally:
        process.terminate()
        process.wait(60)


def _local(command: tuple[str, ...]) -> bool:
    """Whether chronyd answers, and has taken its own clock as the reference."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    return done.returncode == 0 and done.stdout.startswith("7F7F01")


def test_a_real_chronyd_is_asked(chronyd: tuple[str, ...]):
    found = samples(ClockCollector(chronyd, timeout_seconds=60).collect())
    assert key("xinglin_clock_info", source="chrony", reference="local") in found
    assert found[key("node_timex_sync_status")] == 1
    assert found[key("node_ntp_stratum")] == 8
    assert abs(found[key("node_timex_offset_seconds")]) < 1


def test_without_chrony_the_kernel_is_asked():
    try:
        kernel = read_kernel_clock()
    except OSError as error:
        pytest.skip(f"this machine forbids adjtimex: {error}")
    found = samples(ClockCollector(("no-such-chronyc",)).collect())
    assert key("xinglin_clock_info", source="kernel", reference="") in found
    assert found[key("node_timex_sync_status")] == kernel.synchronised


def test_without_both_the_collector_fails_and_says_why(monkeypatch: pytest.MonkeyPatch):
    def forbidden() -> Clock:
        raise PermissionError(1, "adjtimex: Operation not permitted")

    monkeypatch.setattr("agent.collectors.clock.read_kernel_clock", forbidden)
    with pytest.raises(CommandError, match=r"no-such-chronyc is not installed; .*adjtimex: Operation not permitted"):
        ClockCollector(("no-such-chronyc",)).collect()
