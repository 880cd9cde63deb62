"""Read from the store what the rules and the pages look at."""

from datetime import datetime

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from backup.status import Outcome, Purpose
from console.config import ConsoleConfig
from console.policy_view import policy_view
from console.problems import Problem, find_problems
from console.rules.view import StoreView
from console.snapshot import Snapshot
from console.store.backups import RestoreRow, WalRow
from console.store.hosts import AssessmentResult, HostLatest, HostState
from console.store.jobs import JobSlot, WorkerPulse
from console.store.repositories import CopyRow, RefusedDeletion, RepositoryRow, SpaceRow
from console.store.runs import ProvisionRun

REFUSALS = 200
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
        repositories=repositories(session, config),
        copies=copies(session, config),
        spaces=spaces(session, config),
        refusals=refusals(session, config),
        wals=tuple(session.scalars(select(WalRow).where(WalRow.host.in_(names)).order_by(WalRow.host))),
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


def repositories(session: Session, config: ConsoleConfig) -> tuple[RepositoryRow, ...]:
    """Return how the repositories of the facility's hosts on its servers stand, by host."""
    names = [host.name for host in config.hosts]
    query = select(RepositoryRow).where(RepositoryRow.server.in_(names), RepositoryRow.host.in_(names))
    return tuple(session.scalars(query.order_by(RepositoryRow.host, RepositoryRow.kind)))


def copies(session: Session, config: ConsoleConfig) -> tuple[CopyRow, ...]:
    """Return how the further copies of the facility's hosts stand, by host."""
    names = [host.name for host in config.hosts]
    query = select(CopyRow).where(CopyRow.server.in_(names), CopyRow.host.in_(names))
    return tuple(session.scalars(query.order_by(CopyRow.host, CopyRow.name)))


def spaces(session: Session, config: ConsoleConfig) -> tuple[SpaceRow, ...]:
    """Return the space on the facility's repository servers."""
    names = [host.name for host in config.hosts]
    return tuple(session.scalars(select(SpaceRow).where(SpaceRow.server.in_(names)).order_by(SpaceRow.server)))


def refusals(session: Session, config: ConsoleConfig) -> tuple[RefusedDeletion, ...]:
    """Return the newest deletions that the facility's repository servers refused, newest first."""
    names = [host.name for host in config.hosts]
    query = select(RefusedDeletion).where(RefusedDeletion.server.in_(names))
    return tuple(session.scalars(query.order_by(RefusedDeletion.at.desc()).limit(REFUSALS)))


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


def failed_jobs(session: Session) -> tuple[JobSlot, ...]:
    """Return the newest finished execution of each job whose newest execution failed."""
    newest: dict[str, JobSlot] = {}
    query = select(JobSlot).where(JobSlot.finished_at.is_not(None)).order_by(JobSlot.claimed_at.desc()).limit(500)
    for slot in session.scalars(query):
        newest.setdefault(slot.job, slot)
    return tuple(slot for slot in newest.values() if slot.outcome == "failed")
