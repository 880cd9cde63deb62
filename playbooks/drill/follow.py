"""Follow a drill over SSH: its record's events as they come, also across the darkness of the host that writes them."""

import json
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

from agent.power.codes import EVENTS
from agent.power.records import Cause, Event, Phase, PowerRecord, from_json
from playbooks.login import Target
from playbooks.recovery.remote import XINGLIN, RecoveryError, attempt

LOOK_SECONDS = 2.0
ANSWER_SECONDS = 20.0
SLACK = timedelta(seconds=2)
LONGEST_SECONDS = 3 * 3600.0


class Mains(Protocol):
    """Where the power comes from: in a lab, whoever follows the drill is it."""

    def look(self, record: PowerRecord | None, *, answers: bool) -> None:
        """Do what the mains does now; ``answers``: the UPS's host was reached at this look."""
        ...


class NoMains:
    """The real mains needs no help."""

    def look(self, record: PowerRecord | None, *, answers: bool) -> None:
        """Do nothing."""


def follow(
    host: Target,
    begun_at: datetime,
    ups: str,
    *,
    mains: Mains,
    say: Callable[[str], None],
    longest_seconds: float = LONGEST_SECONDS,
) -> PowerRecord:
    """Return the filed record of the drill that began at ``begun_at``.  Raises RecoveryError when none comes."""
    deadline = time.monotonic() + longest_seconds
    told = 0
    record: PowerRecord | None = None
    reached = True
    while time.monotonic() < deadline:
        try:
            newest = _record(host, begun_at, ups)
            answers = True
        except RecoveryError as error:
            newest, answers = None, False
            why = str(error)
        if answers != reached:
            say(f"{host.name} answers again" if answers else f"{host.name} no longer answers: {why}")
            reached = answers
        record = newest or record
        if newest is not None:
            for event in newest.events[told:]:
                say(_line(event))
            told = len(newest.events)
            if newest.phase is Phase.FINISHED:
                return newest
        mains.look(record, answers=answers)
        time.sleep(LOOK_SECONDS)
    raise RecoveryError(
        f"{host.name}: the drill's record was not filed in {longest_seconds / 3600:.0f} h. Next: on that host, "
        "journalctl -u xinglin-power"
    )


def _record(host: Target, begun_at: datetime, ups: str) -> PowerRecord | None:
    """Return the drill's record, None while it does not exist.  Raises RecoveryError when the host does not answer."""
    done = attempt(host, f"{XINGLIN} power records --last 5", timeout_seconds=ANSWER_SECONDS)
    try:
        found = [from_json(item) for item in json.loads(done.stdout)]
    except ValueError:
        raise RecoveryError(f"{host.name}: no records of power were told (exit {done.returncode})") from None
    mine = [one for one in found if one.ups == ups and one.cause is Cause.DRILL and one.started_at >= begun_at - SLACK]
    return mine[-1] if mine else None


def _line(event: Event) -> str:
    meaning = EVENTS.get(event.code, event.code)
    return f"{event.at.astimezone():%H:%M:%S}  {meaning}" + (f" [{event.detail}]" if event.detail else "")
