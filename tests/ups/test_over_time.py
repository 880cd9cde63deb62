"""A device from poll to poll: restarted, exchanged, answering later."""

import asyncio

from agent.polling import Value
from agent.ups.reader import POLLS_BETWEEN_DISCOVERIES, UpsReader
from tests.recordings import ReplayedRecording
from tests.ups import devices
from tests.ups.devices import RFC, rfc1628


def test_a_restarted_or_exchanged_device_is_discovered_again():
    reader = UpsReader()
    device = ReplayedRecording(devices.HPE)
    assert asyncio.run(reader.poll(device)).sources["charge_ratio"] == "CPQPOWER-MIB"
    device.values = devices.RIELLO
    assert asyncio.run(reader.poll(device)).sources["charge_ratio"] == "RIELLOUPS-MIB"
    device.values = {**rfc1628(), "1.3.6.1.2.1.1.2.0": "1.3.6.1.4.1.5491.304", "1.3.6.1.2.1.1.3.0": 100}
    assert asyncio.run(reader.poll(device)).sources["charge_ratio"] == "UPS-MIB"


def test_what_begins_to_answer_later_is_found():
    reader, device = UpsReader(), ReplayedRecording(rfc1628())
    without = {oid: value for oid, value in device.values.items() if oid != f"{RFC}.2.3.0"}
    device.values, whole = without, device.values
    assert asyncio.run(reader.poll(device)).runtime_seconds is None
    device.values = whole
    polls = [asyncio.run(reader.poll(device)).runtime_seconds for _ in range(POLLS_BETWEEN_DISCOVERIES + 1)]
    assert polls[-1] == 2400


def test_the_time_on_battery_is_counted_where_the_card_does_not_or_begins_anew():
    now = 1000.0
    reader = UpsReader(clock=lambda: now)
    battery: dict[str, Value] = {"o4_1_0": 5, "o3_3_1_3_1": 0}
    counted = []
    for seconds, passed in ((7, 0), (307, 300), (4, 310), (64, 370)):
        now = 1000.0 + passed
        device = ReplayedRecording(rfc1628(**battery, o2_2_0=seconds))
        counted.append(asyncio.run(reader.poll(device)).on_battery_seconds)
    assert counted == [7, 307, 317, 377]
    device = ReplayedRecording(rfc1628())
    assert asyncio.run(reader.poll(device)).on_battery_seconds == 0
