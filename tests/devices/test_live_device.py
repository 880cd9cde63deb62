"""A real Net-SNMP agent is read over the network, in each version: it says of this machine what the kernel says.

SNMPv1 has no 64-bit counters: there the 32-bit ones are read.
"""

import asyncio
import os
from collections.abc import Iterator

import psutil
import pytest

from agent.devices.reader import DeviceReader
from agent.devices.reading import DeviceReading
from agent.snmp.credentials import Credentials
from agent.snmp.device import Device
from agent.snmp.engine import Engine
from tests.agent.snmpd import V1, V2C, V3, Snmpd, running_snmpd


@pytest.fixture(scope="module")
def snmpd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Snmpd]:
    """An agent for all tests of this file."""
    with running_snmpd(tmp_path_factory.mktemp("snmpd")) as agent:
        yield agent


@pytest.fixture(scope="module", params=[V1, V2C, V3], ids=["v1", "v2c", "v3"])
def readings(request: pytest.FixtureRequest, snmpd: Snmpd) -> list[DeviceReading]:
    """Two readings of this machine: a full poll's, then a small one's."""
    credentials: Credentials = request.param

    async def read() -> list[DeviceReading]:
        engine = Engine()
        device = Device(engine, snmpd.address, snmpd.port, credentials)
        reader = DeviceReader()
        try:
            first = await reader.poll(device)
            reader._until_full = 5
            return [first, await reader.poll(device)]
        finally:
            device.close()
            engine.close()

    return asyncio.run(read())


def test_it_says_who_it_is(readings: list[DeviceReading]):
    for reading in readings:
        assert (reading.name, reading.location) == ("snmpd-of-the-test", "机房")
        assert reading.model.startswith("Linux ")
        assert reading.uptime_seconds is not None


def test_memory_and_storage_are_the_kernels(readings: list[DeviceReading]):
    memory = readings[1].memory
    assert memory is not None
    assert memory.size_bytes == pytest.approx(psutil.virtual_memory().total, rel=0.01)
    assert 0 < memory.used_ratio < 1
    root = next(storage for storage in readings[0].storages if storage.name == "/")
    usage = os.statvfs("/")
    assert root.size_bytes == pytest.approx(usage.f_blocks * usage.f_frsize, rel=0.01)


def test_the_ports_are_the_kernels_without_loopback(readings: list[DeviceReading]):
    counters = psutil.net_io_counters(pernic=True)
    for before, after in zip(readings[0].interfaces, readings[1].interfaces, strict=True):
        assert before.name != "lo"
        assert before.receive_bytes is not None
        assert after.receive_bytes is not None
        assert before.receive_bytes <= after.receive_bytes
        if before.name in counters:
            assert after.receive_bytes <= counters[before.name].bytes_recv


def test_the_load_is_a_ratio(readings: list[DeviceReading]):
    for reading in readings:
        assert reading.cpu_used_ratio is None or 0 <= reading.cpu_used_ratio <= 1
