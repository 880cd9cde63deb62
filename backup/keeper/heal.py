"""Heals a repository: broken files aside, the index mended, incomplete snapshots aside, copies of them back.

Every step may be the last before a power cut: the next round finds whatever is still wrong and goes on.
"""

import contextlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from pathlib import Path

from backup.config.policy import Retention
from backup.errors import BackupError
from backup.keeper import tools
from backup.keeper.aside import SMALL_KINDS, Aside, Waiting, broken_files
from backup.point_in_time import wal
from backup.repositories import repository, rest_server
from backup.repositories.repository import Snapshot
from backup.repositories.restic import Repository
from backup.rules.retention import decide

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Work:
    """One host's repository under the keeper's mutex (``held``); ``other`` is where its snapshots come back from."""

    target: Repository
    other: Repository | None
    aside: Aside
    policies: Mapping[str, Retention]
    zone: tzinfo
    held: Sequence[int]


ALL_KINDS = (*SMALL_KINDS, "data")
COPIED_AT_ONCE = 200
ERRORS_THAT_STOP_A_COPY = {"offsite_unreachable", "repository_unreachable", "repository_full", "wrong_password"}


def lasting(snapshot: Snapshot) -> str:
    """Return the id by which a snapshot and its copies are the same."""
    return snapshot.original or snapshot.id


def set_broken_aside(aside: Aside, seen: Mapping[str, str], kinds: tuple[str, ...], moment: datetime) -> list[str]:
    """Move the broken files of these kinds aside and return them as ``kind/name``.

    A broken snapshot waits for its copy; by ``seen`` it is known whose copy it was.
    """
    found = []
    for path in broken_files(aside.repository, kinds):
        kind = path.relative_to(aside.repository).parts[0]
        found.append(f"{kind}/{path.name}")
        logger.warning("broken: %s", path)
        if kind == "snapshots":
            waiting = Waiting(path.name, seen.get(path.name, path.name), "", moment)
            aside.put_snapshot(waiting, aside.note(waiting, moment))
        else:
            aside.put(path, moment)
    return found


def mend(work: Work, seen: Mapping[str, str], moment: datetime) -> list[str]:
    """Take everything broken out of the repository and return it as ``kind/name``.

    Afterwards the structure is clean, and every snapshot that is listed is complete.
    Raises BackupError ``repository_damaged`` when it is not.
    """
    found = set_broken_aside(work.aside, seen, ALL_KINDS, moment)
    tools.repair_index(work.target, work.held)
    lacking = tools.incomplete(work.target, work.held)
    for item in repository.snapshots(work.target):
        if item.id in lacking:
            logger.warning("snapshot %s lacks data: set aside", item.id[:8])
            waiting = Waiting(item.id, lasting(item), item.tag("policy") or "", item.time)
            work.aside.put_snapshot(waiting, work.aside.note(waiting, moment))
            found.append(f"snapshots/{item.id}")
    findings = tools.check(work.target, work.held)
    if findings.errors:
        raise BackupError("repository_damaged", work.target.place, findings.words)
    return found


def lacking_here(
    here: Sequence[Snapshot],
    there: Sequence[Snapshot],
    policies: Mapping[str, Retention],
    *,
    now: datetime,
    zone: tzinfo,
) -> list[Snapshot]:
    """Return the members of sealed sets (and logs) that retention keeps, that are there and not here, oldest first."""
    known = {lasting(item) for item in here}
    missing = [item for item in there if lasting(item) not in known]
    everything = [*here, *missing]
    sealed = {item.tag("run") for item in everything if item.tag("kind") == "set"}
    wanted: set[str] = set()
    for name, retention in policies.items():
        own = [
            item
            for item in everything
            if item.tag("policy") == name and (item.tag("run") in sealed or item.tag("kind") == wal.KIND)
        ]
        wanted |= set(decide(own, retention, now=now, zone=zone).keep)
    return [item for item in missing if item.id in wanted and item.time <= now]


def copy_back(work: Work, other: Repository, moment: datetime) -> tuple[int, list[Snapshot]]:
    """Copy from the other repository what is lacking here; return how many came and what still lacks.

    Raises BackupError when nothing could be compared or the copy had to stop.
    """
    with named_offsite(other):
        rest_server.require(other)
        there = repository.snapshots(other)

    def lacking() -> list[Snapshot]:
        return lacking_here(repository.snapshots(work.target), there, work.policies, now=moment, zone=work.zone)

    before = lacking()
    for start in range(0, len(before), COPIED_AT_ONCE):
        _copy(work, other, before[start : start + COPIED_AT_ONCE])
    left = lacking() if before else []
    return len(before) - len(left), left


def _copy(work: Work, other: Repository, wanted: Sequence[Snapshot]) -> None:
    """Copy all at once; if that fails, run by run, so that one broken set does not keep the others away."""
    try:
        with named_offsite(other):
            repository.copy(other, work.target, [item.id for item in wanted], keep_open=work.held)
        return
    except BackupError as error:
        if error.cause.code in ERRORS_THAT_STOP_A_COPY or len({item.tag("run") for item in wanted}) == 1:
            raise
        failure = error
    arrived = False
    for run in dict.fromkeys(item.tag("run") for item in wanted):
        with contextlib.suppress(BackupError):
            ids = [item.id for item in wanted if item.tag("run") == run]
            repository.copy(other, work.target, ids, keep_open=work.held)
            arrived = True
    if not arrived:
        raise failure


@contextlib.contextmanager
def named_offsite(other: Repository) -> Iterator[None]:
    """Name an unreachable other repository as such."""
    try:
        yield
    except BackupError as error:
        cause = error.cause
        if cause.code == "repository_unreachable" and other.name == "offsite":
            raise BackupError("offsite_unreachable", cause.place, cause.detail) from error
        raise


def settle(work: Work, given_up: set[str], moment: datetime) -> list[Waiting]:
    """Drop what is aside and back again; return what still waits.  Call it only when the check is clean.

    A backup of the same data may have made a snapshot whole again: then it goes back to its place.
    """
    present = {lasting(item) for item in repository.snapshots(work.target)}
    on_trial: dict[Path, Waiting] = {}
    for note, waiting in work.aside.waiting().items():
        expired = waiting.policy in work.policies and waiting.time < moment - work.policies[waiting.policy].longest
        if waiting.lasting in present or waiting.id in given_up or expired:
            work.aside.drop(note)
        elif work.aside.put_back(note):
            on_trial[note] = waiting
    lacking = tools.incomplete(work.target, work.held, [item.id for item in on_trial.values()]) if on_trial else set()
    for note, waiting in on_trial.items():
        if waiting.id in lacking:
            work.aside.put_snapshot(waiting, note)
        else:
            logger.warning("snapshot %s is whole again", waiting.id[:8])
            work.aside.drop(note)
    work.aside.drop_settled()
    return list(work.aside.waiting().values())
