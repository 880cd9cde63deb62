"""What happened to UPSes and devices: each moment once, whoever tells it first.

A trap, a NUT event and the next poll tell the same power cut; a moment is kept when it changes what was known.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from console.power.snapshot import UpsSnapshot
from console.store.power import PowerEvent

# Of the codes of one group the newest holds: the same one again is no news.
GROUPS = (
    ("on_battery", "mains_back"),
    ("communication_lost", "communication_back"),
    ("unreachable", "reachable"),
    ("link_down", "link_up"),
)
GROUP_OF = {code: group for group in GROUPS for code in group}
BACK = frozenset(after for _before, after in GROUPS)  # no news for what was never away
SAME_MOMENT = timedelta(minutes=10)
"""A code without an opposite that comes again so soon is the same moment, told by another source."""
TOLD_EACH_TIME = frozenset({"trap", "power"})
DETAIL_CHARACTERS = 300


def note_event(session: Session, host: str, event: Mapping[str, Any]) -> bool:
    """Keep an event of the agent of ``host`` (its ``/events``) when it is news; the caller commits.

    Return whether it was kept.  Raises ``ValueError`` for what is no event.
    """
    try:
        at = datetime.fromisoformat(event["at"]).astimezone(UTC)
        device, source, code = str(event["device"]), str(event["source"]), str(event["code"])
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"no event: {error}") from error
    detail = str(event.get("detail") or "")[:DETAIL_CHARACTERS]
    return keep(session, PowerEvent(at=at, host=host, device=device, source=source, code=code, detail=detail))


def keep(session: Session, event: PowerEvent) -> bool:
    """Keep an event when it is news; the caller commits."""
    if not _is_news(session, event):
        return False
    session.add(event)
    session.flush()
    return True


def _is_news(session: Session, event: PowerEvent) -> bool:
    group = GROUP_OF.get(event.code, (event.code,))
    query = select(PowerEvent).where(PowerEvent.device == event.device, PowerEvent.code.in_(group))
    if group == GROUP_OF["link_up"]:
        query = query.where(PowerEvent.detail == event.detail)  # each interface by itself
    if group == GROUP_OF["reachable"]:
        query = query.where(PowerEvent.source == event.source)  # NUT may answer while SNMP does not
    newest = session.scalar(query.order_by(PowerEvent.at.desc(), PowerEvent.id.desc()).limit(1))
    if newest is None:
        return event.code not in BACK
    if event.code in TOLD_EACH_TIME:
        return (newest.at, newest.detail) != (event.at, event.detail)
    if len(group) == 1:
        return abs(event.at - newest.at) >= SAME_MOMENT
    return newest.code != event.code


def note_ups(session: Session, host: str, ups: str, source: str, *, now: UpsSnapshot, at: datetime) -> None:
    """Keep what the newest snapshot of a UPS tells, as far as it is news."""
    for code in _codes(now):
        detail = (now.trouble or "") if code == "unreachable" else ""
        keep(session, PowerEvent(at=at, host=host, device=ups, source=source, code=code, detail=detail))


def _codes(now: UpsSnapshot) -> list[str]:
    if not now.up:
        return ["unreachable"]
    codes = ["reachable"]
    if "COMMLOST" in now.flags:  # every other value is old
        return [*codes, "communication_lost"]
    codes += ["communication_back", "on_battery" if "OB" in now.flags else "mains_back"]
    once = {"LB": "low_battery", "FSD": "forced_shutdown", "RB": "replace_battery", "OVER": "overload"}
    return codes + [code for flag, code in once.items() if flag in now.flags]
