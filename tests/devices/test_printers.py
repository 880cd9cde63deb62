"""Printers: recorded ones read as their raw values and MIBs say, made-up ones show each rule that those taught."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from agent.devices.brother import MAINTENANCE, toner_left
from agent.devices.reading import DeviceReading, Supply
from agent.polling import Value
from tests.devices.made_up import MadeUpDevice, column
from tests.devices.recorded import read_recorded

EXPECTED: Mapping[str, Any] = tomllib.loads(Path(__file__).with_name("printers.toml").read_text(encoding="utf-8"))
SUPPLY, MARKER = "1.3.6.1.2.1.43.11.1.1", "1.3.6.1.2.1.43.10.2.1"
OBJECT_ID, DESCRIPTION, DEVICE = "1.3.6.1.2.1.1.2.0", "1.3.6.1.2.1.1.1.0", "1.3.6.1.2.1.25.3.2.1.3.1"
ERROR_STATE: dict[str, Value] = {"1.3.6.1.2.1.25.3.5.1.2.1": b"\x00"}
BROTHER: dict[str, Value] = {OBJECT_ID: "1.3.6.1.4.1.2435.2.3.9.1"}


def read(*parts: Mapping[str, Value]) -> DeviceReading:
    return MadeUpDevice(*parts).poll()


def supplies(*rows: tuple[str, int, int]) -> dict[str, Value]:
    """Return supplies of name, capacity and level."""
    return {
        **column(f"{SUPPLY}.6.1", *(name.encode() for name, _, _ in rows)),
        **column(f"{SUPPLY}.8.1", *(capacity for _, capacity, _ in rows)),
        **column(f"{SUPPLY}.9.1", *(level for _, _, level in rows)),
    }


def record(code: int, value: int, length: int = 4) -> bytes:
    """Return one record of Brother's block."""
    return bytes((code, 1, length)) + value.to_bytes(length)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_recorded_printer(name: str):
    expected, reading = EXPECTED[name], read_recorded(name)
    for field in ("vendor", "model", "software"):
        assert getattr(reading, field) == expected.get(field, getattr(reading, field))
    assert reading.pages == expected.get("pages")
    assert list(reading.printer_alerts) == expected.get("alerts", [])
    left = {one.name: "some" if one.ratio is None else round(one.ratio, 10) for one in reading.supplies}
    assert left == expected["supplies"]


@pytest.mark.parametrize(
    ("before", "after", "name"),
    [
        (
            "Black Toner, PN 006R01509;SN48178080E0",
            "Black Toner, PN 006R01509;SN5A000180E0",
            "Black Toner, PN 006R01509",
        ),
        ("Fuser, PN unknown;SNunknown", "Fuser, PN unknown;SN52100780E0", "Fuser, PN unknown"),
        ("Black Toner Cartridge S/N:CRUM-1", "Black Toner Cartridge S/N:CRUM-2", "Black Toner Cartridge"),
        ("Fuser S/N:", "Fuser, S/N 12", "Fuser"),
    ],
)
def test_a_supply_keeps_its_name_when_it_is_replaced(before: str, after: str, name: str):
    """Else each new cartridge would be another supply, and the alert about the empty one would never end."""
    assert read(supplies((before, 100, 2))).supplies == (Supply(name, 0.02),)
    assert read(supplies((after, 100, 100))).supplies == (Supply(name, 1.0),)


def test_a_level_of_nothing_is_no_empty_cartridge():
    """One toner in two rows, of which one always says 0 of an unknown capacity."""
    reading = read(supplies(("Black Toner Cartridge", -2, 0), ("Black Toner Cartridge", -2, -3)))
    assert [supply.ratio for supply in reading.supplies] == [None, None]


@pytest.mark.parametrize(("unit", "pages"), [(7, 812), (8, 812), (None, 812), (11, None), (17, None)])
def test_only_impressions_and_sheets_are_pages(unit: int | None, pages: int | None):
    """A plotter counts metres(17), another its hours(11); an older printer tells no unit."""
    counted = {**column(f"{MARKER}.4.1", 812), **column(f"{MARKER}.3.1", unit)}
    assert read(ERROR_STATE, counted).pages == pages


