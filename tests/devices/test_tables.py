"""Storage, sensors and printers of made-up devices, by the rules of their MIBs."""

from collections.abc import Mapping

import pytest

from agent.devices.reading import Contact, DeviceReading, Memory, Place, Quantity, Sensor, Storage, Supply
from agent.polling import Value
from tests.devices.made_up import MadeUpDevice, column

STORAGE = "1.3.6.1.2.1.25.2.3.1"
TYPES = "1.3.6.1.2.1.25.2.1"
SENSOR = "1.3.6.1.2.1.99.1.1.1"
ENTITY = "1.3.6.1.2.1.47.1.1.1.1"
SUPPLY = "1.3.6.1.2.1.43.11.1.1"
ERROR_STATE = "1.3.6.1.2.1.25.3.5.1.2"


def read(*parts: Mapping[str, Value]) -> DeviceReading:
    return MadeUpDevice(*parts).poll()


def storage(kind: int, name: str, unit: int, size: int, used: int, *, row: int = 1) -> dict[str, Value]:
    cells: dict[int, Value] = {2: f"{TYPES}.{kind}", 3: name.encode(), 4: unit, 5: size, 6: used}
    return {f"{STORAGE}.{number}.{row}": value for number, value in cells.items()}


def test_storage_counts_in_allocation_units():
    assert read(storage(4, "/", 4096, 1000, 250)).storages == (Storage("/", 250 * 4096, 1000 * 4096),)


def test_storage_beyond_2_to_the_31_units_shows_negative_and_is_mended():
    """A disk of 12 TB in units of 4 KiB has 2 929 687 500 of them: as a signed 32-bit number -1 365 279 796."""
    (disk,) = read(storage(4, "/data", 4096, 2_929_687_500 - 2**32, 2_500_000_000 - 2**32)).storages
    assert (disk.used_bytes, disk.size_bytes) == (2_500_000_000 * 4096, 2_929_687_500 * 4096)


@pytest.mark.parametrize(
    "senseless",
    [
        storage(4, "/", 0, 10, 1),
        storage(4, "/", 4096, 0, 0),
        storage(4, "/", 4096, 10, 11),
        storage(4, "/proc", 1, 9, 1),
    ],
)
def test_storage_without_sense_is_left_out(senseless: dict[str, Value]):
    assert read(senseless).storages == ()


def test_a_file_system_that_is_mounted_twice_is_shown_once_by_its_shortest_place():
    places = ("/host/reboot-cause", "/", "/etc/hosts", "/var/lib/docker/overlay2")
    mounts = [storage(4, place, 4096, 1000, 250, row=row) for row, place in enumerate(places, 1)]
    other = storage(4, "/data", 4096, 1000, 251, row=9)
    assert [one.name for one in read(*mounts, other).storages] == ["/", "/data"]


def test_an_image_that_nobody_can_write_to_is_not_a_full_disk():
    file_system = "1.3.6.1.2.1.25.3.8.1"
    rows = storage(4, "/rom", 4096, 12, 12, row=31), storage(4, "/data", 4096, 12, 12, row=32)
    access = column(f"{file_system}.7", 31, 32), column(f"{file_system}.5", 2, 1)
    assert [one.name for one in read(*rows, *access).storages] == ["/data"]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("/dev", False),
        ("/dev/pts", False),
        ("/run/user/1000", False),
        ("/sys/fs/cgroup", False),
        ("devfs: dev file system, mounted on: /dev", False),
        ("/dev/md0.uzip, mounted on: /junos", False),
        ("/dev/hd4", True),  # AIX names the volume
        ("/system", True),
        ("/runtime", True),
    ],
)
def test_pseudo_file_systems_are_known_by_their_place(name: str, *, shown: bool):
    assert bool(read(storage(4, name, 4096, 1000, 250)).storages) == shown


