"""Room probes: recorded ones read as their raw values and MIBs say, made-up ones show each rule that those taught."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from agent.devices.reading import Contact, DeviceReading, Place, Quantity, Sensor
from agent.polling import Value
from tests.devices.made_up import MadeUpDevice, column
from tests.devices.recorded import read_recorded

EXPECTED: Mapping[str, Any] = tomllib.loads(Path(__file__).with_name("environment.toml").read_text(encoding="utf-8"))
POWERNET = "1.3.6.1.4.1.318.1.1"
APC_CARD, APC_MANAGER, APC_RACK_PDU = "1.3.6.1.4.1.318.1.3.27", "1.3.6.1.4.1.318.1.3.8.4", "1.3.6.1.4.1.318.1.3.4.6"


def read(object_id: str, *parts: Mapping[str, Value]) -> DeviceReading:
    return MadeUpDevice({"1.3.6.1.2.1.1.2.0": object_id}, *parts).poll()


def celsius(name: str, value: float) -> Sensor:
    return Sensor(name, Quantity.TEMPERATURE, value, Place.ROOM)


def humid(name: str, ratio: float) -> Sensor:
    return Sensor(name, Quantity.HUMIDITY, ratio, Place.ROOM)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_recorded_probe(name: str):
    expected, reading = EXPECTED[name], read_recorded(name)
    for field in ("vendor", "model", "software"):
        assert getattr(reading, field) == expected.get(field, getattr(reading, field))
    sensors = {f"{sensor.quantity} {sensor.name}": sensor.value for sensor in reading.sensors}
    assert sensors == pytest.approx(expected.get("sensors", {}))
    assert {sensor.place for sensor in reading.sensors} <= {Place.ROOM}
    assert {one.name: one.open for one in reading.contacts} == expected.get("contacts", {})


def test_an_akcp_probe():
    """°F and °C; a probe that is offline reads 0, one with an error too; its switches know two ways to be critical."""
    entry = "1.3.6.1.4.1.3854.1.2.2.1"
    reading = read(
        "1.3.6.1.4.1.3854.1",
        column(f"{entry}.16.1.1", b"Rack", b"Door", b"Nothing", b"Broken"),
        column(f"{entry}.16.1.3", 24, 77, 0, 0),
        column(f"{entry}.16.1.4", 2, 2, 0, 7),
        column(f"{entry}.16.1.5", 1, 1, 2, 1),
        column(f"{entry}.16.1.12", 1, 0, 0, 1),
        column(f"{entry}.17.1.1", b"Rack", b"Nothing", b"Broken"),
        column(f"{entry}.17.1.3", 45, 0, 0),
        column(f"{entry}.17.1.4", 2, 0, 7),
        column(f"{entry}.17.1.5", 1, 2, 1),
        column(f"{entry}.17.1.13", 0, 830, 0),
        column(f"{entry}.18.1.1", b"Water", b"Smoke", b"Mains", b"Siren"),
        column(f"{entry}.18.1.3", 4, 2, 6, 8),
        column(f"{entry}.18.1.4", 1, 1, 1, 1),
    )
    assert reading.sensors == (celsius("Rack", 24), celsius("Door", 25), humid("Rack", 0.45))
    assert reading.contacts == (Contact("Water", True), Contact("Smoke", False), Contact("Mains", True))


@pytest.mark.parametrize(
    ("object_id", "root"),
    [
        ("1.3.6.1.4.1.5528.100.20.10.2017", "1.3.6.1.4.1.5528.100.4"),
        ("1.3.6.1.4.1.52674.500", "1.3.6.1.4.1.52674.500.4"),
    ],
)
def test_a_netbotz_is_read_by_its_texts(object_id: str, root: str):
    """The number is in tenths on one generation and in whole degrees on the other; an unplugged probe has no text."""
    reading = read(
        object_id,
        column(f"{root}.1.1.1.2", 23, 0),
        column(f"{root}.1.1.1.4", b"Rack", b"Unplugged"),
        column(f"{root}.1.1.1.7", b"23.5", b""),
        column(f"{root}.1.2.1.4", b"Rack", b"Unplugged"),
        column(f"{root}.1.2.1.7", b"41.2", b""),
        column(f"{root}.2.1.1.3", 0, 3),
        column(f"{root}.2.1.1.4", b"Dry", b"Dry"),
        column(f"{root}.2.2.1.2", 0, 1, -1),
        column(f"{root}.2.2.1.4", b"Front", b"Back", b"None"),
        column(f"{root}.2.10.1.3", 3),
        column(f"{root}.2.10.1.4", b"Floor"),
        column(f"{root}.2.12.1.2", 1, 0, -1),
        column(f"{root}.2.12.1.4", b"Smoke 1", b"Smoke 2", b"Smoke 3"),
        column(f"{root}.2.13.1.2", 0),
        column(f"{root}.2.13.1.4", b"Rope"),
    )
    assert reading.sensors == (celsius("Rack", 23.5), humid("Rack", 0.412))
    assert {one.name: one.open for one in reading.contacts} == {
        "Front": True,
        "Back": False,
        "Dry": False,
        "Dry #2": True,
        "Floor": True,
        "Smoke 1": True,
        "Smoke 2": False,
        "Rope": False,
    }


@pytest.mark.parametrize(("unit", "shown"), [(1, 20.0), (2, 25.0), (None, None)])
def test_an_apc_environmental_monitor_and_the_unit_of_its_system(unit: int | None, shown: float | None):
    """A probe that was never found reads 0 or as its neighbour; a degree of unknown unit is not shown."""
    probe = f"{POWERNET}.10.3.13.1.1"
    reading = read(
        APC_MANAGER,
        {f"{POWERNET}.10.3.12.11.0": unit} if unit else {},
        column(f"{probe}.2", b"Rack", b"Nothing", b"Err", b"Lost"),
        column(f"{probe}.3", 20 if unit == 1 else 77, 0, 77, 77),
        column(f"{probe}.6", 36, -1, 36, 40),
        column(f"{probe}.10", 2, 1, 1, 3),
    )
    assert reading.sensors == (*([] if shown is None else [celsius("Rack", shown)]), humid("Rack", 0.36))


def test_an_apc_input_is_open_where_it_is_not_in_its_normal_state():
    contact = f"{POWERNET}.10.3.14.1.1"
    reading = read(
        APC_MANAGER,
        column(f"{contact}.2", b"Door", b"Fan", b"Lock", b"Glass"),
        column(f"{contact}.3", 1, 2, 1, 2),  # closed, open
        column(f"{contact}.4", 1, 1, 2, 2),  # normally closed, normally open
        column(f"{POWERNET}.10.3.18.1.1.3", b"Smoke", b"Water", b"Motion"),
        column(f"{POWERNET}.10.3.18.1.1.4", 1, 2, 3),
    )
    assert {one.name: one.open for one in reading.contacts} == {
        "Door": False,
        "Fan": True,
        "Lock": True,
        "Glass": False,
        "Smoke": True,
        "Water": False,
    }


def test_an_apc_environmental_manager():
    """Two tables show the same probes on one device: they are shown once."""
    sensor, contact, monitor = f"{POWERNET}.10.4.2.3.1", f"{POWERNET}.10.4.3.2.1", f"{POWERNET}.10.3.13.1.1"
    reading = read(
        APC_MANAGER,
        {f"{POWERNET}.10.4.2.1.0": 2, f"{POWERNET}.10.3.12.11.0": 2},
        column(f"{sensor}.3", b"Rack", b"Lost"),
        column(f"{sensor}.5", 77, 77),
        column(f"{sensor}.6", -1, 40),
        column(f"{sensor}.7", 2, 3),
        column(f"{monitor}.2", b"Rack"),
        column(f"{monitor}.3", 77),
        column(f"{monitor}.10", 2),
        column(f"{contact}.3", b"Smoke", b"Door", b"Disabled", b"Analog"),
        column(f"{contact}.5", 1, 2, 3, 4),
        column(f"{contact}.7", 3, 1, 1, 1),
    )
    assert reading.sensors == (celsius("Rack", 25),)
    assert reading.contacts == (Contact("Smoke", True), Contact("Door", False))


def test_the_universal_ports_of_an_apc_card():
    """-1 is a probe that does not answer, or one without humidity."""
    sensor, contact, water = (f"{POWERNET}.25.{number}.2.1" for number in (1, 2, 4))
    reading = read(
        APC_CARD,
        column(f"{sensor}.3", b"Room", b"Pulled"),
        column(f"{sensor}.6", 21, -1),
        column(f"{sensor}.7", -1, -1),
        column(f"{contact}.3", b"Door", b"Fan", b"Disabled", b"Pulled"),
        column(f"{contact}.5", 2, 1, 3, 1),
        column(f"{contact}.6", 3, 1, 1, 1),
        column(f"{contact}.7", 2, 2, 2, 3),
        column(f"{water}.3", b"Floor", b"Pulled"),
        column(f"{water}.5", 1, 3),
        column(f"{water}.7", 2, 3),
    )
    assert reading.sensors == (celsius("Room", 21),)
    assert reading.contacts == (Contact("Door", True), Contact("Fan", False), Contact("Floor", True))


def test_the_sensor_port_of_an_apc_rack_pdu():
    """In tenths, unlike all of APC's other probes; without a probe there is a row of -1."""
    sensor, contact = f"{POWERNET}.26.10.2.2.1", f"{POWERNET}.26.10.4.2.1"
    reading = read(
        APC_RACK_PDU,
        column(f"{sensor}.3", b"Rack", b""),
        column(f"{sensor}.6", 2, 1),
        column(f"{sensor}.8", 235, -1),
        column(f"{sensor}.10", 41, -1),
        column(f"{contact}.3", b"Door", b""),
        column(f"{contact}.6", 2, 1),
        column(f"{contact}.8", 2, 1),
    )
    assert reading.sensors == (celsius("Rack", 23.5), humid("Rack", 0.41))
    assert reading.contacts == (Contact("Door", True),)


