"""Vendors' own tables as data: one TOML file a vendor or device in agent/snmp/profiles/devices.

A new brand is a new file: the code knows none.  OIDs are relative to the file's ``root`` unless they begin with
``1.3.6.``; one that ends in ``.0`` is a scalar, any other a column.  A value is shown where all of ``when`` hold.
``variants`` stand for several files that differ in a few fields: a variant's fields take the place of the file's.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from agent.devices.reading import Place, Quantity
from agent.devices.values import Cell, scalar

PACKAGE = "agent.snmp.profiles.devices"
ABSOLUTE = "1.3.6."


class ProfileError(Exception):
    """A profile file is wrong.  The message names the file, the place in it and what is wrong."""


@dataclass(frozen=True)
class Condition:
    """A row counts where ``column`` has one of ``values``, or none of ``excluded``."""

    column: str
    values: frozenset[int] = frozenset()
    excluded: frozenset[int] = frozenset()


@dataclass(frozen=True)
class RatioRule:
    """Where a processor's or memory's use in percent stands, or used or free beside the size (in ``unit`` bytes)."""

    percent: str = ""
    used: str = ""
    free: str = ""
    size: str = ""
    unit: int = 1


@dataclass(frozen=True)
class SensorRule:
    """Where values of one quantity stand.  ``fallback``: only where no earlier rule has found this quantity."""

    quantity: Quantity
    value: str
    name: str = ""  # a column
    label: str = ""  # or the name itself
    scale: float = 1.0  # into the quantity's unit
    offset: float = 0.0  # after the scale: °F are 5/9 and -160/9
    missing: frozenset[int] = frozenset()  # the device's "no value", before the scale
    when: tuple[Condition, ...] = ()
    names: re.Pattern[str] | None = None  # of tables that mix quantities: the names of this one
    fahrenheit: re.Pattern[str] | None = None  # a text value that matches is in °F
    place: Place = Place.INSIDE
    fallback: bool = False


@dataclass(frozen=True)
class ContactRule:
    """Where contacts stand.  A value that is neither open nor closed says nothing."""

    value: str
    open: frozenset[int]
    closed: frozenset[int]
    name: str = ""
    label: str = ""
    unnamed: frozenset[str] = frozenset()  # names of contacts to which nobody has connected anything
    when: tuple[Condition, ...] = ()


@dataclass(frozen=True)
class Profile:
    """One file.  It fits devices whose sysObjectID is one of ``object_ids`` or below, and that have ``present``."""

    file: str
    vendor: str
    object_ids: tuple[str, ...]
    present: str = ""
    patterns: tuple[re.Pattern[str], ...] = ()  # over sysDescr, with the groups model and software
    model: tuple[str, ...] = ()
    software: tuple[str, ...] = ()
    cpu: tuple[RatioRule, ...] = ()
    memory: tuple[RatioRule, ...] = ()
    sensors: tuple[SensorRule, ...] = ()
    contacts: tuple[ContactRule, ...] = ()


def is_scalar(oid: str) -> bool:
    """Return whether an OID of a profile names a scalar's instance."""
    return oid.endswith(".0")


@cache
def profiles() -> tuple[Profile, ...]:
    """Return every profile, in the order of the files' names.  Raises ProfileError."""
    found = sorted(
        (entry for entry in files(PACKAGE).iterdir() if entry.name.endswith(".toml")), key=lambda entry: entry.name
    )
    return tuple(profile for entry in found for profile in parse(entry.name, entry.read_text(encoding="utf-8")))


def candidates(object_id: str) -> list[Profile]:
    """Return the profiles that may fit a sysObjectID, the most specific first."""
    fitting = [(_closeness(profile, object_id), profile) for profile in profiles()]
    return [profile for closeness, profile in sorted(fitting, key=lambda pair: -pair[0]) if closeness]


