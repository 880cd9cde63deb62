"""The drill that is announced: written before its first sign, so that nobody takes the sign for an outage.

One file a UPS, beside the records: the agent may read it there, and shows it with its metrics.  The record speaks as
soon as there is one; until then the announcement does, for as long as the drill may still begin.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path

from agent.power.plan import Limits
from agent.power.records import Phase, PowerRecord, from_json

LONGEST = timedelta(hours=3)
"""No drill that shuts hosts down goes on for longer; what lasts beyond it is no drill."""
SLACK = timedelta(seconds=15)
"""From the last moment for the plug to the record of it."""


@dataclass(frozen=True)
class Announced:
    """A drill; ``drill`` is the id of its record.  It begins before ``begins_by`` and is over by ``ends_by``."""

    drill: str
    ups: str
    how: str
    at: datetime
    begins_by: datetime
    ends_by: datetime


def announcement(drill: str, ups: str, how: str, at: datetime, limits: Limits) -> Announced:
    """Return what is to be announced of a drill that was accepted ``at`` this moment."""
    longest = timedelta(seconds=limits.test_seconds) if how == "test" else LONGEST
    begins_by = at + timedelta(seconds=limits.unplug_seconds) + SLACK
    return Announced(drill, ups, how, at, begins_by, at + longest + SLACK)


def announce(directory: Path, drill: Announced) -> None:
    """Put the announcement on the disk, in place of the UPS's last one.  Raises OSError."""
    target = _path(directory, drill.ups)
    draft = directory / f".{target.name}"
    document = {key: one.isoformat() if isinstance(one, datetime) else one for key, one in asdict(drill).items()}
    with draft.open("w", encoding="utf-8") as file:
        json.dump(document, file)
        file.flush()
        os.fsync(file.fileno())
    draft.chmod(0o640)
    draft.replace(target)


def withdraw(directory: Path, ups: str) -> None:
    """Take an announcement back: nothing came of the drill."""
    _path(directory, ups).unlink(missing_ok=True)


def withdraw_lost(directory: Path) -> None:
    """Take back what a power daemon that has ended never began: it no longer waits for the plug."""
    for drill in _announced(directory):
        if _record(directory, drill.drill) is None:
            withdraw(directory, drill.ups)


@dataclass(frozen=True)
class Running:
    """A drill that goes on now.  ``mains_back``: it has given the mains back, so that losing it again is no drill."""

    announced: Announced
    until: datetime
    mains_back: bool = False


def running(directory: Path, now: datetime) -> Iterator[Running]:
    """Yield the drills that go on."""
    for drill in _announced(directory):
        record = _record(directory, drill.drill)
        if record is None:
            found = Running(drill, drill.begins_by)
        elif record.phase is Phase.FINISHED or (drill.how == "test" and record.begun):
            continue  # a test that sends hosts off has become an outage
        else:
            found = Running(drill, drill.ends_by, any(event.code == "mains_back" for event in record.events))
        if now < found.until:
            yield found


def _path(directory: Path, ups: str) -> Path:
    return directory / f"{ups}.drill"


def _announced(directory: Path) -> Iterator[Announced]:
    """Yield what was announced last of each UPS; a broken file announces nothing."""
    for path in sorted(directory.glob("[!.]*.drill")):
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            times = {name: datetime.fromisoformat(document[name]) for name in ("at", "begins_by", "ends_by")}
            yield Announced(**{**document, **times})
        except (OSError, ValueError, TypeError, KeyError):
            continue


def _record(directory: Path, drill: str) -> PowerRecord | None:
    try:
        return from_json(json.loads((directory / f"{drill}.json").read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return None
