"""Whatever a device answers, a reading stays within what a UPS can show, and nothing but PollError is raised."""

import asyncio
import math
import random

import pytest

from agent.polling import PollError, Value
from agent.ups.plausible import RUNTIME_LIMIT_SECONDS
from agent.ups.reader import UpsReader
from agent.ups.reading import UpsReading
from tests.recordings import ReplayedRecording, read_recording, recording
from tests.ups import devices

GARBAGE: tuple[Value, ...] = (
    0, -1, 1, 2, 5, 7, 14, 99, 255, 999, 9999, 65535, 655350, 2**31 - 1, 2**31, 2**32 - 1, 2**63, -(2**31), -(2**63),
    10**30, b"", b"\0", b"\xff\xfe\x00", b"1" * 64, b"UNKNOWN", b"12,5", b"-", b"1e9", b"nan", "0.0", "1.3.6.1",
    "1.3.6.1.2.1.33.1.6.3.2", "1.3.6.1.2.1.33.1.6.3.9999999999", "127.0.0.1", "\u0661\u0662".encode(), b"99/99/9999",
    b"2" * 9000, "..", "1.3.6.1.4.1.534.1.7", b"\x07\xe4\x08\t\x03(#",
)  # fmt: skip

SUBJECTS: tuple[str | dict[str, Value], ...] = (
    "abbups_abbups", "apc_smx750", "cetpower", "cyberpower", "eaton-mgeups_9pxle", "eatonups", "netagent2",
    "poweralert_2", "powerwalker", "socomec-ups", devices.HUAWEI, devices.DELTA, devices.APC_THREE_PHASE, devices.HPE,
    devices.LIEBERT_POINTS, devices.TRIPP_LITE,
)  # fmt: skip


def reasonable(reading: UpsReading) -> None:
    """Fail where a reading holds what cannot be."""
    ratios = [reading.charge_ratio, *reading.load_ratios, reading.load_ratio]
    assert all(ratio is None or 0 <= ratio <= 2 for ratio in ratios)
    assert reading.charge_ratio is None or reading.charge_ratio <= 1
    assert reading.runtime_seconds is None or 0 <= reading.runtime_seconds <= RUNTIME_LIMIT_SECONDS
    assert reading.on_battery_seconds is None or 0 <= reading.on_battery_seconds <= RUNTIME_LIMIT_SECONDS
    for lines in (reading.input_volts, reading.output_volts, reading.load_ratios):
        assert len(lines) <= 3
    assert all(volts is None or volts == 0 or 80 <= volts <= 480 for volts in reading.input_volts)
    assert all(volts is None or 80 <= volts <= 480 for volts in reading.output_volts)
    assert all(hertz is None or 40 <= hertz <= 70 for hertz in (reading.input_hertz, reading.output_hertz))
    assert reading.battery_volts is None or 1 <= reading.battery_volts <= 1000
    assert reading.battery_celsius is None or -30 <= reading.battery_celsius <= 90
    numbers = [*ratios, reading.runtime_seconds, reading.battery_volts, reading.battery_celsius]
    assert all(number is None or math.isfinite(number) for number in numbers)
    assert all(len(words) <= 100 and words.isprintable() for words in (reading.model, reading.serial, reading.firmware))


def poll_twice(device: ReplayedRecording) -> None:
    async def polls() -> None:
        reader = UpsReader()
        for _ in range(2):
            try:
                reasonable(await reader.poll(device))
            except PollError:
                continue

    asyncio.run(polls())


@pytest.mark.parametrize("subject", range(len(SUBJECTS)))
def test_garbage_in_any_object_never_becomes_nonsense(subject: int):
    name = SUBJECTS[subject]
    values = read_recording(recording(name).read_text(encoding="utf-8")) if isinstance(name, str) else dict(name)
    own = {oid: value for oid, value in values.items() if not oid.startswith("1.3.6.1.2.1.2.")}
    chance = random.Random(subject)  # noqa: S311 - the same each time
    for _ in range(40):
        changed = dict(own)
        for oid in chance.sample(sorted(own), k=max(1, len(own) // chance.choice((1, 2, 5, 20)))):
            if chance.random() < 0.1:
                del changed[oid]
            else:
                changed[oid] = chance.choice(GARBAGE)
        poll_twice(ReplayedRecording(changed))
