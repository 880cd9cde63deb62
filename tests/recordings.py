"""Recordings of real SNMP devices, found beside the checkout; where they are absent, their tests are counted skips.

A folder next to the checkout that holds ``facts/ups/snmprec`` or ``facts/devices/snmprec``, or any folder with
``*.snmprec`` files named by XINGLIN_RECORDINGS (several are separated by ``:``).
"""

import contextlib
import os
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import pytest

from agent.polling import Value

CHECKOUT = Path(__file__).parents[1]


@cache
def all_recordings() -> dict[str, Path]:
    """Return every recording that is here, by name (the file's name without ending)."""
    return {path.stem: path for folder in _folders() for path in sorted(folder.glob("*.snmprec"))}


def recording(name: str) -> Path:
    """Return a recording's file; skips the test where it is absent."""
    path = all_recordings().get(name)
    if path is None:
        pytest.skip(f"the recording {name} is not here (XINGLIN_RECORDINGS names its folder)")
    return path


def beside(name: str) -> Path:
    """Return a file that lies beside the recordings' folders, as ``expected.tsv``; skips where it is absent."""
    for folder in _folders():
        if (folder.parent / name).is_file():
            return folder.parent / name
    pytest.skip(f"{name} is not here: there are no recordings (XINGLIN_RECORDINGS names their folder)")


def read_recording(text: str) -> dict[str, Value]:
    """Return what a recording's text holds, in the order of the OIDs; NULL and what was blotted out are left out."""
    values: dict[str, Value] = {}
    for line in text.splitlines():
        if line.count("|") < 2:  # an empty line, or a remark
            continue
        oid, tag, content = line.split("|", 2)
        with contextlib.suppress(ValueError):  # "<private>" for a number
            value = _value(tag, content)
            if value is not None:
                values[oid] = value
    return {oid: values[oid] for oid in sorted(values, key=_key)}


class ReplayedRecording:
    """A stand-in for a device: answers from a recording in memory, without SNMP between."""

    def __init__(self, values: Mapping[str, Value]) -> None:
        self.values = dict(values)
        self.asked: list[str] = []

    async def get(self, oids: Sequence[str]) -> dict[str, Value]:
        self.asked += oids
        return {oid: self.values[oid] for oid in oids if oid in self.values}

    async def walk(self, root: str) -> dict[str, Value]:
        self.asked.append(root)
        return {oid: value for oid, value in self.values.items() if oid.startswith(f"{root}.")}


def _folders() -> list[Path]:
    given = os.environ.get("XINGLIN_RECORDINGS")
    if given:
        return [Path(folder) for folder in given.split(":")]
    return sorted(CHECKOUT.parent.glob("*/facts/ups/snmprec")) + sorted(CHECKOUT.parent.glob("*/facts/devices/snmprec"))


def _value(tag: str, content: str) -> Value | None:
    kind = tag.partition(":")[0]
    match kind:
        case "4x" | "64x":
            digits = content.removeprefix("0x")
            octets = bytes.fromhex(digits + "0" * (len(digits) % 2))  # some lines lack a digit; snmpsim pads so, too
            return octets if kind == "4x" else ".".join(map(str, octets))
        case "4e":
            return content.encode("latin-1").decode("unicode_escape").encode("latin-1")
        case "4" | "68":
            return content.encode()
        case "5":
            return None
        case "6" | "64":
            return content.lstrip(".")
        case _:
            return int(content)


def _key(oid: str) -> tuple[int, ...]:
    return tuple(map(int, oid.split(".")))