def test_memory_by_ucd_where_the_storage_table_has_none():
    ucd = "1.3.6.1.4.1.2021.4"
    cells: dict[str, Value] = {
        f"{ucd}.{number}.0": value for number, value in {5: 1000, 6: 200, 14: 50, 15: 300}.items()
    }
    assert read(cells).memory == Memory(0.45, 450 * 1024, 1000 * 1024)
    assert read(cells, {f"{ucd}.13.0": 100}).memory == Memory(0.55, 550 * 1024, 1000 * 1024)
    assert read(cells, storage(2, "Physical memory", 1024, 10, 5)).memory == Memory(0.5, 5120, 10240)
    assert read({f"{ucd}.5.0": 1000}).memory is None
    device = MadeUpDevice(cells)
    device.poll()
    device.between_full_polls()
    device.values[f"{ucd}.6.0"] = 100
    assert device.poll().memory == Memory(0.55, 550 * 1024, 1000 * 1024)


def test_shared_memory_is_used_though_the_cache_holds_it():
    parts = (storage(2, "Physical memory", 1024, 1000, 800), storage(1, "Cached memory", 1024, 300, 300, row=7))
    shared = storage(1, "Shared memory", 1024, 250, 250, row=8)
    assert read(*parts, shared).memory == Memory(0.75, 750 * 1024, 1000 * 1024)


def test_memory_is_without_buffers_and_cache():
    parts = (storage(2, "Physical memory", 1024, 1000, 800), storage(1, "Memory buffers", 1024, 1000, 100, row=6))
    cached = storage(1, "Cached memory", 1024, 300, 300, row=7)
    assert read(*parts, cached).memory == Memory(0.4, 400 * 1024, 1000 * 1024)


def test_the_load_is_that_of_all_processors_together():
    assert read(column("1.3.6.1.2.1.25.3.3.1.2", 10, 30, 200)).cpu_used_ratio == pytest.approx(0.2)
    assert read({"1.3.6.1.4.1.2021.11.11.0": 97}).cpu_used_ratio == pytest.approx(0.03)
    assert read().cpu_used_ratio is None


@pytest.mark.parametrize(
    ("cells", "quantity", "value"),
    [
        ((8, 9, 0, 23), Quantity.TEMPERATURE, 23.0),  # celsius, units
        ((8, 9, 1, 235), Quantity.TEMPERATURE, 23.5),
        ((8, 8, 0, 23500), Quantity.TEMPERATURE, 23.5),  # milli
        ((9, 9, 1, 455), Quantity.HUMIDITY, 0.455),  # percentRH
        ((4, 8, 0, 3318), Quantity.VOLTAGE, 3.318),  # voltsDC
        ((3, 9, 1, 2304), Quantity.VOLTAGE, 230.4),  # voltsAC
        ((5, 7, 0, 6084), Quantity.CURRENT, 0.006084),  # amperes, micro
        ((6, 10, 3, 1500), Quantity.POWER, 1500.0),  # watts, kilo with three places
        ((7, 9, 1, 499), Quantity.FREQUENCY, 49.9),  # hertz
        ((10, 9, 0, 5400), Quantity.FAN_SPEED, 5400.0),  # rpm
        ((8, 9, -3, 23), Quantity.TEMPERATURE, 23.0),  # a negative precision counts accurate digits (RFC 3433)
    ],
)
def test_a_sensor_is_scaled(cells: tuple[int, ...], quantity: Quantity, value: float):
    kind, scale, places, raw = cells
    columns = {1: kind, 2: scale, 3: places, 4: raw, 5: 1}
    row: dict[str, Value] = {f"{SENSOR}.{number}.7": content for number, content in columns.items()}
    (sensor,) = read(row, {f"{ENTITY}.7.7": b"Inlet"}).sensors
    assert (sensor.name, sensor.quantity) == ("Inlet", quantity)
    assert sensor.value == pytest.approx(value)
    assert sensor.place is (Place.ROOM if quantity is Quantity.HUMIDITY else Place.INSIDE)


@pytest.mark.parametrize(
    "cells",
    [
        {1: 8, 2: 9, 3: 0, 4: 23, 5: 2},  # unavailable
        {1: 8, 2: 9, 3: 0, 4: 23, 5: 3},  # nonoperational
        {1: 8, 2: 9, 3: 0, 4: 1_000_000_000, 5: 1},  # overflow
        {1: 8, 2: 9, 3: 0, 4: -1_000_000_000, 5: 1},  # underflow
        {1: 11, 2: 9, 3: 0, 4: 23, 5: 1},  # cubic metres a minute
        {1: 8, 2: 9, 3: 0, 4: None, 5: 1},
    ],
)
def test_a_sensor_without_a_value_is_left_out(cells: dict[int, int | None]):
    assert (
        read({f"{SENSOR}.{number}.7": content for number, content in cells.items() if content is not None}).sensors
        == ()
    )