def chosen(object_id: str, present: Mapping[str, object]) -> tuple[Profile, ...]:
    """Return the profiles that fit best.  ``present``: which of the asked ``present`` OIDs the device has."""
    fitting = [profile for profile in candidates(object_id) if not profile.present or profile.present in present]
    best = max((_closeness(profile, object_id) for profile in fitting), default=0)
    return tuple(profile for profile in fitting if _closeness(profile, object_id) == best)


def presence_cells(object_id: str) -> list[Cell]:
    """Return what tells devices with one sysObjectID apart: small Linux devices all have Net-SNMP's."""
    return [scalar(profile.present) for profile in candidates(object_id) if profile.present]


def parse(file: str, text: str) -> tuple[Profile, ...]:
    """Return the profiles that a file holds.  Raises ProfileError."""
    try:
        variants = tomllib.loads(text).get("variants", [{}])
        return tuple(_profile(file, {**tomllib.loads(text), **variant}) for variant in variants)
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError, re.error) as error:
        next_step = "compare with the fields in agent/devices/profile.py"
        raise ProfileError(f"{PACKAGE}/{file}: {error!r}. Next: {next_step}") from error


def _profile(file: str, document: dict[str, Any]) -> Profile:
    root = document.pop("root")
    document.pop("variants", None)

    def absolute(oid: str) -> str:
        return oid if oid.startswith(ABSOLUTE) or not oid else f"{root}.{oid}"

    def conditions(entries: Sequence[Mapping[str, Any]]) -> tuple[Condition, ...]:
        return tuple(
            Condition(
                absolute(entry["column"]), frozenset(entry.get("values", ())), frozenset(entry.get("excluded", ()))
            )
            for entry in entries
        )

    def ratio(entry: dict[str, Any]) -> RatioRule:
        unit = entry.pop("unit", 1)
        return RatioRule(unit=unit, **{key: absolute(oid) for key, oid in entry.items()})

    def pattern(entry: dict[str, Any], key: str) -> re.Pattern[str] | None:
        return re.compile(entry.pop(key)) if key in entry else None

    def sensor(entry: dict[str, Any]) -> SensorRule:
        return SensorRule(
            quantity=Quantity(entry.pop("quantity")),
            value=absolute(entry.pop("value")),
            name=absolute(entry.pop("name", "")),
            missing=frozenset(entry.pop("missing", ())),
            place=Place(entry.pop("place", Place.INSIDE)),
            when=conditions(entry.pop("when", ())),
            names=pattern(entry, "names"),
            fahrenheit=pattern(entry, "fahrenheit"),
            **entry,
        )

    def contact(entry: dict[str, Any]) -> ContactRule:
        return ContactRule(
            value=absolute(entry.pop("value")),
            open=frozenset(entry.pop("open")),
            closed=frozenset(entry.pop("closed")),
            name=absolute(entry.pop("name", "")),
            unnamed=frozenset(entry.pop("unnamed", ())),
            when=conditions(entry.pop("when", ())),
            **entry,
        )

    return Profile(
        file=file,
        vendor=document.pop("vendor"),
        object_ids=tuple(document.pop("object_ids")),
        present=absolute(document.pop("present", "")),
        patterns=tuple(re.compile(entry) for entry in document.pop("patterns", ())),
        model=tuple(absolute(oid) for oid in document.pop("model", ())),
        software=tuple(absolute(oid) for oid in document.pop("software", ())),
        cpu=tuple(ratio(entry) for entry in document.pop("cpu", ())),
        memory=tuple(ratio(entry) for entry in document.pop("memory", ())),
        sensors=tuple(sensor(entry) for entry in document.pop("sensors", ())),
        contacts=tuple(contact(entry) for entry in document.pop("contacts", ())),
        **document,
    )


def _closeness(profile: Profile, object_id: str) -> int:
    """Return how many parts of the sysObjectID the profile names; 0 if it is another device."""
    return max(
        (
            prefix.count(".")
            for prefix in profile.object_ids
            if object_id == prefix or object_id.startswith(f"{prefix}.")
        ),
        default=0,
    )
