"""Devices and probes as metrics."""

from agent.devices.metrics import DeviceStanding, device_families
from agent.devices.reading import (
    Contact,
    DeviceReading,
    Interface,
    Memory,
    Place,
    Quantity,
    Sensor,
    Storage,
    Supply,
)
from agent.polling import Standing, Trouble
from agent.probes.reading import ProbeReading
from agent.registry import render

FULL = DeviceReading(
    vendor="Huawei",
    model="S5735",
    name="sw-core",
    location="机房",
    software="V200",
    uptime_seconds=60.5,
    interfaces=(Interface("ge1", "uplink", True, True, 125e6, 10**13, 2, 3, 4, 5, 6), Interface("ge2", up=None)),
    cpu_used_ratio=0.25,
    memory=Memory(0.5, 50, 100),
    storages=(Storage("flash:", 1, 2),),
    sensors=(Sensor("Board", Quantity.TEMPERATURE, 41.5), Sensor("Rack", Quantity.HUMIDITY, 0.4, Place.ROOM)),
    contacts=(Contact("Door", True),),
    supplies=(Supply("Black", 0.1), Supply("Waste", None)),
    printer_alerts=("noPaper",),
    pages=7,
)
ABOUT = 'device="sw",kind="switch",location="机房",model="S5735",name="sw-core",software="V200",vendor="Huawei"'


def samples(*standings: DeviceStanding) -> set[str]:
    lines = render(device_families(standings)).decode().splitlines()
    return {line for line in lines if not line.startswith("#")}


def test_a_device_that_was_read():
    assert samples(Standing("sw", "switch", "snmp", reading=FULL, read_at=1.0, trouble=None)) == {
        'xinglin_device_up{device="sw",kind="switch",source="snmp"} 1.0',
        f"xinglin_device_info{{{ABOUT}}} 1.0",
        'xinglin_device_uptime_seconds{device="sw"} 60.5',
        'xinglin_interface_up{alias="uplink",device="sw",interface="ge1"} 1.0',
        'xinglin_interface_enabled{alias="uplink",device="sw",interface="ge1"} 1.0',
        'xinglin_interface_speed_bytes{alias="uplink",device="sw",interface="ge1"} 1.25e+08',
        'xinglin_interface_receive_bytes_total{alias="uplink",device="sw",interface="ge1"} 1e+13',
        'xinglin_interface_transmit_bytes_total{alias="uplink",device="sw",interface="ge1"} 2.0',
        'xinglin_interface_receive_errors_total{alias="uplink",device="sw",interface="ge1"} 3.0',
        'xinglin_interface_transmit_errors_total{alias="uplink",device="sw",interface="ge1"} 4.0',
        'xinglin_interface_receive_discards_total{alias="uplink",device="sw",interface="ge1"} 5.0',
        'xinglin_interface_transmit_discards_total{alias="uplink",device="sw",interface="ge1"} 6.0',
        'xinglin_device_cpu_used_ratio{device="sw"} 0.25',
        'xinglin_device_memory_used_ratio{device="sw"} 0.5',
        'xinglin_device_memory_used_bytes{device="sw"} 50.0',
        'xinglin_device_memory_size_bytes{device="sw"} 100.0',
        'xinglin_device_storage_used_bytes{device="sw",storage="flash:"} 1.0',
        'xinglin_device_storage_size_bytes{device="sw",storage="flash:"} 2.0',
        'xinglin_sensor_temperature_celsius{device="sw",place="inside",sensor="Board"} 41.5',
        'xinglin_sensor_humidity_ratio{device="sw",place="room",sensor="Rack"} 0.4',
        'xinglin_sensor_contact_open{device="sw",sensor="Door"} 1.0',
        'xinglin_printer_supply_ratio{device="sw",supply="Black"} 0.1',
        'xinglin_printer_alert{alert="noPaper",device="sw"} 1.0',
        'xinglin_printer_pages_total{device="sw"} 7.0',
    }


def test_a_device_that_cannot_be_reached_has_no_values():
    silent: Standing[DeviceReading] = Standing(
        "sw", "switch", "snmp", trouble=Trouble.UNREACHABLE, detail="no answer", failing_since=1700000000.0
    )
    labels = 'device="sw",kind="switch",source="snmp"'
    assert samples(silent) == {
        f"xinglin_device_up{{{labels}}} 0.0",
        'xinglin_device_trouble{code="unreachable",device="sw",kind="switch",source="snmp"} 1.0',
        f"xinglin_device_failing_since_timestamp_seconds{{{labels}}} 1.7e+09",
    }


def test_a_device_that_nobody_has_asked_yet_is_neither_up_nor_down():
    assert samples(Standing[DeviceReading]("sw", "switch", "snmp")) == {
        'xinglin_device_trouble{code="not_started",device="sw",kind="switch",source="snmp"} 1.0'
    }


def test_a_probe():
    assert samples(Standing("cam", "camera", "probe", reading=ProbeReading("icmp", 0.002), trouble=None)) == {
        'xinglin_device_up{device="cam",kind="camera",source="probe"} 1.0',
        'xinglin_probe_duration_seconds{device="cam",method="icmp"} 0.002',
    }


def test_no_family_comes_twice():
    names = [family.name for family in device_families([])]
    assert len(set(names)) == len(names)
