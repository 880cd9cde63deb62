"""WAL files by their names, and which snapshots of them are needed.  Pure.

A segment's name is 24 hex digits: timeline, then the number in two halves; names of one timeline sort by number.  A
snapshot of a spool has the tags ``system=`` (the cluster's identifier), ``from=`` and ``to=`` (its first and last
segment).
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from backup.repositories.repository import Snapshot

SEGMENT = re.compile(r"[0-9A-F]{24}")
KIND = "wal"
BASE_KIND = "base"


def is_segment(name: str) -> bool:
    """Tell whether a file name is that of a whole segment (not a history or a label file)."""
    return bool(SEGMENT.fullmatch(name))


def following(name: str, segment_bytes: int) -> str:
    """Return the name of the segment after ``name``."""
    in_a_log = 0x1_0000_0000 // segment_bytes
    number = int(name[8:16], 16) * in_a_log + int(name[16:], 16) + 1
    return f"{name[:8]}{number // in_a_log:08X}{number % in_a_log:08X}"


def first_hole(names: Iterable[str], start: str, segment_bytes: int) -> tuple[str, str] | None:
    """Return the first missing segment after ``start`` and the one that follows the hole; None: there is no hole.

    Only the timeline of ``start`` is looked at.
    """
    expected = start
    for name in sorted(set(names)):
        if name[:8] != start[:8] or name < start or not is_segment(name):
            continue
        if name != expected:
            return expected, name
        expected = following(name, segment_bytes)
    return None


@dataclass(frozen=True)
class Stretch:
    """What one snapshot of a spool holds: every segment from ``first`` to ``last``."""

    snapshot: Snapshot
    system: str
    first: str
    last: str


def stretches(listed: Iterable[Snapshot], system: str | None = None) -> list[Stretch]:
    """Return the WAL snapshots (of one cluster), oldest first."""
    found = []
    for item in sorted(listed, key=lambda snapshot: snapshot.time):
        own, first, last = (item.tag(key) for key in ("system", "from", "to"))
        if item.tag("kind") == KIND and own and first and last and system in {None, own}:
            found.append(Stretch(item, own, first, last))
    return found


def chain(known: Sequence[Stretch], start: str, until: datetime | None) -> list[Stretch]:
    """Return the fewest snapshots that hold the WAL from ``start`` to ``until`` (None: to the end), as far as there is.

    A snapshot that was taken after ``until`` holds what was written before.
    """
    chosen: list[Stretch] = []
    reached = ""
    while True:
        usable = [item for item in known if item.first <= (reached or start) and item.last > reached]
        usable = [item for item in usable if item.last >= start]
        late_enough = [item for item in usable if until is not None and item.snapshot.time >= until]
        if late_enough:
            return [*chosen, late_enough[0]]
        if not usable:
            return chosen
        best = max(usable, key=lambda item: (item.last, item.snapshot.time))
        chosen.append(best)
        reached = best.last


def superfluous(known: Sequence[Stretch]) -> set[str]:
    """Return the ids of snapshots of which a later one of the same cluster holds everything."""
    return {
        item.snapshot.id
        for number, item in enumerate(known)
        if any(
            later.system == item.system and later.first <= item.first and later.last >= item.last
            for later in known[number + 1 :]
        )
    }
