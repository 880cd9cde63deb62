"""The restore test: the newest sealed set is restored into a scratch place and compared with its manifest.

FAILED is a finding about the backup; ERROR means that no verdict could be reached; SKIPPED, that there is
nothing to verify yet.  restic takes no lock here, so a verification never disturbs a running backup.
"""

import logging
import shutil
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from backup.config.policy import Config, Policy
from backup.errors import BackupError
from backup.night import backup_set
from backup.night.backup_set import BackupSet, Part
from backup.night.recorder import Now, now_utc
from backup.postgres import scratch
from backup.repositories import repository, rest_server
from backup.repositories.repository import Snapshot
from backup.repositories.restic import QUICK_SECONDS, Repository
from backup.rules.guard_times import SKEW
from backup.sources.work import Stored
from backup.status import Assertion, Cause, Verdict, Verification, new_id, write_verification
from backup.verification.findings import Findings

logger = logging.getLogger(__name__)

SCRATCH_PARENT = Path("/var/tmp")  # noqa: S108
BAD_BACKUP = {
    "base_damaged",
    "dump_damaged",
    "dump_misdated",
    "manifest_mismatch",
    "manifest_missing",
    "repository_damaged",
    "restore_corrupt",
    "restore_failed",
    "snapshot_too_old",
}
NO_VERDICT = {"snapshot_missing", "nothing_compared"}
"""There is nothing that could be proved or disproved: the verdict is SKIPPED."""


def _show_nobody(phase: str) -> None:
    """Show no progress."""


def verify_policy(
    config: Config,
    policy: Policy,
    repository_name: str = "local",
    *,
    self_test: bool = False,
    now: Now = now_utc,
    show: Callable[[str], None] = _show_nobody,
    scratch_parent: Path = SCRATCH_PARENT,
) -> Verification:
    """Verify the newest backup of ``policy`` in ``local`` or ``offsite``; returns the record, which it also writes.

    With ``self_test``, what was proved is then spoiled in the scratch place, to see that it is told.
    """
    started, began = now(), time.monotonic()
    findings = Findings(show, self_test)
    verdict, cause = Verdict.ERROR, None
    try:
        source = config.repository(repository_name)
        _verify(config, policy, source, started=started, findings=findings, scratch_parent=scratch_parent)
        verdict = Verdict.PASSED
    except BackupError as error:
        cause = error.cause
        if cause.code in NO_VERDICT:
            verdict = Verdict.SKIPPED
        elif cause.code in BAD_BACKUP:
            verdict = Verdict.FAILED
    except KeyboardInterrupt:
        cause = Cause("interrupted", config.host, "the verification was told to stop")
        raise
    finally:
        seconds = time.monotonic() - began - findings.phases.get("self-test", 0.0)
        rto = round(seconds, 3) if verdict is Verdict.PASSED else None
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
            rto_seconds=rto,
            rpo_target_seconds=policy.rpo_hours * 3600,
            rto_target_seconds=policy.rto_hours * 3600,
            rto_forecast_seconds=findings.forecast(rto),
            bytes_restored=findings.bytes_restored,
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
        snapshot = _newest(config, policy, source, [item for item in listed if item.time <= started + SKEW])
        findings.snapshot_id = snapshot.id
    with scratch.directory(scratch_parent) as place:
        with findings.phase("fetch"):
            sealed = _read_manifest(config, source, snapshot, place)
        findings.as_of = sealed.as_of
        in_files = snapshot.summary.bytes_processed if snapshot.summary else 0
        findings.bytes_in_set = in_files + sum(part.bytes for part in sealed.parts if part.snapshot_id)
        hours = (started - sealed.as_of).total_seconds() / 3600
        age = f"{hours:.1f} hours old (allowed: {policy.rpo_hours:g})"
        findings.require(
            "age of the data",
            hours <= policy.rpo_hours,
            f"at most {policy.rpo_hours:g} hours",
            f"{hours:.1f} hours",
            Cause("snapshot_too_old", source.place, age),
        )
        asked = len(findings.assertions)
        for number, part in enumerate(sealed.parts):
            prove = _prover(policy, part, findings)
            if prove is None:
                continue
            own = scratch.passage(place / str(number))
            prove(part, Stored(source, snapshot, listed, config.staging, own), findings)
            shutil.rmtree(own)
        answers = findings.assertions[asked:]
        if not any(answer.status is Verdict.PASSED for answer in answers):
            reasons = "; ".join(f"{answer.id}: {answer.detail or answer.got}" for answer in answers[:3])
            raise BackupError("nothing_compared", f"snapshot {snapshot.id[:8]}", reasons or "the set has no parts")


def _prover(policy: Policy, part: Part, findings: Findings) -> Callable[[Part, Stored, Findings], None] | None:
    """Return what proves ``part``; None, with a note, when the policy has no such source any more."""
    for source in policy.sources:
        if (source.kind, source.name) == (part.kind, part.name):
            return source.prove
    gone = "the policy has it no longer; the next backup will be without it"
    findings.assertions.append(Assertion(f"{part.name}: restored", Verdict.SKIPPED, "a source of the policy", gone))
    return None


def _newest(config: Config, policy: Policy, source: Repository, listed: Sequence[Snapshot]) -> Snapshot:
    sealed = [item for item in listed if item.hostname == config.host and item.tag("kind") == "set"]
    if not sealed:
        raise BackupError("snapshot_missing", source.place, f"host {config.host}, policy {policy.name}")
    return sealed[-1]


def _read_manifest(config: Config, source: Repository, snapshot: Snapshot, place: Path) -> BackupSet:
    target = place / backup_set.MANIFEST_NAME
    try:
        repository.dump(source, snapshot.id, str(config.staging / backup_set.MANIFEST_NAME), target, QUICK_SECONDS)
        return backup_set.read(target)
    except ValueError as error:
        raise BackupError("manifest_missing", f"snapshot {snapshot.id[:8]}", str(error)) from error
    except BackupError as error:
        if error.cause.code != "unknown":
            raise
        raise BackupError("manifest_missing", f"snapshot {snapshot.id[:8]}", error.cause.detail) from error
