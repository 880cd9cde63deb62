"""Sensors and contacts of all sources together: named apart, and within what is possible."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from agent.devices.reading import Contact, Place, Quantity, Sensor
from agent.devices.values import unique

POSSIBLE = {
    Quantity.TEMPERATURE: (-60.0, 250.0),
    Quantity.HUMIDITY: (0.0, 1.0),
    Quantity.VOLTAGE: (-1_000.0, 1_000_000.0),
    Quantity.CURRENT: (-100_000.0, 100_000.0),
    Quantity.POWER: (-10_000_000.0, 10_000_000.0),
    Quantity.FREQUENCY: (0.0, 1e12),
    Quantity.FAN_SPEED: (0.0, 100_000.0),
}
"""What a sensor in a building can read; beyond it a device says that it has no value in a way of its own."""


@dataclass(frozen=True)
class Measured:
    """A value in base units.  ``row`` tells sensors of the same name apart."""

    name: str
    row: str
    quantity: Quantity
    value: float
    place: Place = Place.INSIDE


@dataclass(frozen=True)
class Switched:
    """A contact.  ``row`` tells contacts of the same name apart."""

    row: str
    contact: Contact


def named_sensors(found: Iterable[Measured]) -> tuple[tuple[Sensor, ...], tuple[str, ...]]:
    """Return the sensors, each name once within its quantity, and a note on each value that cannot be."""
    all_found = list(found)
    sensors, notes = [], []
    for quantity in Quantity:
        low, high = POSSIBLE[quantity]
        of_it = [one for one in all_found if one.quantity is quantity]
        for name, one in zip(unique((one.name, one.row) for one in of_it), of_it, strict=True):
            if low <= one.value <= high:
                sensors.append(Sensor(name, quantity, one.value, one.place))
            else:
                notes.append(f"{quantity} {one.value:g} of {name} cannot be")
    return tuple(sensors), tuple(notes)


def named_contacts(found: Iterable[Switched]) -> tuple[Contact, ...]:
    """Return the contacts, each name once."""
    all_found = list(found)
    names = unique((one.contact.name, one.row) for one in all_found)
    return tuple(replace(one.contact, name=name) for name, one in zip(names, all_found, strict=True))
