"""A made-up device: answers from values in memory, which a test changes between polls."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from agent.devices.reader import DeviceReader
from agent.devices.reading import DeviceReading, Interface
from agent.polling import PollError, Value

SYSTEM: dict[str, Value] = {
    "1.3.6.1.2.1.1.1.0": b"A made-up device",
    "1.3.6.1.2.1.1.2.0": "1.3.6.1.4.1.99999.1",
    "1.3.6.1.2.1.1.3.0": 100_000,
    "1.3.6.1.2.1.1.5.0": b"made-up",
}
IF = "1.3.6.1.2.1.2.2.1"
IFX = "1.3.6.1.2.1.31.1.1.1"


def column(root: str, *values: Value | None) -> dict[str, Value]:
    """Return a column's rows 1, 2, ...; None leaves a row out."""
    return {f"{root}.{row}": value for row, value in enumerate(values, 1) if value is not None}


def port(
    row: int = 1, name: str = "ge1", octets: tuple[int, int] = (0, 0), *, bits: int = 64, **extra: int
) -> dict[str, Value]:
    """Return one interface of 1 Gbit/s that is up."""
    received, sent = (f"{IFX}.6", f"{IFX}.10") if bits == 64 else (f"{IF}.10", f"{IF}.16")
    values: dict[str, Value] = {
        f"{IF}.2.{row}": name.encode(),
        f"{IF}.3.{row}": extra.get("kind", 6),
        f"{IF}.5.{row}": 1_000_000_000,
        f"{IF}.7.{row}": extra.get("admin", 1),
        f"{IF}.8.{row}": extra.get("oper", 1),
        f"{received}.{row}": octets[0],
        f"{sent}.{row}": octets[1],
    }
    if bits == 64:
        values |= {f"{IFX}.1.{row}": name.encode(), f"{IFX}.15.{row}": 1000, f"{IFX}.19.{row}": 0}
    return values


class MadeUpDevice:
    """A stand-in for a device and its reader, with a clock of its own."""

    def __init__(self, *parts: Mapping[str, Value]) -> None:
        self.values = dict(SYSTEM)
        for part in parts:
            self.values |= part
        self.seconds = 1000.0
        self.reader = DeviceReader(now=lambda: self.seconds)
        self.asked: list[str] = []
        self.fail: Callable[[str], PollError | None] = lambda _oid: None

    async def get(self, oids: Sequence[str]) -> dict[str, Value]:
        """Answer a GET."""
        self._ask(oids)
        return {oid: self.values[oid] for oid in oids if oid in self.values}

    async def walk(self, root: str) -> dict[str, Value]:
        """Answer a walk."""
        self._ask([root])
        found = (oid for oid in self.values if oid.startswith(f"{root}."))
        return {oid: self.values[oid] for oid in sorted(found, key=lambda oid: [int(part) for part in oid.split(".")])}

    def _ask(self, oids: Sequence[str]) -> None:
        self.asked += oids
        for oid in oids:
            if (failure := self.fail(oid)) is not None:
                raise failure

    def poll(self, after_seconds: float = 30.0) -> DeviceReading:
        """Let time pass (the device's uptime, too) and poll."""
        self.seconds += after_seconds
        uptime = self.values.get("1.3.6.1.2.1.1.3.0")
        if isinstance(uptime, int):
            self.values["1.3.6.1.2.1.1.3.0"] = (uptime + round(after_seconds * 100)) % 2**32
        self.asked.clear()
        return asyncio.run(self.reader.poll(self))

    def only_port(self, after_seconds: float = 30.0) -> Interface:
        """Poll and return the one interface."""
        (interface,) = self.poll(after_seconds).interfaces
        return interface

    def between_full_polls(self) -> None:
        """Let the next poll be one that asks only for what moves."""
        self.reader._until_full = 5

    def restart(self, seconds_ago: float = 5.0) -> None:
        """Let the device's clock say that it has just started."""
        self.values["1.3.6.1.2.1.1.3.0"] = round(seconds_ago * 100)
