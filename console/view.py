"""Read from the store what the rules and the pages look at."""

from datetime import datetime

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from backup.status import Outcome, Verdict
from console.config import ConsoleConfig, Policy
from console.problems import Problem, find_problems
from console.rules.view import PolicyView, StoreView
from console.snapshot import Snapshot
from console.store.backups import BackupRunRow, VerificationRow
from console.store.hosts import AssessmentResult, HostLatest, HostState
from console.store.jobs import JobSlot, WorkerPulse
from console.store.runs import ProvisionRun


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
    )


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
