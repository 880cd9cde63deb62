"""NUT's snmp-ups and our own poller read the same simulated device: the same values, or a difference explained.

``differences.tsv`` explains each one that there is; an explanation that is no longer needed fails, too.
"""

import asyncio
import csv
import os
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from agent.nut.reading import ups_reading
from agent.snmp.credentials import Community
from agent.snmp.device import Device
from agent.snmp.engine import Engine
from agent.ups.agreement import FLAGS, Quantities, quantities
from agent.ups.reader import UpsReader
from agent.ups.reading import Flag, UpsReading
from tests.nut.rig import PROGRAMS
from tests.recordings import all_recordings, recording
from tests.simulator import Simulator, running_simulator

EXPLAINED = Path(__file__).parent / "differences.tsv"
NAMES = {  # what snmp-ups asks before it believes a MIB, and recordings often lack
    "apcc": "1.3.6.1.4.1.318.1.1.1.1.1.1.0",
    "cyberpower": "1.3.6.1.4.1.3808.1.1.1.1.1.1.0",
    "delta_ups": "1.3.6.1.4.1.2254.2.4.1.2.0",
    "ietf": "1.3.6.1.2.1.33.1.1.2.0",
    "mge": "1.3.6.1.4.1.705.1.1.1.0",
    "pw": "1.3.6.1.4.1.534.1.1.2.0",
    "xppc": "1.3.6.1.4.1.935.1.1.1.1.1.1.0",
}
WORDS = {flag.value: flag for flag in (
    Flag.ON_LINE, Flag.ON_BATTERY, Flag.LOW_BATTERY, Flag.REPLACE_BATTERY, Flag.BYPASS, Flag.OVERLOAD, Flag.OFF,
    Flag.TRIM, Flag.BOOST, Flag.TEST, Flag.CALIBRATION,
)}  # fmt: skip
ROUNDING = {"charge": 0.005, "load": 0.005, "runtime": 1.0, "battery_voltage": 0.5}
"""By how much NUT's own rounding may change a value; volts of a line by 0.5 V."""


@dataclass(frozen=True)
class Row:
    """One reading of a recording by one of NUT's MIBs, and the explained differences: quantity → why."""

    recording: str
    mib: str
    why: dict[str, str]


def rows() -> list[Row]:
    found: dict[tuple[str, str], dict[str, str]] = {}
    with EXPLAINED.open(encoding="utf-8", newline="") as file:
        for line in csv.DictReader(file, delimiter="\t"):
            why = found.setdefault((line["recording"], line["mib"]), {})
            if line["quantity"]:
                why[line["quantity"]] = line["why"]
    return [Row(*key, why) for key, why in found.items()]


def named(text: str, mibs: set[str]) -> str:
    """Return a recording with the names that snmp-ups asks for."""
    missing = [oid for mib in sorted(mibs) if (oid := NAMES[mib]) and f"{oid}|" not in text]
    lines = [line for line in text.splitlines() if line.count("|") >= 2]
    lines += [f"{oid}|4|Recorded" for oid in missing]
    lines.sort(key=lambda line: tuple(map(int, line.partition("|")[0].split("."))))
    return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class Pair:
    """What NUT and what we read of one recording."""

    nuts: UpsReading
    ours: UpsReading


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Pair]:
    """Return every recording's readings by recording and MIB, all read from the same simulator."""
    if not (PROGRAMS / "snmp-ups").exists():
        pytest.skip("snmp-ups is not installed: apt-get install nut-snmp")
    present = all_recordings()
    wanted = [row for row in rows() if row.recording in present]
    mibs: dict[str, set[str]] = {}
    for row in wanted:
        mibs.setdefault(row.recording, set()).add(row.mib)
    texts = {name: named(present[name].read_text(encoding="utf-8"), asked) for name, asked in mibs.items()}
    directory = tmp_path_factory.mktemp("simulator")
    with running_simulator(directory, texts) as simulator, ThreadPoolExecutor(4) as threads:
        states = [tmp_path_factory.mktemp("state") for _ in wanted]
        nuts = list(threads.map(partial(read_by_nut, simulator), wanted, states))
        ours = asyncio.run(read_by_us(simulator, list(texts)))
    return {
        (row.recording, row.mib): Pair(reading, ours[row.recording]) for row, reading in zip(wanted, nuts, strict=True)
    }


def read_by_nut(simulator: Simulator, row: Row, state: Path) -> UpsReading:
    """Return what snmp-ups says after one poll, read as upsd's variables are."""
    settings = {
        "port": f"127.0.0.1:{simulator.port}", "community": row.recording, "snmp_version": "v2c", "mibs": row.mib,
    }  # fmt: skip
    options = [part for name, value in settings.items() for part in ("-x", f"{name}={value}")]
    as_root = ["-u", "root"] if os.geteuid() == 0 else []
    done = subprocess.run(
        [PROGRAMS / "snmp-ups", *as_root, "-s", "ups", *options, "-d", "1"],
        env={**os.environ, "NUT_STATEPATH": str(state), "NUT_ALTPIDPATH": str(state)},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    variables = dict(re.findall(r"^([a-z0-9.]+): (.*)$", done.stdout, re.MULTILINE | re.IGNORECASE))
    assert "ups.status" in variables, f"{row.recording}: {done.stderr}"
    return ups_reading(variables)


async def read_by_us(simulator: Simulator, names: list[str]) -> dict[str, UpsReading]:
    """Return what our poller's reader says, four devices at a time over one engine."""
    engine = Engine()
    turns = asyncio.Semaphore(4)

    async def read(name: str) -> UpsReading:
        device = Device(engine, "127.0.0.1", simulator.port, Community("v2c", name))
        async with turns:
            try:
                return await UpsReader().poll(device)
            finally:
                device.close()

    try:
        return dict(zip(names, await asyncio.gather(*map(read, names)), strict=True))
    finally:
        engine.close()


def compared(reading: UpsReading) -> Quantities:
    """Return the numbers, and every flag that NUT has."""
    numbers = {name: value for name, value in quantities(reading).items() if name not in FLAGS}
    return {**numbers, **{f"flag {word}": float(flag in reading.flags) for word, flag in WORDS.items()}}


def differing(ours: Quantities, nuts: Quantities) -> dict[str, str]:
    """Return quantity → both values, of all that NUT knows."""
    found = {}
    for name, theirs in nuts.items():
        own = ours.get(name)
        if own is None or abs(own - theirs) > ROUNDING.get(name, 0.5) + 1e-9:
            found[name] = f"ours {own}, NUT's {theirs}"
    return found


@pytest.mark.parametrize("row", rows(), ids=lambda row: f"{row.recording}-{row.mib}")
def test_nut_and_our_poller_say_the_same(row: Row, request: pytest.FixtureRequest):
    recording(row.recording)
    pair: Pair = request.getfixturevalue("pairs")[row.recording, row.mib]
    found = differing(compared(pair.ours), compared(pair.nuts))
    assert {name: text for name, text in found.items() if name not in row.why} == {}
    assert set(row.why) == set(found), "an explanation that is no longer needed"
