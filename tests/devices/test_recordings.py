"""Every recorded device reads as its raw values and MIBs say, in memory and through a real SNMP responder."""

import asyncio
import itertools
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent.devices.reader import DeviceReader
from agent.devices.reading import DeviceReading, Place
from agent.polling import PollError, Trouble
from agent.snmp.credentials import Community
from agent.snmp.device import Device
from agent.snmp.engine import Engine
from tests.recordings import ReplayedRecording, all_recordings, read_recording, recording
from tests.simulator import recorded_devices

EXPECTED: Mapping[str, Any] = tomllib.loads(Path(__file__).with_name("expected.toml").read_text(encoding="utf-8"))
IDENTITY = ("vendor", "model", "software", "object_id")
THROUGH_THE_NETWORK = ("openwrt", "vrp_ac6605-26", "fortigate_60f", "apc_smx750i")


def replayed(name: str) -> ReplayedRecording:
    return ReplayedRecording(read_recording(recording(name).read_text(encoding="utf-8")))


def polls(device: ReplayedRecording, times: int) -> list[DeviceReading]:
    reader = DeviceReader(now=itertools.count().__next__)
    return [asyncio.run(reader.poll(device)) for _ in range(times)]


@pytest.mark.parametrize("name", EXPECTED)
def test_a_recorded_device_reads_as_expected(name: str):
    expected = EXPECTED[name]
    (reading,) = polls(replayed(name), 1)
    for field in IDENTITY:
        assert getattr(reading, field) == expected.get(field, getattr(reading, field))
    assert reading.uptime_seconds == expected.get("uptime_seconds", reading.uptime_seconds)
    assert len(reading.interfaces) == expected["interfaces"]
    assert reading.cpu_used_ratio == (pytest.approx(expected["cpu"]) if "cpu" in expected else None)
    memory = {} if reading.memory is None else vars(reading.memory)
    known = {field: value for field, value in memory.items() if value is not None}
    assert known == pytest.approx(expected.get("memory", {}), rel=1e-5)
    storages = {storage.name: [storage.used_bytes, storage.size_bytes] for storage in reading.storages}
    assert storages == expected.get("storages", {})


@pytest.mark.parametrize("name", EXPECTED)
def test_the_sensors_of_a_recorded_device(name: str):
    (reading,) = polls(replayed(name), 1)
    sensors = {f"{sensor.quantity} {sensor.name}": sensor.value for sensor in reading.sensors}
    assert sensors == pytest.approx(EXPECTED[name].get("sensors", {}))
    if name != "siteboss550":  # whose contacts' names are hidden
        assert {one.name: one.open for one in reading.contacts} == EXPECTED[name].get("contacts", {})


@pytest.mark.parametrize(
    ("name", "rooms"),
    [
        ("apc_smx750i", {"Port 1 Temp 1"}),
        ("eatonups", {"probe"}),  # and UPS, which is inside
        ("siteboss571_siteboss571", {"Temperature", "Temperature #200.1.1", "ES-TH"}),
        ("comware_a5500", set()),
        ("ibmc", set()),
    ],
)
def test_what_is_measured_in_the_room_is_told_from_what_is_inside_a_device(name: str, rooms: set[str]):
    (reading,) = polls(replayed(name), 1)
    assert {sensor.name for sensor in reading.sensors if sensor.place is Place.ROOM} == rooms


@pytest.mark.parametrize("name", [name for name in EXPECTED if "ports" in EXPECTED[name]])
def test_the_ports_of_a_recorded_device(name: str):
    (reading,) = polls(replayed(name), 1)
    by_name = {interface.name: vars(interface) for interface in reading.interfaces}
    for port, fields in EXPECTED[name]["ports"].items():
        assert {field: by_name[port][field] for field in fields} == fields


def shows_nothing(name: str) -> bool:
    try:
        polls(replayed(name), 1)
    except PollError as refusal:
        return refusal.trouble is Trouble.UNKNOWN_DEVICE
    return False


def test_every_recording_reads_the_same_at_full_and_at_small_polls():
    """UPS cards, power plants and generators among them: none makes the reader stumble or gives a name twice."""
    if not all_recordings():
        pytest.skip("no recordings are here")
    for name in all_recordings():
        if shows_nothing(name):
            assert name not in EXPECTED
            continue
        first, *others = polls(replayed(name), 12)
        assert all(other == first for other in others), name
        for things in (first.interfaces, first.storages, first.contacts):
            assert len({thing.name for thing in things}) == len(things), name
        assert len({(sensor.quantity, sensor.name) for sensor in first.sensors}) == len(first.sensors), name


@pytest.mark.parametrize(
    ("name", "values"),
    [("jetstream_sg2218p", 65), ("unifi_nanohd", 65), ("openwrt", 65), ("comware_a5500", 95), ("ruijie", 135)],
)
def test_a_small_poll_asks_for_little(name: str, values: int):
    """Three values for each port that is up, one for each that is down, and a dozen beside them."""
    device = replayed(name)
    reader = DeviceReader(now=itertools.count().__next__)
    asyncio.run(reader.poll(device))
    reader._until_full = 5
    device.asked.clear()
    asyncio.run(reader.poll(device))
    assert 20 < len(device.asked) <= values


@pytest.mark.parametrize("name", THROUGH_THE_NETWORK)
def test_a_real_responder_gives_the_same_reading(name: str):
    (expected,) = polls(replayed(name), 1)
    simulator = recorded_devices()

    async def read() -> list[DeviceReading]:
        engine = Engine()
        device = Device(engine, simulator.address, simulator.port, Community("v2c", name))
        reader = DeviceReader(now=itertools.count().__next__)
        try:
            readings = [await reader.poll(device)]
            reader._until_full = 5
            return [*readings, await reader.poll(device)]
        finally:
            device.close()
            engine.close()

    for reading in asyncio.run(read()):
        assert reading == replace(expected, uptime_seconds=reading.uptime_seconds)
