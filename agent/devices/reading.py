"""A device's state in base units.  ``None`` and an empty tuple mean "not known", never zero."""

from dataclasses import dataclass
from enum import StrEnum


class Quantity(StrEnum):
    """What a sensor measures."""

    TEMPERATURE = "temperature"  # °C
    HUMIDITY = "humidity"  # ratio, 0 to 1
    VOLTAGE = "voltage"  # V
    CURRENT = "current"  # A
    POWER = "power"  # W
    FREQUENCY = "frequency"  # Hz
    FAN_SPEED = "fan_speed"  # revolutions a minute


class Place(StrEnum):
    """Where a sensor is: 40 °C are nothing to a switch's board, and a fire in a room."""

    ROOM = "room"
    INSIDE = "inside"  # of the device


@dataclass(frozen=True)
class Interface:
    """A port.  The counters only grow, except that a restart of the device starts them again.

    Bytes come from 64-bit counters (then they are the device's own count), else from 32-bit ones (then they count
    from this agent's first poll, with wraps added).
    """

    name: str
    alias: str = ""
    enabled: bool | None = None  # what the administrator wants
    up: bool | None = None  # enabled, and passing packets
    speed_bytes: float | None = None  # a second
    receive_bytes: int | None = None
    transmit_bytes: int | None = None
    receive_errors: int | None = None
    transmit_errors: int | None = None
    receive_discards: int | None = None
    transmit_discards: int | None = None


@dataclass(frozen=True)
class Memory:
    """Main memory.  Many devices tell only the ratio."""

    used_ratio: float
    used_bytes: int | None = None
    size_bytes: int | None = None


@dataclass(frozen=True)
class Storage:
    """A file system, a flash memory."""

    name: str
    used_bytes: int
    size_bytes: int


@dataclass(frozen=True)
class Sensor:
    """One measured value, in the unit of its quantity."""

    name: str
    quantity: Quantity
    value: float
    place: Place = Place.INSIDE


@dataclass(frozen=True)
class Contact:
    """A door, a water detector, a dry contact.

    ``open`` means: the door is open, water is there, the contact is not in its normal state where the device knows
    the normal one, else simply open.
    """

    name: str
    open: bool


@dataclass(frozen=True)
class Supply:
    """Toner, ink, a drum, a waste box: what is left of it (of a waste box: the room that is left)."""

    name: str
    ratio: float | None  # None: the printer says only that some is left, or nothing


@dataclass(frozen=True)
class DeviceReading:
    """One reading.  Names are unique within each tuple (sensors: within their quantity)."""

    vendor: str = ""
    model: str = ""
    name: str = ""  # sysName
    location: str = ""  # sysLocation
    software: str = ""
    object_id: str = ""  # sysObjectID
    uptime_seconds: float | None = None
    interfaces: tuple[Interface, ...] = ()
    cpu_used_ratio: float | None = None  # of all processors together; of the busiest board, where there are boards
    memory: Memory | None = None
    storages: tuple[Storage, ...] = ()
    sensors: tuple[Sensor, ...] = ()
    contacts: tuple[Contact, ...] = ()
    supplies: tuple[Supply, ...] = ()
    printer_alerts: tuple[str, ...] = ()  # the MIB's own words: noPaper, doorOpen, markerTonerEmpty
    pages: int | None = None  # printed in the printer's life
    notes: tuple[str, ...] = ()  # what was corrected or left out, and why