def test_a_value_that_cannot_be_is_left_out_with_a_note():
    row = {f"{SENSOR}.{number}.7": content for number, content in {1: 8, 2: 9, 3: 0, 4: 32767, 5: 1}.items()}
    reading = read(row, {f"{ENTITY}.2.7": b"Board"})
    assert reading.sensors == ()
    assert reading.notes == ("temperature 32767 of Board cannot be",)


def test_a_sensor_of_truth_is_a_contact():
    rows = {1: (12, 12), 4: (1, 2), 5: (1, 1)}
    cells = {f"{SENSOR}.{number}.{row + 1}": pair[row] for number, pair in rows.items() for row in (0, 1)}
    assert read(cells, column(f"{ENTITY}.7", b"Door", b"Water")).contacts == (
        Contact("Door", True),
        Contact("Water", False),
    )


def test_a_printers_supplies():
    supplies = {
        **column(
            f"{SUPPLY}.6.1", b"Black Toner", b"Drum", b"Waste Toner Box", "青色墨盒".encode("gb18030"), b"Staples"
        ),
        **column(f"{SUPPLY}.7.1", 13, 19, 13, 13, 3),
        **column(f"{SUPPLY}.8.1", 2000, -2, 100, 500, -1),
        **column(f"{SUPPLY}.9.1", 500, 80, -3, -2, -1),
    }
    assert read(supplies).supplies == (
        Supply("Black Toner", 0.25),
        Supply("Drum", 0.8),  # of unknown capacity, but in percent
        Supply("Waste Toner Box", None),  # -3: some room is left
        Supply("青色墨盒", None),  # -2: unknown
        Supply("Staples", None),  # -1: without limit
    )


def test_what_hinders_a_printer():
    """0x48 0x80: noPaper(1), doorOpen(4), outputTrayMissing would be 9, inputTrayMissing(8) is."""
    alerts = {
        **column("1.3.6.1.2.1.43.18.1.1.2.1", 3, 4, 1),
        **column("1.3.6.1.2.1.43.18.1.1.7.1", 8, 1104, 507),
    }
    reading = read({f"{ERROR_STATE}.1": b"\x48\x80"}, alerts, {"1.3.6.1.2.1.43.10.2.1.4.1.1": 12345})
    assert reading.printer_alerts == ("doorOpen", "inputTrayMissing", "jam", "markerTonerAlmostEmpty", "noPaper")
    assert reading.pages == 12345


def test_a_printers_alerts_are_asked_at_every_poll():
    device = MadeUpDevice({f"{ERROR_STATE}.1": b"\x00"})
    before = device.poll()
    device.between_full_polls()
    device.values |= {
        "1.3.6.1.2.1.43.18.1.1.2.1.9": 3,
        "1.3.6.1.2.1.43.18.1.1.7.1.9": 8,
        f"{ERROR_STATE}.1": b"\x04",
    }
    after = device.poll()
    assert (before.printer_alerts, after.printer_alerts) == ((), ("jam", "jammed"))


def test_sensor_names_differ_within_their_quantity_and_beside_humidity_it_is_the_room():
    rows = {1: (8, 8, 9), 2: (9, 9, 9), 3: (0, 0, 0), 4: (20, 21, 40), 5: (1, 1, 1)}
    cells = {f"{SENSOR}.{number}.{row + 1}": three[row] for number, three in rows.items() for row in range(3)}
    assert read(cells, column(f"{ENTITY}.7", b"Probe", b"Probe", b"Probe")).sensors == (
        Sensor("Probe", Quantity.TEMPERATURE, 20.0, Place.ROOM),
        Sensor("Probe #2", Quantity.TEMPERATURE, 21.0, Place.ROOM),
        Sensor("Probe", Quantity.HUMIDITY, 0.4, Place.ROOM),
    )
