"""One view of a UPS from its sources: NUT leads, because the shutdown goes by it; SNMP fills what NUT lacks."""

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from console.power.snapshot import UpsSnapshot

ORDER = ("nut", "snmp")
EMPTY: tuple[object, ...] = (None, "", ())
# What belongs to one source and cannot be filled from another.
OWN = frozenset({"up", "trouble", "failing_since", "read_at", "flags", "alarms", "mib", "disagreements"})


def leading(sources: Mapping[str, UpsSnapshot]) -> UpsSnapshot:
    """Return the reading of the first source that has one, its gaps filled by the next.

    Without any reading, that of the first source: its trouble.  Raises ``ValueError`` without any source.
    """
    ranked = sorted(sources, key=lambda name: (not sources[name].up, ORDER.index(name) if name in ORDER else 9))
    if not ranked:
        raise ValueError("a UPS without a source")
    first, *others = (sources[name] for name in ranked)
    if not first.up:
        return first
    for other in (one for one in others if one.up):
        missing: dict[str, Any] = {
            item.name: getattr(other, item.name)
            for item in fields(UpsSnapshot)
            if item.name not in OWN and getattr(first, item.name) in EMPTY
        }
        first = replace(first, **missing)
    return first
