"""The sealed sets of a repository, and which one is meant.  Nothing on this host but its configuration is needed."""

import logging
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from backup.config.policy import Config
from backup.errors import BackupError
from backup.night import backup_set
from backup.night.backup_set import BackupSet
from backup.night.recorder import now_utc
from backup.repositories import repository, rest_server
from backup.repositories.repository import Snapshot
from backup.repositories.restic import QUICK_SECONDS, Repository
from backup.restore.request import AUTO, LATEST
from backup.rules.guard_times import SKEW
from backup.status import Verdict, read_verifications

logger = logging.getLogger(__name__)

NOT_THERE = {"repository_unreachable", "repository_missing", "repository_refused", "certificate_expired"}
"""What of the local repository lets a restore go on to the offsite one."""


@dataclass(frozen=True)
class Sets:
    """The sealed sets of one policy in one repository, newest first, and all of its snapshots there."""

    repository: Repository
    sealed: tuple[Snapshot, ...]
    listed: tuple[Snapshot, ...]
    proved: dict[str, Verdict]

    def verdict(self, snapshot: Snapshot) -> Verdict | None:
        """Return what this host's newest restore test of this set (or of its copy) found; None when there was none."""
        return self.proved.get(snapshot.original or snapshot.id)


def open_sets(config: Config, policy: str, name: str) -> Sets:
    """List the sets of ``policy`` in the repository ``local``, ``offsite``, or ``auto``: the first that answers.

    Raises BackupError, also ``snapshot_missing`` when there is no sealed set.
    """
    if name != AUTO:
        return _open(config, policy, config.repository(name))
    try:
        return _open(config, policy, config.repository("local"))
    except BackupError as error:
        if error.cause.code not in {*NOT_THERE, "snapshot_missing"} or config.offsite is None:
            raise
        logger.warning("%s: %s; taking the offsite repository", error.cause.place, error.cause.detail)
        return _open(config, policy, config.repository("offsite"))


def _open(config: Config, policy: str, source: Repository) -> Sets:
    repository.require_version()
    rest_server.require(source)
    listed = [item for item in repository.snapshots(source, [f"policy={policy}"]) if item.hostname == config.host]
    now = now_utc()
    sets = [item for item in reversed(listed) if item.tag("kind") == "set"]
    # One with a date of the future is no newest set: its clock was wrong, or somebody forged it.
    sealed = tuple(sorted(sets, key=lambda item: item.time > now + SKEW))
    if not sealed:
        raise BackupError("snapshot_missing", source.place, f"host {config.host}, policy {policy}")
    originals = {item.id: item.original or item.id for item in listed}
    proved: dict[str, Verdict] = {}
    for proof in read_verifications(config.verifications):
        if proof.snapshot_id:
            proved.setdefault(originals.get(proof.snapshot_id, proof.snapshot_id), proof.verdict)
    return Sets(source, sealed, tuple(listed), proved)


def choose(sets: Sets, chosen: str, timezone: str) -> Snapshot:
    """Return the set that ``chosen`` means (see ``Request``); raises BackupError ``set_missing``."""
    if chosen == LATEST:
        return sets.sealed[0]
    moment = parse_moment(chosen, timezone)
    for item in sets.sealed:
        names = [item.id, item.original or "", item.tag("run") or ""]
        if item.time <= moment if moment else any(name.startswith(chosen) for name in names):
            return item
    known = (
        f"{len(sets.sealed)} sets, {sets.sealed[-1].time:%Y-%m-%d %H:%M} to {sets.sealed[0].time:%Y-%m-%d %H:%M} UTC"
    )
    raise BackupError("set_missing", sets.repository.place, f"{chosen}; there are {known}")


def parse_moment(text: str, timezone: str) -> datetime | None:
    """Return a time such as ``2026-11-22 10:00`` (the facility's zone unless it names one); None for other text."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    # restic's ids may look like a date in ISO's basic form.
    if "-" not in text:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(timezone))


def staging(snapshot: Snapshot) -> Path:
    """Return the directory of a sealing snapshot that holds the manifest; raises BackupError ``manifest_missing``."""
    for path in snapshot.paths:
        if Path(path).name == "staging":
            return Path(path)
    raise BackupError("manifest_missing", f"snapshot {snapshot.id[:8]}", f"paths: {', '.join(snapshot.paths)}")


def read_manifest(source: Repository, snapshot: Snapshot) -> BackupSet:
    """Read the manifest of a sealed set; raises BackupError ``manifest_missing``."""
    inside = staging(snapshot) / backup_set.MANIFEST_NAME
    with tempfile.TemporaryDirectory() as directory:
        target = Path(directory) / inside.name
        try:
            repository.dump(source, snapshot.id, str(inside), target, QUICK_SECONDS)
            return backup_set.read(target)
        except ValueError as error:
            raise BackupError("manifest_missing", f"snapshot {snapshot.id[:8]}", str(error)) from error
        except BackupError as error:
            if error.cause.code != "unknown":
                raise
            raise BackupError("manifest_missing", f"snapshot {snapshot.id[:8]}", error.cause.detail) from error
