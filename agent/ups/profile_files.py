"""Reads the profiles: one TOML file per MIB beside each other in a package of this wheel.

OIDs in a file are relative to its ``root``; a scalar's instance (``.0``) is not written.  ``based_on`` names a file
whose tables are taken over and, entry by entry, replaced.
"""

import tomllib
from datetime import date
from functools import cache
from importlib import resources
from typing import Any

from agent.ups.profile import (
    Alarm,
    AlarmKind,
    AlarmRule,
    Day,
    DayRule,
    NumberRule,
    Profile,
    Quantity,
    Quirk,
    ResultRule,
    Says,
    StateRule,
    Supply,
    Text,
    Where,
)  # fmt: skip
from agent.ups.reading import Flag, TestResult
from agent.ups.units import Unit

PACKAGE = "agent.snmp.profiles.ups"


class ProfileError(Exception):
    """A profile file is wrong.  The message names the file, the place in it and what is allowed."""


@cache
def profiles() -> tuple[Profile, ...]:
    """Return all profiles, best rank first.  Raises ``ProfileError``."""
    names = sorted(item.name for item in resources.files(PACKAGE).iterdir() if item.name.endswith(".toml"))
    return tuple(sorted((read_profile(name) for name in names), key=lambda profile: (profile.rank, profile.file)))


def read_profile(name: str) -> Profile:
    """Read one profile of the package.  Raises ``ProfileError``."""
    try:
        return _profile(name, _document(name))
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise ProfileError(f"{name}: {type(error).__name__}: {error}") from error


_KEYS = frozenset({
    "mib", "about", "based_on", "rank", "root", "instance", "object_ids", "probe", "maker", "fallback", "requires",
    "texts", "number", "state", "test", "alarm", "day", "quirk",
})  # fmt: skip


def _document(name: str) -> dict[str, Any]:
    document = tomllib.loads(resources.files(PACKAGE).joinpath(name).read_text(encoding="utf-8"))
    unknown = document.keys() - _KEYS
    if unknown:
        raise ProfileError(f"{name}: unknown {', '.join(sorted(unknown))}; allowed are {', '.join(sorted(_KEYS))}")
    if "based_on" not in document:
        return document
    base = _document(document["based_on"])
    for key, identity in (("number", "is"), ("state", "oid"), ("test", "oid"), ("alarm", "oid"), ("day", "is")):
        own = document.get(key, [])
        replaced = {entry[identity] for entry in own}
        document[key] = [entry for entry in base.get(key, []) if entry[identity] not in replaced] + own
    document["texts"] = base.get("texts", {}) | document.get("texts", {})
    return {key: value for key, value in base.items() if key not in {"object_ids", "quirk", "fallback"}} | document


def _profile(name: str, document: dict[str, Any]) -> Profile:
    root = _oid(document["root"])

    def absolute(oid: str) -> str:
        return f"{root}.{_oid(oid)}" if oid else ""

    return Profile(
        file=name,
        mib=document["mib"],
        rank=int(document["rank"]),
        root=root,
        instance=str(document.get("instance", "0")),
        object_ids=tuple(_oid(oid) for oid in document.get("object_ids", [])),
        probe=tuple(absolute(oid) for oid in document["probe"]),
        maker=document.get("maker", ""),
        numbers=tuple(
            NumberRule(
                Quantity(entry["is"]),
                tuple(absolute(oid) for oid in _several(entry["oid"])),
                Unit(entry["unit"]),
                entry.get("table", False),
                tuple(entry.get("absent", [])),
                entry.get("rank"),
                _where(entry.get("where"), root),
                tuple(absolute(oid) for oid in _several(entry.get("unit_at", []))),
            )
            for entry in document.get("number", [])
        ),
        states=tuple(
            StateRule(
                entry["name"],
                absolute(entry["oid"]),
                {value: _says(words) for value, words in entry["says"].items() if words},
            )
            for entry in document.get("state", [])
        ),
        tests=tuple(
            ResultRule(
                absolute(entry["oid"]), {int(value): TestResult(word) for value, word in entry["results"].items()}
            )
            for entry in document.get("test", [])
        ),
        alarms=tuple(
            AlarmRule(
                AlarmKind(entry["kind"]),
                absolute(entry["oid"]),
                {int(number): _alarm(words) for number, words in entry["alarms"].items()},
                absolute(entry.get("base", "")),
                absolute(entry.get("count", "")),
                tuple(entry.get("active", [1])),
                (absolute(entry["cleared"]["oid"]), entry["cleared"]["value"]) if "cleared" in entry else None,
            )
            for entry in document.get("alarm", [])
        ),
        texts={
            Text(key): tuple(tuple(absolute(oid) for oid in oids.split()) for oids in alternatives)
            for key, alternatives in document.get("texts", {}).items()
        },
        days=tuple(
            DayRule(
                Day(entry["is"]), absolute(entry["oid"]), _formats(entry["formats"]), tuple(entry.get("absent", []))
            )
            for entry in document.get("day", [])
        ),
        quirks=tuple(
            Quirk(Text(entry["text"]), entry["begins"], Quantity(entry["is"]), Unit(entry["unit"]))
            for entry in document.get("quirk", [])
        ),
        requires=tuple(Quantity(quantity) for quantity in document.get("requires", [])),
        fallback=document.get("fallback", False),
    )


def _oid(text: str) -> str:
    if not all(part.isdigit() for part in text.split(".")):
        raise ValueError(f"{text!r} is no OID of dotted numbers")
    return text


def _several(oids: str | list[str]) -> list[str]:
    return [oids] if isinstance(oids, str) else oids


def _where(entry: dict[str, Any] | None, root: str) -> Where | None:
    if entry is None:
        return None
    return Where(tuple(f"{root}.{_oid(oid)}" for oid in _several(entry["oid"])), f"{root}.{_oid(entry['value'])}")


def _says(words: list[str]) -> frozenset[Says]:
    known: dict[str, Says] = {str(item): item for item in (*Flag, *Supply)}
    unknown = [word for word in words if word not in known]
    if unknown:
        raise ValueError(f"{unknown[0]!r} is neither a flag nor one of {', '.join(Supply)}")
    return frozenset(known[word] for word in words)


def _alarm(words: list[str]) -> Alarm:
    """An alarm is its name and what it says; ``info`` marks one that tells of no trouble."""
    name, *rest = words
    return Alarm(name, _says([word for word in rest if word != "info"]), "info" in rest)


def _formats(formats: list[str]) -> tuple[str, ...]:
    for form in formats:
        date(2026, 3, 1).strftime(form)
    return tuple(formats)