def test_a_hawk_i2():
    """In edge mode a contact says whether it is armed or has been triggered."""
    inputs = "1.3.6.1.4.1.3711.24.1.1.1"
    reading = read(
        "1.3.6.1.4.1.3711.24",
        column(f"{inputs}.2.2.1.3", b"Rack", b"Rack", b"Volts"),
        column(f"{inputs}.2.2.1.6", 2, 3, 4),
        column(f"{inputs}.2.2.1.7", 274, 353, 12),
        column(f"{inputs}.3.1.1.3", b"Door", b"Water", b"Smoke", b"Glass"),
        column(f"{inputs}.3.1.1.6", 2, 1, 2, 1),  # normally closed(2), open(1)
        column(f"{inputs}.3.1.1.7", 1, 1, 3, 4),
    )
    assert reading.sensors == (celsius("Rack", 27.4), humid("Rack", 0.353))
    assert {one.name: one.open for one in reading.contacts} == {
        "Door": True,
        "Smoke": False,
        "Water": False,
        "Glass": True,
    }


def test_an_hw_group_thermometer():
    """Tenths of °F; a probe that is gone is invalid(0); a water detector stands among the thermometers."""
    sensor = "1.3.6.1.4.1.21796.4.9.3.1"
    reading = read(
        "1.3.6.1.4.1.21796.4.9",
        column(f"{sensor}.2", b"Room", b"Rack", b"Rack", b"Gone", b"Floor", b"Roof"),
        column(f"{sensor}.3", 1, 1, 5, 0, 1, 5),
        column(f"{sensor}.5", 203, 770, 412, 0, 0, 10),
        column(f"{sensor}.7", 1, 2, 4, 1, 5, 5),
    )
    assert reading.sensors == (celsius("Room", 20.3), celsius("Rack", 25), humid("Rack", 0.412))
    assert reading.contacts == (Contact("Floor", False), Contact("Roof", True))


def test_a_leak_rope_that_is_not_connected_is_no_dry_floor():
    rope = "1.3.6.1.4.1.21796.4.5.4.1"
    reading = read(
        "1.3.6.1.4.1.21796.4.1",
        column(f"{rope}.2", b"Dry", b"Wet", b"Pulled"),
        column(f"{rope}.6", 0, 1, 2),
    )
    assert reading.contacts == (Contact("Dry", False), Contact("Wet", True))
