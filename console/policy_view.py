"""Read one policy's newest runs, restore tests and answers of its repositories: few queries, however many nights."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session, defer

from backup.status import Outcome, Verdict
from console.config import Policy
from console.forecast import Proof
from console.rules.view import SERVERS, PolicyView, Probe, RestoreTests
from console.store.backups import BackupRunRow, VerificationRow

GOOD = frozenset({Outcome.SUCCESS, Outcome.WARNING})
UNDECIDED = frozenset({Outcome.RUNNING, Outcome.SKIPPED})
AT_ONCE = 8
"""So many of the newest are read at once; what is not among them is looked up by itself."""
TREND_PROOFS = 45
PROBED_RUNS = 3
PROBE = "append_only"
"""The step in which a run asks both repositories to delete something."""


def policy_view(session: Session, host: str, policy: Policy) -> PolicyView:
    """Return the newest runs and restore tests of a policy on a host."""
    mine = (BackupRunRow.host == host, BackupRunRow.policy == policy.name)
    runs = _runs(session, AT_ONCE, *mine)

    def run(known: Sequence[BackupRunRow], condition: ColumnElement[bool]) -> BackupRunRow | None:
        older = () if known or len(runs) < AT_ONCE else _runs(session, 1, *mine, condition)
        return next(iter(known or older), None)

    return PolicyView(
        host=host,
        policy=policy,
        newest_run=run([one for one in runs if one.outcome not in UNDECIDED], BackupRunRow.outcome.not_in(UNDECIDED)),
        last_success=run([one for one in runs if one.outcome in GOOD], BackupRunRow.outcome.in_(GOOD)),
        last_offsite=run(
            [one for one in runs if one.offsite_snapshot_id], BackupRunRow.offsite_snapshot_id.is_not(None)
        ),
        local=_tested(session, host, policy, "local", BackupRunRow.outcome.in_(GOOD)),
        offsite=_tested(session, host, policy, "offsite", BackupRunRow.offsite_snapshot_id.is_not(None)),
        proofs=_proofs(session, *_tests_of(host, policy, "local")),
        probes=_probes(session, *mine),
    )


def _runs(session: Session, count: int, *which: ColumnElement[bool]) -> Sequence[BackupRunRow]:
    query = select(BackupRunRow).where(*which).order_by(BackupRunRow.started_at.desc()).limit(count)
    return session.scalars(query.options(defer(BackupRunRow.steps))).all()


def _tests_of(host: str, policy: Policy, repository: str) -> tuple[ColumnElement[bool], ...]:
    row = VerificationRow
    return row.host == host, row.policy == policy.name, row.repository == repository


def _tested(session: Session, host: str, policy: Policy, repository: str, stored: ColumnElement[bool]) -> RestoreTests:
    """Return the newest restore tests from one repository; ``stored`` is true of runs whose backup is there."""
    mine = _tests_of(host, policy, repository)
    newest = _test(session, *mine)
    passed = newest
    if newest is not None and newest.verdict != Verdict.PASSED:
        passed = _test(session, *mine, VerificationRow.verdict == Verdict.PASSED)
    if passed is not None:
        return RestoreTests(newest, passed)
    runs = select(BackupRunRow.started_at).where(BackupRunRow.host == host, BackupRunRow.policy == policy.name, stored)
    return RestoreTests(newest, None, session.scalar(runs.order_by(BackupRunRow.started_at).limit(1)))


def _test(session: Session, *which: ColumnElement[bool]) -> VerificationRow | None:
    query = select(VerificationRow).where(*which).order_by(VerificationRow.started_at.desc()).limit(1)
    return session.scalar(query.options(defer(VerificationRow.assertions), defer(VerificationRow.phases)))


def _proofs(session: Session, *which: ColumnElement[bool]) -> tuple[Proof, ...]:
    """Return the newest restore tests that passed, as far as a trend needs them."""
    query = (
        select(
            VerificationRow.started_at,
            func.coalesce(VerificationRow.rto_forecast_seconds, VerificationRow.rto_seconds),
            VerificationRow.bytes_restored,
        )
        .where(*which, VerificationRow.verdict == Verdict.PASSED)
        .order_by(VerificationRow.started_at.desc())
        .limit(TREND_PROOFS)
    )
    return tuple(Proof(at, seconds, size or 0) for at, seconds, size in session.execute(query) if seconds is not None)


def _probes(session: Session, *which: ColumnElement[bool]) -> tuple[Probe, ...]:
    """Return the newest clear answer of each repository to the request to delete something."""
    query = select(BackupRunRow.steps).where(*which).order_by(BackupRunRow.started_at.desc()).limit(PROBED_RUNS)
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
