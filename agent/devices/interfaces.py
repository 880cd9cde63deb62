"""Ports by IF-MIB (RFC 2863): state, speed, and counters that neither wrap nor jump."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from agent.devices.counters import Counters, Sample
from agent.devices.reading import Interface
from agent.devices.values import Cell, Values, count, text, unique, whole

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

NOISE = {24, 33, 135, 136, 142, 150, 166}
"""softwareLoopback, rs232 (console), l2vlan, l3ipvlan, ipForward, mplsTunnel, mpls"""

TUNNEL = 131
VIRTUAL = {1, 22, 53, TUNNEL}
"""other, propPointToPointSerial, propVirtual, tunnel: noise while switched off, and some by their names."""

NOISE_NAMES = re.compile(
    r"(?i)null|lo\d*$|loopback|console"
    r"|stack-port|cpu|User Defined Port|Logical-int|\d+$"  # Cisco's small switches; a VLAN is named by its number alone
    r"|(ssl|naf|l2t)\."  # FortiOS has one for each VDOM
)
SOFTWARE_NAMES = re.compile(
    r"(?i)vl(an)?(-?if|-?interface)?[ _.-]?\d+\b|\w+[ _.]vlan([ _.]\d+)?$"  # Vlanif10, Vl10, vlan100 name, DEFAULT_VLAN
    r"|(sit|tunl|ip6tnl|gre|gretap|ip6gre|erspan|ip_vti|ip6_vti)0$|dummy\d|ifb\d|ovs-system$"  # Linux, unasked
    r"|veth[0-9a-f]{6,}"  # Linux: ends of containers, with a new name at each start
    r"|(WAN|Microsoft .*) Miniport|RAS Async|Microsoft Kernel Debug|.* (Filter|Scheduler|Driver .*)-\d{4}$"  # Windows
)
"""Names of what no cable is plugged into, though its type says Ethernet."""

UP, UNKNOWN_STATE, NOT_PRESENT = 1, 4, 6
SILENT = {2, NOT_PRESENT, 7}  # down, notPresent, lowerLayerDown: nothing is counted there
NO_SPEED = 10_000_000  # what Linux agents say when they don't know; also the ceiling marks of a 32-bit gauge, below
GAUGE_CEILING = 2**32 - 1
MAX_MEGABITS = 1_600_000  # the fastest Ethernet; agents that know no speed, or count in bit/s, say more
MAX_PORTS = 400
"""A stack of seven switches of 48 ports, with its trunks."""

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
        rows = _shown(values)
        return tuple(low for high, low in OCTETS.values() if any(row not in values.column(high) for row in rows))

    def choose(self, values: Values) -> None:
        """Choose the ports that are worth showing, after the tables were walked.

        A port that is not present (a missing member of a stack, an empty slot) is shown only if it has been before:
        then somebody has pulled it out.
        """
        known = {port.row for port in self._ports}
        rows = [row for row in _shown(values) if row in known or not _absent(values, row)]
        left_out = rows[MAX_PORTS:]
        self.notes = (f"{len(left_out)} interfaces beyond {MAX_PORTS} are left out",) if left_out else ()
        rows = rows[:MAX_PORTS]
        names = unique((_name(values, row), row) for row in rows)
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


def _shown(values: Values) -> list[str]:
    """Return the rows of ports that somebody may plug a cable into, and of trunks, bridges and tunnels."""
    rows = values.column(TYPE) or values.column(OPER)
    names = {name for row in rows if (name := _name(values, row))}
    return [row for row in rows if not _is_noise(values, row) and not _is_part_of(values, row, names)]


def _is_noise(values: Values, row: str) -> bool:
    kind = whole(values.column(TYPE).get(row))
    names = [name for column in (NAME, DESCRIPTION) if (name := text(values.column(column).get(row)))]
    if kind in NOISE or any(SOFTWARE_NAMES.match(name) for name in names):
        return True
    if kind in VIRTUAL:
        return not names or any(map(NOISE_NAMES.match, names)) or _enabled(values, row) is False
    return False


def _is_part_of(values: Values, row: str, names: set[str]) -> bool:
    """Return whether the port is a VLAN of another one: eth0.100 of eth0.  (A tunnel.5 is no part of ``tunnel``.)"""
    port, _, number = _name(values, row).rpartition(".")
    return port in names and number.isdigit() and whole(values.column(TYPE).get(row)) != TUNNEL


def _absent(values: Values, row: str) -> bool:
    return whole(values.column(OPER).get(row)) == NOT_PRESENT


def _name(values: Values, row: str) -> str:
    return text(values.column(NAME).get(row)) or text(values.column(DESCRIPTION).get(row))


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
    """Return bytes a second: ifHighSpeed (Mbit/s) where it can be, else ifSpeed (bit/s) below its ceiling."""
    mega = count(values.column(HIGH_SPEED).get(row))
    if mega and mega <= MAX_MEGABITS:
        return mega * 125_000.0
    bits = count(values.column(SPEED).get(row))
    return bits / 8 if bits and bits != GAUGE_CEILING else None


def _limit(speed: float | None) -> float | None:
    """Return how many bytes a second the port can count, headers of the wire included; None where it does not know."""
    return None if speed is None or speed * 8 <= NO_SPEED else speed * 1.1
