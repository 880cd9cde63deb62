"""Every recording of a UPS, replayed from memory, reads as its raw values say; no other device is taken for one."""

import asyncio
import re

import pytest

from agent.polling import PollError, Trouble
from agent.ups.reader import UpsReader
from agent.ups.reading import UpsReading
from tests.recordings import ReplayedRecording, all_recordings, read_recording, recording
from tests.ups.expectations import document, expected, facts, names, table


def replayed(name: str) -> ReplayedRecording:
    return ReplayedRecording(read_recording(recording(name).read_text(encoding="utf-8")))


def read(name: str) -> UpsReading:
    return asyncio.run(UpsReader().poll(replayed(name)))


@pytest.mark.parametrize("name", names())
def test_a_recording_reads_as_its_raw_values_say(name: str):
    assert facts(read(name)) == expected(name)


@pytest.mark.parametrize("name", names())
def test_the_next_polls_ask_only_for_what_answers_and_say_the_same(name: str):
    device, reader = replayed(name), UpsReader()
    first = asyncio.run(reader.poll(device))
    device.asked.clear()
    assert asyncio.run(reader.poll(device)) == first
    scalars = [oid for oid in device.asked if oid in device.values]
    assert len(device.asked) - len(scalars) <= 3, "sysUpTime, sysObjectID where absent, and alarm tables"
    assert len(device.asked) < 70


@pytest.mark.parametrize("name", document()["not_a_ups"])
def test_what_is_no_ups_is_an_unknown_device(name: str):
    with pytest.raises(PollError) as refusal:
        read(name)
    assert refusal.value.trouble is Trouble.UNKNOWN_DEVICE


def test_every_recording_has_an_expectation():
    known = {*names(), *document()["not_a_ups"]}
    assert not set(table()) - known
    assert all_recordings().keys() & known == set(table())


@pytest.mark.parametrize("name", names())
def test_the_recordings_own_table_agrees_or_the_difference_is_explained(name: str):
    row, ours = table()[name], facts(read(name))
    explained = set(document()[name].get("explained", {}))
    differing = set()
    if row["status"] != "?" and set(row["status"].replace("OFF?", "OFF").split()) != set(ours.flags):
        differing.add("status")
    if row["charge_pct"] and float(row["charge_pct"]) / 100 != ours.charge:
        differing.add("charge")
    if row["runtime_s"] and float(row["runtime_s"]) != ours.runtime:
        differing.add("runtime")
    if row["load_pct"] and float(row["load_pct"]) / 100 != pytest.approx(_most(ours.load)):
        differing.add("load")
    assert differing == explained


@pytest.mark.parametrize("name", names())
def test_librenms_reads_the_same_or_it_is_explained(name: str):
    row, ours = table()[name], facts(read(name))
    same = all([
        _within(row["librenms_charge"], 100 * ours.charge if ours.charge is not None else None),
        _within(row["librenms_runtime_min_values"], ours.runtime / 60 if ours.runtime is not None else None),
        _within(row["librenms_load"], 100 * load if (load := _most(ours.load)) is not None else None),
    ])  # fmt: skip
    assert same != ("librenms" in document()[name])


@pytest.mark.parametrize("name", names())
def test_nut_reads_the_same_or_it_is_explained(name: str):
    runs = re.findall(r"\w+:(.*?) c=(\S*) rt=(\S*?)s ld=([^;\s]*)", table()[name]["nut_2.8.0_snmp-ups"])
    ours = facts(read(name))
    same = all(
        set(status.split()) == set(ours.flags)
        and _equal(charge, 100, ours.charge)
        and _equal(runtime, 1, ours.runtime)
        and _equal(load, 100, _most(ours.load))
        for status, charge, runtime, load in runs
    )
    assert same != ("nut" in document()[name])


def _most(lines: tuple[float | None, ...]) -> float | None:
    return max((line for line in lines if line is not None), default=None)


def _within(values: str, ours: float | None) -> bool:
    """LibreNMS lists all its sensors of a kind, also such as the seconds on battery: ours must be among them."""
    if not values:
        return True
    return ours is not None and any(float(value) == pytest.approx(ours, rel=1e-4) for value in values.split("/"))


def _equal(value: str, times: float, ours: float | None) -> bool:
    return not value or (ours is not None and float(value) == pytest.approx(ours * times))
