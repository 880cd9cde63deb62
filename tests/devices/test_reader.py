"""The reader's manners: economy, restarts, devices that change, lie, garble or fall silent."""

import asyncio
import random
from itertools import pairwise

import pytest

from agent.devices.reader import FULL_EVERY, DeviceReader
from agent.polling import PollError, Trouble, Value
from tests.devices.made_up import IF, SYSTEM, MadeUpDevice, column, port
from tests.recordings import ReplayedRecording, all_recordings, read_recording


def test_every_tenth_poll_is_a_full_one():
    device = MadeUpDevice(port())
    full = []
    for poll in range(3 * FULL_EVERY + 5):
        device.poll()
        if f"{IF}.3" in device.asked:
            full.append(poll)
    assert full[0] == 0
    assert full[1] <= FULL_EVERY
    assert {after - before for before, after in pairwise(full[1:])} == {FULL_EVERY}


def test_devices_that_start_together_do_not_all_ask_everything_together():
    seconds = set()
    for ticks in range(FULL_EVERY):
        device = MadeUpDevice({"1.3.6.1.2.1.1.3.0": ticks})
        device.poll(0)
        seconds.add(device.reader._until_full)
    assert seconds == set(range(FULL_EVERY))


def test_another_device_at_the_address_is_asked_who_it_is():
    device = MadeUpDevice(port(octets=(10**12, 0)))
    device.poll()
    device.between_full_polls()
    device.values |= {"1.3.6.1.2.1.1.2.0": "1.3.6.1.4.1.2011.2.23.95", "1.3.6.1.2.1.1.1.0": b"S5328C-EI"}
    device.values |= port(octets=(50, 0))
    reading = device.poll()
    assert (reading.vendor, reading.model) == ("Huawei", "S5328C-EI")
    assert reading.interfaces[0].receive_bytes == 50  # a counter of its own


def test_an_unknown_device_is_read_by_the_standard_mibs():
    reading = MadeUpDevice(port()).poll()
    assert (reading.vendor, reading.model, len(reading.interfaces)) == ("", "A made-up device", 1)


def test_a_device_without_a_system_group_is_unknown():
    device = MadeUpDevice()
    device.values.clear()
    with pytest.raises(PollError) as caught:
        device.poll()
    assert caught.value.trouble is Trouble.UNKNOWN_DEVICE


def test_a_camera_without_a_system_group_is_known_by_its_vendors_objects():
    device = MadeUpDevice()
    device.values = {
        "1.3.6.1.4.1.39165.1.1.0": b"DS-2CD2185FWD-I",
        "1.3.6.1.4.1.39165.1.7.0": b"15 PERCENT",
        "1.3.6.1.4.1.39165.1.11.0": b"83 PERCENT",
    }
    reading = device.poll()
    assert (reading.vendor, reading.model, reading.cpu_used_ratio) == ("Hikvision", "DS-2CD2185FWD-I", 0.15)
    device.between_full_polls()
    device.values["1.3.6.1.4.1.39165.1.7.0"] = b"16 PERCENT"
    assert device.poll().cpu_used_ratio == 0.16
    assert "1.3.6.1.4.1.39165.1.1.0" not in device.asked


@pytest.mark.parametrize("trouble", [Trouble.UNREACHABLE, Trouble.WRONG_CREDENTIALS, Trouble.TOO_SLOW])
def test_a_device_that_cannot_be_asked_gives_no_reading(trouble: Trouble):
    device = MadeUpDevice(port())
    device.poll()
    device.between_full_polls()
    device.fail = lambda _oid: PollError(trouble, "in the library's words")
    with pytest.raises(PollError) as caught:
        device.poll()
    assert caught.value.trouble is trouble
    device.fail = lambda _oid: None
    assert len(device.poll().interfaces) == 1


def test_a_garbled_table_is_left_out_with_a_note_and_the_rest_is_read():
    device = MadeUpDevice(port(), column("1.3.6.1.2.1.25.3.3.1.2", 10))
    device.fail = lambda oid: PollError(Trouble.BAD_ANSWER, "ends early") if oid == f"{IF}.14" else None
    reading = device.poll()
    assert reading.notes == (f"{IF}.14 is left out: ends early",)
    assert (len(reading.interfaces), reading.cpu_used_ratio) == (1, 0.1)
    device.fail = lambda _oid: None
    device.reader._until_full = 0
    assert device.poll().notes == ()


