"""The restore test: the newest sealed set is restored into a scratch place and compared with its manifest.

FAILED is a finding about the backup; ERROR means that no verdict could be reached; SKIPPED, that there is
nothing to verify yet.  restic takes no lock here, so a verification never disturbs a running backup.
"""

import logging
import stat
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from backup import backup_set, repository, rest_server, scratch
from backup.backup_set import BackupSet
from backup.errors import BackupError
from backup.findings import Findings
from backup.policy import Config, Policy
from backup.recorder import Now, now_utc
from backup.repository import Snapshot
from backup.restic import LONG_SECONDS, QUICK_SECONDS, Repository
from backup.restore_database import restore_database
from backup.status import Cause, Verdict, Verification, new_id, write_verification

logger = logging.getLogger(__name__)

SCRATCH_PARENT = Path("/var/tmp")  # noqa: S108
SPACE_FACTOR = 2.5
"""The staged dump, the scratch server and its log together need about this much of the database's size."""
BAD_BACKUP = {
    "dump_damaged",
    "manifest_mismatch",
    "manifest_missing",
    "repository_damaged",
    "restore_failed",
    "snapshot_too_old",
}


def _show_nobody(phase: str) -> None:
    """Show no progress."""


def verify_policy(
    config: Config,
    policy: Policy,
    repository_name: str = "local",
    *,
    now: Now = now_utc,
    show: Callable[[str], None] = _show_nobody,
    scratch_parent: Path = SCRATCH_PARENT,
) -> Verification:
    """Verify the newest backup of ``policy`` in ``local`` or ``offsite``; returns the record, which it also writes."""
    started, began = now(), time.monotonic()
    findings = Findings(show)
    verdict, cause = Verdict.ERROR, None
    try:
        source = config.repository(repository_name)
        _verify(config, policy, source, started=started, findings=findings, scratch_parent=scratch_parent)
        verdict = Verdict.PASSED
    except BackupError as error:
        cause = error.cause
        if cause.code == "snapshot_missing":
            verdict = Verdict.SKIPPED
        elif cause.code in BAD_BACKUP:
            verdict = Verdict.FAILED
    except KeyboardInterrupt:
        cause = Cause("interrupted", config.host, "the verification was told to stop")
        raise
    finally:
        verification = Verification(
            verification_id=new_id(policy.name, started),
            host=config.host,
            policy=policy.name,
            repository=repository_name,
            started_at=started,
            finished_at=now(),
            verdict=verdict,
            snapshot_id=findings.snapshot_id,
            as_of=findings.as_of,
            rpo_seconds=(started - findings.as_of).total_seconds() if findings.as_of else None,
            rto_seconds=round(time.monotonic() - began, 3) if verdict is Verdict.PASSED else None,
            phases=findings.phases,
            assertions=tuple(findings.assertions),
            cause=cause,
        )
        write_verification(config.verifications, verification)
    return verification


def _verify(
    config: Config,
    policy: Policy,
    source: Repository,
    *,
    started: datetime,
    findings: Findings,
    scratch_parent: Path,
) -> None:
    with findings.phase("find"):
        repository.require_version()
        rest_server.require(source)
        listed = repository.snapshots(source, [f"policy={policy.name}"])
        snapshot = _newest(config, policy, source, listed)
        findings.snapshot_id = snapshot.id
    with scratch.directory(scratch_parent) as place:
        with findings.phase("fetch"):
            sealed = _read_manifest(config, source, snapshot, place)
        findings.as_of = sealed.as_of
        hours = (started - sealed.as_of).total_seconds() / 3600
        age = f"{hours:.1f} hours old (allowed: {policy.rpo_hours:g})"
        findings.require(
            "age of the data",
            hours <= policy.rpo_hours,
            f"at most {policy.rpo_hours:g} hours",
            f"{hours:.1f} hours",
            Cause("snapshot_too_old", source.place, age),
        )
        size = sum(dump.manifest.size_bytes for dump in sealed.dumps)
        scratch.require_space(place, SPACE_FACTOR * size)
        for dump in sealed.dumps:
            with findings.phase("fetch"):
                staged = place / dump.filename
                stored = _here(source, listed, dump.snapshot_id)
                got = repository.dump(source, stored, f"/{dump.filename}", staged, LONG_SECONDS)
                findings.require(
                    f"{dump.manifest.database}: size of the dump",
                    got == dump.bytes,
                    f"{dump.bytes} bytes",
                    f"{got} bytes",
                    Cause("dump_damaged", f"database {dump.manifest.database}", f"{got} of {dump.bytes} bytes"),
                )
                roles = place / f"{dump.manifest.database}.roles.sql"
                repository.dump(source, snapshot.id, f"{_staging(config)}/{roles.name}", roles, QUICK_SECONDS)
            restore_database(dump, staged, roles, place, findings)
        if sealed.sample:
            with findings.phase("files"):
                _verify_files(source, snapshot, sealed, place, findings)


def _newest(config: Config, policy: Policy, source: Repository, listed: Sequence[Snapshot]) -> Snapshot:
    sealed = [item for item in listed if item.hostname == config.host and item.tag("kind") == "set"]
    if not sealed:
        raise BackupError("snapshot_missing", source.place, f"host {config.host}, policy {policy.name}")
    return sealed[-1]


def _here(source: Repository, listed: Sequence[Snapshot], snapshot_id: str) -> str:
    """Return the id that a snapshot of the local repository has in this one: a copy has its own."""
    for item in listed:
        if snapshot_id in {item.id, item.original}:
            return item.id
    raise BackupError("restore_failed", source.place, f"the dump's snapshot {snapshot_id[:8]} is not there")


def _staging(config: Config) -> Path:
    return config.state_directory / "staging"


def _read_manifest(config: Config, source: Repository, snapshot: Snapshot, place: Path) -> BackupSet:
    target = place / backup_set.MANIFEST_NAME
    try:
        repository.dump(source, snapshot.id, str(_staging(config) / backup_set.MANIFEST_NAME), target, QUICK_SECONDS)
        return backup_set.read(target)
    except ValueError as error:
        raise BackupError("manifest_missing", f"snapshot {snapshot.id[:8]}", str(error)) from error
    except BackupError as error:
        if error.cause.code != "unknown":
            raise
        raise BackupError("manifest_missing", f"snapshot {snapshot.id[:8]}", error.cause.detail) from error


def _verify_files(source: Repository, snapshot: Snapshot, sealed: BackupSet, place: Path, findings: Findings) -> None:
    target = place / "files"
    target.mkdir(mode=0o700)
    repository.restore(source, snapshot.id, [item.path for item in sealed.sample], target)
    differing: list[str] = []
    equal = changed = 0
    for item in sealed.sample:
        path = target / item.path.lstrip("/")
        try:
            found = path.lstat()
        except OSError:
            differing.append(f"{item.path} is missing")
            continue
        if found.st_mtime_ns != item.mtime_ns:
            changed += 1
        elif (found.st_size, backup_set.sha256(path)) != (item.size, item.sha256):
            differing.append(f"{item.path} has other content")
        elif (stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid) != (
            stat.S_IMODE(item.mode),
            item.uid,
            item.gid,
        ):
            differing.append(f"{item.path} has another owner or mode")
        else:
            equal += 1
    findings.require(
        "sample of files",
        not differing,
        f"{len(sealed.sample)} files with the same SHA-256, owner and mode",
        f"{equal} the same, {changed} changed while the backup ran, {len(differing)} not",
        Cause("manifest_mismatch", differing[0].split(" ")[0] if differing else "", "; ".join(differing[:5])),
    )
