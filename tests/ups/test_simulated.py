"""The same readings through real SNMP: snmpsim answers, our engine asks.  One device per MIB, v1, v2c and v3."""

import asyncio
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from agent.snmp.credentials import Community, Credentials, User
from agent.snmp.device import Device
from agent.snmp.engine import Engine
from agent.ups.reader import UpsReader
from agent.ups.reading import Flag, UpsReading
from tests.recordings import ReplayedRecording, read_recording, recording
from tests.simulator import (
    V3_AUTH_KEY,
    V3_PRIVACY_KEY,
    V3_USER,
    Simulator,
    recorded_devices,
    running_simulator,
)
from tests.ups.expectations import expected, facts

DEVICES = (
    "abbups_abbups", "apc-mgeups_galaxy7000", "apc_smx750", "cetpower", "cyberpower", "dell-ups_rack3750w",
    "deltaups_rfc1628string", "eaton-mgeups_9pxle", "eatonups", "eatonupsm2_9px+empg2", "istars", "netagent2",
    "poweralert_2", "powerwalker", "sinetica", "socomec-ups", "webpower-smart2", "poweralert_ups", "liebert_apm",
    "liebert_weblbds", "eatonups_eaton-connectups", "powerwalker-vfi_500r1u",
)  # fmt: skip
"""One for each MIB at least, and the odd ones: an extra .0, NULLs, text values, null alarms, several MIBs at once."""

RFC = "1.3.6.1.2.1.33.1"
SETTABLE = ("2.1.0", "2.2.0", "2.4.0", "3.3.1.3.1", "4.1.0")


def poll(simulator: Simulator, credentials: Sequence[Credentials]) -> list[UpsReading]:
    """Poll once with each of the credentials, through one engine."""

    async def readings() -> list[UpsReading]:
        engine = Engine()
        try:
            return [await _poll(engine, simulator, each) for each in credentials]
        finally:
            engine.close()

    return asyncio.run(readings())


async def _poll(engine: Engine, simulator: Simulator, credentials: Credentials) -> UpsReading:
    device = Device(engine, simulator.address, simulator.port, credentials)
    try:
        return await UpsReader().poll(device)
    finally:
        device.close()


@pytest.mark.parametrize("name", DEVICES)
def test_a_recording_reads_through_snmp_as_expected(name: str):
    recording(name)
    (reading,) = poll(recorded_devices(), [Community("v2c", name)])
    assert facts(reading) == expected(name)


def test_v1_and_v3_read_the_same_as_v2c(tmp_path: Path):
    files = {name: recording(name) for name in ("poweralert_2", "eaton-mgeups_9pxle")}
    with running_simulator(tmp_path, files, nameless="poweralert_2") as simulator:
        readings = poll(
            simulator,
            [
                Community("v1", "poweralert_2"),
                User(V3_USER, V3_AUTH_KEY, V3_PRIVACY_KEY),
                Community("v1", "eaton-mgeups_9pxle"),
            ],
        )
    names = ["poweralert_2", "poweralert_2", "eaton-mgeups_9pxle"]
    assert [facts(reading) for reading in readings] == [expected(name) for name in names]


def test_a_device_that_loses_its_mains_is_followed_poll_by_poll(tmp_path: Path):
    """snmpsim's ``writecache`` lets ``snmpset`` change the device while the same reader polls on."""
    if shutil.which("snmpset") is None:
        pytest.skip("no snmpset (package snmp)")
    lines = recording("orvaldi-ups").read_text(encoding="utf-8").splitlines()
    settable = {f"{RFC}.{oid}" for oid in SETTABLE}
    text = "\n".join(_settable(line) if line.split("|")[0] in settable else line for line in lines) + "\n"
    steps: list[dict[str, int]] = [
        {},
        {"4.1.0": 5, "2.2.0": 1, "3.3.1.3.1": 0, "2.4.0": 99},
        {"2.1.0": 3, "2.2.0": 610, "2.4.0": 12},
        {"4.1.0": 3, "2.1.0": 2, "2.2.0": 0, "3.3.1.3.1": 231},
    ]
    with running_simulator(tmp_path, {"rack-ups": text}) as simulator:
        readings = asyncio.run(_follow(simulator, steps))
    assert [reading.flags for reading in readings] == [
        {Flag.ON_LINE},
        {Flag.ON_BATTERY},
        {Flag.ON_BATTERY, Flag.LOW_BATTERY},
        {Flag.ON_LINE},
    ]
    assert [reading.input_volts for reading in readings] == [(244.0,), (0.0,), (0.0,), (231.0,)]
    assert [reading.charge_ratio for reading in readings] == [1.0, 0.99, 0.12, 0.12]


async def _follow(simulator: Simulator, steps: Sequence[dict[str, int]]) -> list[UpsReading]:
    engine = Engine()
    device = Device(engine, simulator.address, simulator.port, Community("v2c", "rack-ups"))
    reader = UpsReader()
    try:
        readings = []
        for step in steps:
            if step:
                await asyncio.to_thread(_set, simulator, step)
            readings.append(await reader.poll(device))
        return readings
    finally:
        device.close()
        engine.close()


def _settable(line: str) -> str:
    oid, tag, value = line.split("|")
    return f"{oid}|{tag}:writecache|value={value}"


def _set(simulator: Simulator, step: dict[str, int]) -> None:
    values = [word for oid, value in step.items() for word in (f"{RFC}.{oid}", "i", str(value))]
    target = f"{simulator.address}:{simulator.port}"
    subprocess.run(["snmpset", "-v2c", "-c", "rack-ups", target, *values], check=True, capture_output=True)


@pytest.mark.parametrize("name", ["cetpower", "istars"])
def test_a_replayed_recording_answers_as_snmpsim_does(name: str):
    """The stand-in of the quick tests gives what the real responder gives."""
    replay = ReplayedRecording(read_recording(recording(name).read_text(encoding="utf-8")))

    async def walked() -> tuple[object, object]:
        engine = Engine()
        simulator = recorded_devices()
        device = Device(engine, simulator.address, simulator.port, Community("v2c", name))
        try:
            return await device.walk(RFC), await replay.walk(RFC)
        finally:
            device.close()
            engine.close()

    real, stand_in = asyncio.run(walked())
    assert real == stand_in
