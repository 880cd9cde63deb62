"""The expected readings beside the recordings: ours from expected.toml, the recordings' own from expected.tsv."""

import csv
import tomllib
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from agent.ups.reading import UpsReading
from tests.recordings import beside


@dataclass(frozen=True)
class Facts:
    """What of a reading is held against an expectation; flags as sorted words."""

    flags: tuple[str, ...]
    charge: float | None
    runtime: float | None
    load: tuple[float | None, ...]
    input_volts: tuple[float | None, ...]
    input_hertz: float | None
    output_volts: tuple[float | None, ...]
    output_hertz: float | None
    battery_volts: float | None
    battery_celsius: float | None
    battery_replaced: date | None
    test: str | None
    alarms: tuple[str, ...]


NOTHING = Facts((), None, None, (), (), None, (), None, None, None, None, None, ())
"""Of a UPS that tells nothing."""


@cache
def document() -> dict[str, Any]:
    """Return expected.toml."""
    return tomllib.loads(Path(__file__).with_name("expected.toml").read_text(encoding="utf-8"))


def names() -> list[str]:
    """Return the recordings of UPSes that tell something."""
    return [name for name in document() if name not in {"without_row", "only_a_name", "not_a_ups"}]


def compared() -> list[str]:
    """Return those whose row in the recordings' own table was compared: the differences from it are explained."""
    return [name for name in names() if name not in document()["without_row"]]


def refused() -> list[str]:
    """Return the recordings in which no UPS is to be found."""
    return [*document()["only_a_name"], *document()["not_a_ups"]]


def expected(name: str) -> Facts:
    """Return what the recording ``name`` says."""
    entry = document()[name]
    return Facts(
        flags=tuple(sorted(entry["flags"].split())),
        charge=entry.get("charge"),
        runtime=entry.get("runtime"),
        load=tuple(entry.get("load", ())),
        input_volts=tuple(entry.get("in", ())),
        input_hertz=entry.get("in_hertz"),
        output_volts=tuple(entry.get("out", ())),
        output_hertz=entry.get("out_hertz"),
        battery_volts=entry.get("battery"),
        battery_celsius=entry.get("celsius"),
        battery_replaced=entry.get("battery_replaced"),
        test=entry.get("test"),
        alarms=tuple(entry.get("alarms", ())),
    )


def facts(reading: UpsReading) -> Facts:
    """Return a reading in the form of an expectation."""
    return Facts(
        flags=tuple(sorted(reading.flags)),
        charge=reading.charge_ratio,
        runtime=reading.runtime_seconds,
        load=reading.load_ratios,
        input_volts=reading.input_volts,
        input_hertz=reading.input_hertz,
        output_volts=reading.output_volts,
        output_hertz=reading.output_hertz,
        battery_volts=reading.battery_volts,
        battery_celsius=reading.battery_celsius,
        battery_replaced=reading.battery_replaced,
        test=reading.test,
        alarms=reading.alarms,
    )


def table() -> dict[str, dict[str, str]]:
    """Return the recordings' own expected.tsv by name; skips where it is absent."""
    with beside("expected.tsv").open(encoding="utf-8") as file:
        return {row["file"]: row for row in csv.DictReader(file, delimiter="\t")}


def differing(row: dict[str, str], ours: Facts) -> set[str]:
    """Return what of a reading is not as its row says; what a row leaves out, it says nothing of."""
    said = {
        "charge": (row["charge_pct"], 100, ours.charge),
        "runtime": (row["runtime_s"], 1, ours.runtime),
        "load": (row["load_pct"], 100, max((line for line in ours.load if line is not None), default=None)),
    }
    found = {
        name
        for name, (value, times, read) in said.items()
        if value and (read is None or float(value) != pytest.approx(read * times))
    }
    if row["status"] != "?" and set(row["status"].replace("OFF?", "OFF").split()) != set(ours.flags):
        found.add("status")
    return found
