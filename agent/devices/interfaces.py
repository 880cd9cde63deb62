"""Ports by IF-MIB (RFC 2863): state, speed, and counters that neither wrap nor jump."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from agent.devices.counters import Counters, Sample
from agent.devices.reading import Interface
from agent.devices.values import MAX_ROWS, Cell, Values, count, text, unique, whole

IF = "1.3.6.1.2.1.2.2.1"
IFX = "1.3.6.1.2.1.31.1.1.1"
DESCRIPTION, TYPE, SPEED, ADMIN, OPER = (f"{IF}.{column}" for column in (2, 3, 5, 7, 8))
NAME, HIGH_SPEED, ALIAS, DISCONTINUITY = (f"{IFX}.{column}" for column in (1, 15, 18, 19))
OCTETS = {"receive_bytes": (f"{IFX}.6", f"{IF}.10"), "transmit_bytes": (f"{IFX}.10", f"{IF}.16")}
"""Field → (64-bit column, 32-bit column).  Devices of SNMPv1 and the cheapest of v2c have only the second."""

PACKETS = {
    "receive_errors": f"{IF}.14",
    "transmit_errors": f"{IF}.20",
    "receive_discards": f"{IF}.13",
    "transmit_discards": f"{IF}.19",
}

NOISE = {24, 33, 135, 142, 150, 166}  # softwareLoopback, rs232 (console), l2vlan, ipForward, mplsTunnel, mpls
VIRTUAL = {1, 53, 131}  # other, propVirtual, tunnel: noise while switched off, and some by their names
NOISE_NAMES = re.compile(r"(?i)null|lo\d*$|loopback|console")
UP, UNKNOWN_STATE = 1, 4
SILENT = {2, 6, 7}  # down, notPresent, lowerLayerDown: nothing is counted there
NO_SPEED = 10_000_000  # what Linux agents say when they don't know; also the ceiling marks of a 32-bit gauge, below
GAUGE_CEILING = 2**32 - 1
SMALLEST_PACKET_BYTES = 64


@dataclass(frozen=True)
class _Port:
    row: str
    name: str
    alias: str
    wide: bool  # counts bytes in 64 bits; decided at full polls, so that a value that is missing once mixes nothing


class Interfaces:
    """The ports of one device, with the counters' state between polls."""

    tables: Sequence[Sequence[str]] = (
        (
            TYPE,
            DESCRIPTION,
            ADMIN,
            OPER,
            SPEED,
            *PACKETS.values(),
            NAME,
            HIGH_SPEED,
            ALIAS,
            DISCONTINUITY,
            *(high for high, _ in OCTETS.values()),
        ),
    )

    def __init__(self) -> None:
        self.notes: tuple[str, ...] = ()
        self._ports: tuple[_Port, ...] = ()
        self._counters = Counters()
        self._discontinuities: dict[str, int] = {}

    def missing(self, values: Values) -> tuple[str, ...]:
        """Return the 32-bit columns that must be walked because a port lacks the 64-bit ones.

        RFC 2863 (3.1.6) asks for 64 bits from 20 Mbit/s on only; cheap devices have none at all.
        """
        rows = [row for row in values.column(TYPE) if _shown(values, row)]
        return tuple(low for high, low in OCTETS.values() if any(row not in values.column(high) for row in rows))

    def choose(self, values: Values) -> None:
        """Choose the ports that are worth showing, after the tables were walked."""
        rows = [row for row in values.column(TYPE) or values.column(OPER) if _shown(values, row)]
        left_out = rows[MAX_ROWS:]
        self.notes = (f"{len(left_out)} interfaces beyond {MAX_ROWS} are left out",) if left_out else ()
        rows = rows[:MAX_ROWS]
        names = unique(
            (text(values.column(NAME).get(row)) or text(values.column(DESCRIPTION).get(row)), row) for row in rows
        )
        self._ports = tuple(
            _Port(row, name, _alias(values, row, name), _wide(values, row))
            for row, name in zip(rows, names, strict=True)
        )
        kept = {(port.name, field, port.wide) for port in self._ports for field in OCTETS}
        self._counters.forget(kept | {(name, field) for name in names for field in PACKETS})
        self._discontinuities = {name: at for name, at in self._discontinuities.items() if name in names}

    def current(self, values: Values) -> Iterable[Cell]:
        """Return what to ask at every poll: each port's state, and the bytes of ports that were not down."""
        for port in self._ports:
            yield Cell(OPER, port.row)
            if whole(values.column(OPER).get(port.row)) not in SILENT:
                for high, low in OCTETS.values():
                    yield Cell(high if port.wide else low, port.row)

    def read(self, values: Values, now: float, *, restarted: bool) -> tuple[Interface, ...]:
        """Return the ports.  ``restarted``: the device's uptime has gone back since the last poll."""
        return tuple(self._interface(values, port, now, restarted=restarted) for port in self._ports)

    def _interface(self, values: Values, port: _Port, now: float, *, restarted: bool) -> Interface:
        speed = _speed_bytes(values, port.row)
        again = self._discontinuous(values, port) or restarted
        octets = {}
        for field, (high, low) in OCTETS.items():
            raw = count(values.column(high if port.wide else low).get(port.row))
            bits = 64 if port.wide else 32
            sample = None if raw is None else Sample(raw, bits, _limit(speed), again, from_zero=not port.wide)
            key = (port.name, field, port.wide)
            octets[field] = None if sample is None else self._counters.total(key, sample, now)
        packets = {}
        for field, column in PACKETS.items():
            raw = count(values.column(column).get(port.row))
            rate = None if speed is None else speed / SMALLEST_PACKET_BYTES
            sample = None if raw is None else Sample(raw, 32, rate, again)
            packets[field] = None if sample is None else self._counters.total((port.name, field), sample, now)
        enabled = _enabled(values, port.row)
        return Interface(
            name=port.name,
            alias=port.alias,
            enabled=enabled,
            up=_up(whole(values.column(OPER).get(port.row)), enabled=enabled),
            speed_bytes=speed,
            **octets,
            **packets,
        )

    def _discontinuous(self, values: Values, port: _Port) -> bool:
        """Return whether ifCounterDiscontinuityTime has changed since this port was last read."""
        ticks = whole(values.column(DISCONTINUITY).get(port.row))
        if ticks is None:
            return False
        before = self._discontinuities.get(port.name)
        self._discontinuities[port.name] = ticks
        return before is not None and before != ticks