def test_a_value_that_is_gone_is_not_shown_any_longer():
    device = MadeUpDevice(column("1.3.6.1.2.1.25.3.3.1.2", 10))
    assert device.poll().cpu_used_ratio == 0.1
    device.between_full_polls()
    del device.values["1.3.6.1.2.1.25.3.3.1.2.1"]
    assert device.poll().cpu_used_ratio is None


def test_a_jump_of_our_own_clock_changes_nothing():
    device = MadeUpDevice(port(octets=(1000, 0)))
    device.poll()
    device.values |= port(octets=(2000, 0))
    assert device.only_port(after_seconds=0).receive_bytes == 2000


def test_texts_are_utf_8_else_gb_18030_else_latin_1():
    for octets, expected in (
        ("手术室".encode(), "手术室"),
        ("手术室".encode("gb18030"), "手术室"),
        (b"caf\xe9", "café"),
        (b"two\r\nlines\x00", "two lines"),
    ):
        assert MadeUpDevice({"1.3.6.1.2.1.1.6.0": octets}).poll().location == expected


def test_a_device_that_says_too_much_fills_neither_the_page_nor_the_next_request():
    rows, octets = 500, b"x" * 5000
    tables: dict[str, Value] = {
        "1.3.6.1.2.1.2.2.1.3": 6,
        "1.3.6.1.2.1.31.1.1.1.18": octets,
        "1.3.6.1.2.1.99.1.1.1.1": 8,
        "1.3.6.1.2.1.99.1.1.1.4": 20,
        "1.3.6.1.2.1.25.2.3.1.2": "1.3.6.1.2.1.25.2.1.4",
        "1.3.6.1.2.1.25.2.3.1.4": 1,
        "1.3.6.1.2.1.25.2.3.1.5": 2,
        "1.3.6.1.2.1.25.2.3.1.6": 1,
        "1.3.6.1.2.1.43.11.1.1.9": 1,
        "1.3.6.1.2.1.43.18.1.1.7": 8,
        "1.3.6.1.2.1.43.18.1.1.2": 3,
    }
    huge: dict[str, Value] = {f"{root}.{row}": value for root, value in tables.items() for row in range(rows)}
    huge |= {f"1.3.6.1.2.1.25.2.3.1.5.{row}": 2 + row for row in range(rows)}
    device = MadeUpDevice(huge)
    reading = device.poll()
    assert len(reading.interfaces) == 400
    for things in (reading.sensors, reading.storages, reading.supplies):
        assert len(things) == 128
    assert max(len(interface.alias) for interface in reading.interfaces) == 255
    device.between_full_polls()
    device.poll()
    assert len(device.asked) < 2000


NONSENSE: tuple[Value, ...] = (
    b"",
    b"\x00\xff\xfe",
    b"N/A",
    b"9" * 400,
    "1.3.6.1.4.1",
    "",
    -1,
    0,
    2**31 - 1,
    -(2**31),
    2**64 - 1,
    2**70,
)


def test_nonsense_in_any_place_makes_no_reader_stumble():
    """Each recorded device (else a made-up one) with one value in five replaced, over several polls."""
    randomness = random.Random(2026)  # noqa: S311 - the same every time
    recordings = [read_recording(path.read_text(encoding="utf-8")) for path in all_recordings().values()]
    for values in recordings or [{**SYSTEM, **port()}]:
        if len(values) > 5000:
            continue
        seconds = iter(range(1000))
        reader = DeviceReader(now=lambda seconds=seconds: next(seconds))  # type: ignore[misc]
        for _ in range(3):
            spoiled = {oid: randomness.choice(NONSENSE) if randomness.random() < 0.2 else values[oid] for oid in values}
            spoiled["1.3.6.1.2.1.1.1.0"] = b"is there"
            asyncio.run(reader.poll(ReplayedRecording(spoiled)))
