"""Follow a drill over SSH: its record's events as they come, also across the darkness of the host that writes them."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
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

    def come_back(self, host: str, ups: str) -> bool:
        """End the power cut of a UPS before its time; False where only a person's hand can."""
        ...


class NoMains:
    """The real mains needs no help, and takes none."""

    def look(self, record: PowerRecord | None, *, answers: bool) -> None:
        """Do nothing."""

    def come_back(self, host: str, ups: str) -> bool:  # noqa: ARG002 - whichever it is
        """Return False."""
        return False


def follow(
    host: Target,
    begun_at: datetime,
    ups: str,
    *,
    mains: Mains,
    say: Callable[[str], None],
    longest_seconds: float = LONGEST_SECONDS,
) -> PowerRecord:
    """Return the filed record of the drill that began at ``begun_at``.  Raises RecoveryError when none comes.

    Ctrl-C brings a lab's mains back, and the rest is followed: without it whoever is off would stay off.  A second
    one, or one in a real facility, leaves the drill to itself.
    """
    deadline = time.monotonic() + longest_seconds
    followed = _Followed(host, begun_at, ups, mains, say)
    interrupted = False
    while time.monotonic() < deadline:
        try:
            filed = followed.look()
            if filed is not None:
                return filed
            time.sleep(LOOK_SECONDS)
        except KeyboardInterrupt:
            if interrupted or not mains.come_back(host.name, ups):
                raise RecoveryError(
                    f"{host.name}: the drill goes on without this terminal and files its record there. Next: on that "
                    "host, xinglin power records"
                ) from None
            interrupted = True
            say("interrupted: the mains is back, everybody returns (once more: leave now)")
    raise RecoveryError(
        f"{host.name}: the drill's record was not filed in {longest_seconds / 3600:.0f} h. Next: on that host, "
        "journalctl -u xinglin-power"
    )


@dataclass
class _Followed:
    """A drill as far as it was seen, and told."""

    host: Target
    begun_at: datetime
    ups: str
    mains: Mains
    say: Callable[[str], None]
    told: int = 0
    record: PowerRecord | None = None
    reached: bool = True

    def look(self) -> PowerRecord | None:
        """Ask once and tell what is new; returns the record when it is filed."""
        why = ""
        newest = None
        try:
            newest = _record(self.host, self.begun_at, self.ups)
        except RecoveryError as error:
            why = str(error)
        answers = not why
        if answers != self.reached:
            name = self.host.name
            self.say(f"{name} answers again" if answers else f"{name} no longer answers: {why}")
            self.reached = answers
        if newest is not None:
            self.record = newest
            for event in newest.events[self.told :]:
                self.say(_line(event))
            self.told = len(newest.events)
            if newest.phase is Phase.FINISHED:
                return newest
        self.mains.look(self.record, answers=answers)
        return None


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
