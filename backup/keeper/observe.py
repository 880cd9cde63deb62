"""Looks at what is new in a repository since the last round, with the guard's eyes."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from backup.errors import BackupError
from backup.keeper import tools
from backup.keeper.heal import lasting
from backup.keeper.memory import Memory
from backup.repositories.repository import Snapshot
from backup.repositories.restic import Repository
from backup.rules import guard
from backup.status import Anomaly

logger = logging.getLogger(__name__)

FIRST_LOOK = timedelta(days=14)
"""The first round judges only so far back: what is older was thinned out and cannot be compared night by night."""
GONE_KEPT = 5000
"""So many snapshots that are no longer there stay known: one that is copied back is not new."""
COUNTED_AT_MOST = 3
"""Of so many new sets of a policy the files are listed; more come only with a first round or an attack."""


@dataclass(frozen=True)
class Look:
    """What a look brought: anomalies, how many snapshots were judged, and what to remember."""

    anomalies: tuple[Anomaly, ...]
    judged: int
    seen: Mapping[str, str]
    extensions: Mapping[str, Mapping[str, int]]


def look(target: Repository, listed: Sequence[Snapshot], remembered: Memory, now: datetime) -> Look:
    """Judge the snapshots that were not seen before, as themselves or as the original of a copy."""
    known = set(remembered.seen) | set(remembered.seen.values())
    fresh = {item.id for item in listed if item.id not in known and lasting(item) not in known}
    if not known:
        fresh = {item.id for item in listed if item.time > now - FIRST_LOOK}
    anomalies: list[Anomaly] = []
    extensions = dict(remembered.extensions)
    for policy in sorted({name for item in listed if (name := item.tag("policy"))}):
        own = [item for item in listed if item.tag("policy") == policy]
        seals = sorted((item for item in own if item.tag("kind") == "set"), key=lambda item: item.time)
        counted = _counted(target, [item for item in seals if item.id in fresh][-COUNTED_AT_MOST:])
        before = next((item for item in reversed(seals) if item.id not in fresh), None)
        if before and policy in extensions:
            counted[before.id] = extensions[policy]
        anomalies += guard.find(own, now=now, fresh=fresh, extensions=counted)
        newest = next((item for item in reversed(seals) if item.id in counted), None)
        if newest:
            extensions[policy] = counted[newest.id]
    seen = {item.id: lasting(item) for item in listed}
    gone = {old: name for old, name in remembered.seen.items() if old not in seen}
    return Look(tuple(anomalies), len(fresh), dict(list(gone.items())[-GONE_KEPT:]) | seen, extensions)


def _counted(target: Repository, seals: Sequence[Snapshot]) -> dict[str, Mapping[str, int]]:
    """Count the file extensions of sets, in the snapshots themselves: a host that is not ours any more could lie."""
    counted: dict[str, Mapping[str, int]] = {}
    for seal in seals:
        try:
            counted[seal.id] = guard.table(tools.extensions(target, seal.id))
        except BackupError as error:
            logger.warning("files of %s not listed: %s", seal.id[:8], error)
    return counted
