"""A power cut in every MIB: on line, on battery, low, and back; no recording shows one, so recordings are changed."""

import asyncio

import pytest

from agent.polling import Value
from agent.ups.profile_files import profiles
from agent.ups.reader import UpsReader
from agent.ups.reading import Flag
from tests.recordings import ReplayedRecording, read_recording, recording
from tests.ups.outages import OUTAGES, Outage

SUPPLY = {Flag.ON_LINE, Flag.ON_BATTERY, Flag.ON_BATTERY_UNCONFIRMED, Flag.LOW_BATTERY}


def before(outage: Outage) -> dict[str, Value]:
    if isinstance(outage.device, str):
        return read_recording(recording(outage.device).read_text(encoding="utf-8"))
    return outage.device


@pytest.mark.parametrize("case", OUTAGES)
def test_a_power_cut_goes_from_on_line_to_battery_to_low_and_back(case: str):
    outage = OUTAGES[case]
    values = before(outage)
    device, reader = ReplayedRecording(values), UpsReader()
    seen = []
    for change in ({}, outage.battery, outage.battery | (outage.low or {}), {}):
        device.values = {**values, **change}
        asyncio.run(reader.poll(device))
        reading = asyncio.run(reader.poll(device))  # the second knows what answers only now
        seen.append(reading.flags & SUPPLY)
        if change and Flag.LOW_BATTERY in reading.flags:
            assert reading.charge_ratio == outage.charge
    started = seen[0]
    assert started <= {Flag.ON_LINE}
    low = {Flag.LOW_BATTERY} if outage.low else set()
    assert seen == [started, {Flag.ON_BATTERY}, {Flag.ON_BATTERY} | low, started]


@pytest.mark.parametrize("case", OUTAGES)
def test_the_very_first_poll_of_a_power_cut_says_so(case: str):
    outage = OUTAGES[case]
    values = before(outage)
    device, reader = ReplayedRecording(values), UpsReader()
    asyncio.run(reader.poll(device))
    device.values = {**values, **outage.battery}
    assert Flag.ON_BATTERY in asyncio.run(reader.poll(device)).flags


def test_every_profile_that_tells_of_a_battery_has_its_power_cut():
    tells = {
        profile.mib
        for profile in profiles()
        if any(Flag.ON_BATTERY in says for state in profile.states for says in state.says.values())
        or any(Flag.ON_BATTERY in alarm.says for rule in profile.alarms for alarm in rule.alarms.values())
    }
    assert tells <= OUTAGES.keys()
