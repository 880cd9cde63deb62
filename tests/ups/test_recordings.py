"""Every recording of a UPS, replayed from memory, reads as its raw values say; no other device is taken for one."""

import asyncio
import re

import pytest

from agent.polling import PollError, Trouble
from agent.ups.reader import SYS_OBJECT_ID, UpsReader
from agent.ups.reading import UpsReading
from tests.recordings import ReplayedRecording, all_recordings, read_recording, recording
from tests.ups.expectations import compared, differing, document, expected, facts, names, refused, table
from tests.ups.test_garbage import reasonable


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


@pytest.mark.parametrize("name", refused())
def test_what_is_no_ups_or_gives_nothing_is_an_unknown_device_and_called_by_its_object_id(name: str):
    with pytest.raises(PollError) as refusal:
        read(name)
    assert refusal.value.trouble is Trouble.UNKNOWN_DEVICE
    assert str(replayed(name).values.get(SYS_OBJECT_ID, "none")) in refusal.value.detail


@pytest.mark.parametrize("name", compared())
def test_the_recordings_own_table_agrees_or_the_difference_is_explained(name: str):
    assert differing(table()[name], facts(read(name))) == set(document()[name].get("explained", {}))


def test_what_only_the_table_knows_reads_as_its_row_says():
    """Recordings may come with rows that nobody compared yet: nothing but the reading itself is judged by them."""
    rows = {name: row for name, row in table().items() if name not in {*compared(), *refused()}}
    readings = {name: _read_if_a_ups(name) for name in rows.keys() & all_recordings().keys()}
    if not readings:
        pytest.skip("every row of the table was compared")
    empty = facts(UpsReading())
    wrong = {name: differing(rows[name], facts(read) if read else empty) for name, read in readings.items()}
    assert not {name: found for name, found in wrong.items() if found}


def test_no_recording_at_all_reads_as_nonsense():
    found = all_recordings()
    if not found:
        pytest.skip("there are no recordings (XINGLIN_RECORDINGS names their folder)")
    for name in found:
        reading = _read_if_a_ups(name)
        if reading:
            reasonable(reading)


def _read_if_a_ups(name: str) -> UpsReading | None:
    try:
        return read(name)
    except PollError as refusal:
        if refusal.trouble is not Trouble.UNKNOWN_DEVICE:
            raise
        return None


@pytest.mark.parametrize("name", compared())
def test_librenms_reads_the_same_or_it_is_explained(name: str):
    row, ours = table()[name], facts(read(name))
    same = all([
        _within(row["librenms_charge"], 100 * ours.charge if ours.charge is not None else None),
        _within(row["librenms_runtime_min_values"], ours.runtime / 60 if ours.runtime is not None else None),
        _within(row["librenms_load"], 100 * load if (load := _most(ours.load)) is not None else None),
    ])  # fmt: skip
    assert same != ("librenms" in document()[name])


@pytest.mark.parametrize("name", compared())
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