def _shown(values: Values, row: str) -> bool:
    kind = whole(values.column(TYPE).get(row))
    if kind in NOISE:
        return False
    names = [name for column in (NAME, DESCRIPTION) if (name := text(values.column(column).get(row)))]
    if kind in VIRTUAL:
        noise = not names or any(NOISE_NAMES.match(name) for name in names)
        return not noise and _enabled(values, row) is not False
    return True


def _wide(values: Values, row: str) -> bool:
    return all(row in values.column(high) for high, _ in OCTETS.values())


def _alias(values: Values, row: str, name: str) -> str:
    """Return what the administrator calls the port; Comware repeats the port's name there, which says nothing."""
    alias = text(values.column(ALIAS).get(row))
    return "" if alias in {name, f"{name} Interface"} else alias


def _enabled(values: Values, row: str) -> bool | None:
    admin = whole(values.column(ADMIN).get(row))
    return None if admin is None else admin == UP


def _up(oper: int | None, *, enabled: bool | None) -> bool | None:
    if enabled is False:
        return False
    return None if oper is None or oper == UNKNOWN_STATE else oper == UP


def _speed_bytes(values: Values, row: str) -> float | None:
    """Return bytes a second: ifHighSpeed (Mbit/s), else ifSpeed (bit/s) where it is below its ceiling."""
    mega = count(values.column(HIGH_SPEED).get(row))
    if mega:
        return mega * 125_000.0
    bits = count(values.column(SPEED).get(row))
    return bits / 8 if bits and bits != GAUGE_CEILING else None


def _limit(speed: float | None) -> float | None:
    """Return how many bytes a second the port can count, headers of the wire included; None where it does not know."""
    return None if speed is None or speed * 8 <= NO_SPEED else speed * 1.1
