"""How cards answer: numbers as text, instances missing, rows that cannot be walked, names in GBK."""

import asyncio
from collections.abc import Sequence

import pytest

from agent.polling import PollError, Trouble, Value
from agent.ups.reader import UpsReader
from agent.ups.reading import Flag
from tests.recordings import ReplayedRecording
from tests.ups import devices
from tests.ups.devices import RFC, read, rfc1628, system
from tests.ups.expectations import facts


def test_numbers_as_text_are_numbers():
    reading = read(
        rfc1628(o2_1_0=b"2", o2_4_0=b" 87 ", o2_3_0=b"31 min", o3_3_1_3_1=b"231", o4_1_0=b"3", o4_4_1_5_1="n/a")
    )
    assert (reading.charge_ratio, reading.runtime_seconds, reading.input_volts) == (0.87, 1860, (231,))
    assert reading.flags == {Flag.ON_LINE}
    assert reading.load_ratio is None


def test_scalars_without_their_instance_and_columns_with_one_too_many_are_read():
    plain = rfc1628()
    bent = {
        (oid.removesuffix(".0") if oid.startswith(f"{RFC}.2.") else f"{oid}.0" if ".1.3.1" in oid else oid): value
        for oid, value in plain.items()
    }
    assert bent != plain
    assert facts(read(bent)) == facts(read(plain))


def test_a_card_without_any_instance_is_read():
    plain = rfc1628()
    assert facts(read({oid.removesuffix(".0"): value for oid, value in plain.items()} | system(plain))) == facts(
        read(plain)
    )


def test_a_card_that_cannot_be_walked_is_asked_for_its_rows():
    class Unwalkable(ReplayedRecording):
        async def walk(self, root: str) -> dict[str, Value]:
            raise PollError(Trouble.BAD_ANSWER, f"the names below {root} do not increase")

    alarmed = rfc1628(o6_1_0=1, o6_2_1_2_1=f"{RFC}.6.3.16")
    device = Unwalkable(alarmed)
    assert facts(asyncio.run(UpsReader().poll(device))) == facts(read(alarmed))


def test_a_name_may_come_from_a_mib_that_has_nothing_else():
    named = devices.device(
        "1.3.6.1.4.1.53973.1.1.1.1", "1.3.6.1.4.1.8072.3.2.10", {"1.1.0": b"ABB", "1.2.0": b"PowerScale"}
    )
    reading = read(rfc1628() | named)
    assert (reading.manufacturer, reading.model, reading.charge_ratio) == ("ABB", "PowerScale", 1.0)


def test_chinese_names_are_read_in_both_encodings():
    assert read(rfc1628(o1_1_0="山特".encode())).manufacturer == "山特"
    assert read(rfc1628(o1_1_0="山特".encode("gb18030"))).manufacturer == "山特"


def test_a_silent_device_and_one_that_is_no_ups_are_told_apart():
    class Silent(ReplayedRecording):
        async def get(self, oids: Sequence[str]) -> dict[str, Value]:
            raise PollError(Trouble.UNREACHABLE, f"no answer to {oids[0]} within 8 s")

    with pytest.raises(PollError, match="no answer"):
        asyncio.run(UpsReader().poll(Silent({})))
    with pytest.raises(PollError) as refusal:
        read(devices.device("1.3.6.1.2.1.2", "1.3.6.1.4.1.9.1.1", {"1.0": 24}))
    assert refusal.value.trouble is Trouble.UNKNOWN_DEVICE
    assert "1.3.6.1.4.1.9.1.1" in refusal.value.detail