def test_a_brother_tells_its_toner_in_a_block_of_its_own():
    block = record(0x63, 1) + record(0x11, 312) + record(0x6F, 7700) + record(0x72, 200) + record(0x81, 80)
    printer = supplies(
        ("Black Toner Cartridge", -2, -3),
        ("Yellow Toner Cartridge", -2, -3),
        ("Cyan Toner Cartridge", -2, -3),
        ("Drum Unit", 12000, 9000),
    )
    assert read(BROTHER, printer, {f"{MAINTENANCE}.0": block}).supplies == (
        Supply("Black Toner Cartridge", 0.77),
        Supply("Yellow Toner Cartridge", 0.02),
        Supply("Cyan Toner Cartridge", None),
        Supply("Drum Unit", 0.75),
    )


def test_a_brothers_toner_is_asked_at_every_poll_and_nobody_elses():
    printer = supplies(("Black Toner Cartridge", -2, -3))
    brother, other = MadeUpDevice(BROTHER, printer), MadeUpDevice(printer)
    for device in (brother, other):
        device.values[f"{MAINTENANCE}.0"] = record(0x6F, 5000)
        device.poll()
        device.between_full_polls()
    brother.values[f"{MAINTENANCE}.0"] = record(0x6F, 1000)
    assert brother.poll().supplies == (Supply("Black Toner Cartridge", 0.1),)
    assert other.poll().supplies == (Supply("Black Toner Cartridge", None),)
    assert MAINTENANCE in brother.asked
    assert MAINTENANCE not in other.asked


@pytest.mark.parametrize(
    ("block", "left"),
    [
        (record(0x6F, 10_000), {"Black Toner": 1.0}),
        (record(0x31, 1, 1) + record(0x6F, 3, 1), {}),  # an old model: a state, no ratio
        (record(0x31, 1, 1) + record(0x6F, 2500), {"Black Toner": 0.25}),
        (record(0x6F, 10_001), {}),
        (record(0x6F, 2500)[:-1], {}),
        (record(0x70, 2500) + b"\x6f", {"Cyan Toner": 0.25}),
        (b"\xff\x00garbage", {}),
        (b"", {}),
        (None, {}),
        (7, {}),
    ],
)
def test_a_block_without_sense_says_nothing(block: Value | None, left: Mapping[str, float]):
    assert toner_left(block) == left


@pytest.mark.parametrize(
    ("object_id", "description", "device", "identity"),
    [
        ("11.2.3.9.1", "HP ETHERNET MULTI-ENVIRONMENT,SN:A", "HP LaserJet M130", ("HP", "HP LaserJet M130", "")),
        ("2435.2.3.9.1", "Brother NC-1, Firmware Ver.1.2 ,MID 3", "HL-L2350DW", ("Brother", "HL-L2350DW", "1.2")),
        ("40093.1.1", "Pantum", "Pantum BP5100DN", ("Pantum", "Pantum BP5100DN", "")),
        ("1602.4.2", "Canon LBP6670 /P", "", ("Canon", "Canon LBP6670", "")),
        ("367.1.1", "RICOH SP 3 1.04 / RICOH Scanner", "", ("Ricoh", "RICOH SP 3", "1.04")),
        ("641.2.1", "Lexmark T640 version NS.N2 kernel 2.6", "", ("Lexmark", "Lexmark T640", "NS.N2")),
        ("297.1.11.93.1", "FUJI XEROX C4471;ESS1.0", "", ("Fujifilm", "FUJI XEROX C4471", "")),
        ("18334.1.1", "KONICA MINOLTA C3110", "Generic 28C-1", ("Konica Minolta", "KONICA MINOLTA C3110", "")),
    ],
)
def test_a_printers_model_stands_where_its_maker_puts_it(
    object_id: str, description: str, device: str, identity: tuple[str, str, str]
):
    reading = read({OBJECT_ID: f"1.3.6.1.4.1.{object_id}", DESCRIPTION: description.encode(), DEVICE: device.encode()})
    assert (reading.vendor, reading.model, reading.software) == identity
