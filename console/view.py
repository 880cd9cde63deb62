"""Read from the store what the rules and the pages look at."""

from datetime import datetime

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from backup.status import Outcome, Purpose, Verdict
from console.config import ConsoleConfig, Policy
from console.forecast import Proof
from console.problems import Problem, find_problems
from console.rules.view import SERVERS, PolicyView, Probe, StoreView
from console.snapshot import Snapshot
from console.store.backups import BackupRunRow, RestoreRow, VerificationRow
from console.store.hosts import AssessmentResult, HostLatest, HostState
from console.store.jobs import JobSlot, WorkerPulse
from console.store.repositories import RefusedDeletion, RepositoryRow, SpaceRow
from console.store.runs import ProvisionRun

TREND_PROOFS = 60
REFUSALS = 200
PROBED_RUNS = 10
PROBE = "append_only"  # the step in which a run asks both repositories to delete something
RECOVERY_KEY = "recovery key"  # what backup.kit writes into the record of its drill


def load_view(session: Session, config: ConsoleConfig) -> StoreView:
    """Return what the rules need, of the facility's hosts only."""
    names = [host.name for host in config.hosts]
    rows = session.scalars(select(HostState).where(HostState.name.in_(names)).order_by(HostState.name)).all()
    latest = session.scalars(select(HostLatest).where(HostLatest.host.in_(names))).all()
    assessments = session.scalars(select(AssessmentResult).where(AssessmentResult.host.in_(names))).all()
    return StoreView(
        config=config,
        hosts=tuple(rows),
        snapshots={row.host: Snapshot.from_json(row.snapshot) for row in latest},
        policies=tuple(policy_view(session, host, policy) for policy in config.policies for host in policy.hosts),
        repositories=tuple(
            session.scalars(
                select(RepositoryRow)
                .where(RepositoryRow.server.in_(names), RepositoryRow.host.in_(names))
                .order_by(RepositoryRow.host, RepositoryRow.kind)
            )
        ),
        spaces=tuple(session.scalars(select(SpaceRow).where(SpaceRow.server.in_(names)).order_by(SpaceRow.server))),
        refusals=tuple(
            session.scalars(
                select(RefusedDeletion)
                .where(RefusedDeletion.server.in_(names))
                .order_by(RefusedDeletion.at.desc())
                .limit(REFUSALS)
            )
        ),
        key_drill=key_drill(session, RestoreRow.outcome == Outcome.SUCCESS),
        key_failure=key_failure(session),
        newest_run=session.scalar(
            select(ProvisionRun).where(ProvisionRun.check.is_(False)).order_by(ProvisionRun.started_at.desc()).limit(1)
        ),
        assessments=tuple(assessments),
        pulse=session.get(WorkerPulse, 1),
        failed_jobs=failed_jobs(session),
    )


def open_problems(session: Session, config: ConsoleConfig, now: datetime) -> tuple[Problem, ...]:
    """Return every open problem, worst first."""
    return find_problems(load_view(session, config), now)


def policy_view(session: Session, host: str, policy: Policy) -> PolicyView:
    """Return the newest runs and restore tests of a policy on a host."""
    return PolicyView(
        host=host,
        policy=policy,
        newest_run=_run(session, host, policy, BackupRunRow.outcome != Outcome.RUNNING),
        last_success=_run(session, host, policy, BackupRunRow.outcome.in_((Outcome.SUCCESS, Outcome.WARNING))),
        newest_verification=_verification(session, host, policy, VerificationRow.verdict != Verdict.SKIPPED),
        last_passed=_verification(session, host, policy, VerificationRow.verdict == Verdict.PASSED),
        last_offsite=_run(session, host, policy, BackupRunRow.offsite_snapshot_id.is_not(None)),
        proofs=_proofs(session, host, policy),
        probes=_probes(session, host, policy),
    )


def key_drill(session: Session, *which: ColumnElement[bool]) -> RestoreRow | None:
    """Return the newest drill with the sealed recovery key."""
    return session.scalar(
        select(RestoreRow)
        .where(RestoreRow.purpose == Purpose.DRILL, RestoreRow.what == RECOVERY_KEY, *which)
        .order_by(RestoreRow.started_at.desc())
        .limit(1)
    )


def key_failure(session: Session) -> RestoreRow | None:
    """Return a drill in which the key did not open a repository, when no later drill opened that one."""
    failed = key_drill(session, RestoreRow.outcome == Outcome.FAILED)
    if failed is None:
        return None
    later = key_drill(
        session,
        RestoreRow.outcome == Outcome.SUCCESS,
        RestoreRow.host == failed.host,
        RestoreRow.repository == failed.repository,
        RestoreRow.started_at > failed.started_at,
    )
    return failed if later is None else None


def _proofs(session: Session, host: str, policy: Policy) -> tuple[Proof, ...]:
    """Return the newest restore tests that passed, as far as a trend needs them."""
    query = (
        select(VerificationRow.started_at, VerificationRow.rto_seconds, VerificationRow.bytes_restored)
        .where(VerificationRow.host == host, VerificationRow.policy == policy.name)
        .where(VerificationRow.verdict == Verdict.PASSED, VerificationRow.rto_seconds.is_not(None))
        .order_by(VerificationRow.started_at.desc())
        .limit(TREND_PROOFS)
    )
    return tuple(Proof(at, seconds, size or 0) for at, seconds, size in session.execute(query) if seconds is not None)


def _probes(session: Session, host: str, policy: Policy) -> tuple[Probe, ...]:
    """Return the newest clear answer of each repository to the request to delete something."""
    query = (
        select(BackupRunRow.steps)
        .where(BackupRunRow.host == host, BackupRunRow.policy == policy.name)
        .order_by(BackupRunRow.started_at.desc())
        .limit(PROBED_RUNS)
    )
    newest: dict[str, Probe] = {}
    for steps in session.scalars(query):
        for step in steps:
            for repository in SERVERS if step["name"] == PROBE else ():
                refused = step["numbers"].get(f"{repository}_protected")
                if refused is not None:
                    at = datetime.fromisoformat(step["finished_at"] or step["started_at"])
                    answer = Probe(at, repository, bool(refused), None if refused else step["cause"])
                    newest.setdefault(repository, answer)
    return tuple(newest.values())


def failed_jobs(session: Session) -> tuple[JobSlot, ...]:
    """Return the newest finished execution of each job whose newest execution failed."""
    newest: dict[str, JobSlot] = {}
    query = select(JobSlot).where(JobSlot.finished_at.is_not(None)).order_by(JobSlot.claimed_at.desc()).limit(500)
    for slot in session.scalars(query):
        newest.setdefault(slot.job, slot)
    return tuple(slot for slot in newest.values() if slot.outcome == "failed")


def _run(session: Session, host: str, policy: Policy, which: ColumnElement[bool]) -> BackupRunRow | None:
    return session.scalar(
        select(BackupRunRow)
        .where(BackupRunRow.host == host, BackupRunRow.policy == policy.name, which)
        .order_by(BackupRunRow.started_at.desc())
        .limit(1)
    )


def _verification(session: Session, host: str, policy: Policy, which: ColumnElement[bool]) -> VerificationRow | None:
    return session.scalar(
        select(VerificationRow)
        .where(VerificationRow.host == host, VerificationRow.policy == policy.name, which)
        .order_by(VerificationRow.started_at.desc())
        .limit(1)
    )
