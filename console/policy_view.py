"""Read one policy's newest runs, restore tests, answers of its repositories: four queries, however long the history."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session, defer

from backup.status import Outcome, Verdict
from console.config import Policy
from console.forecast import Proof
from console.rules.view import SERVERS, PolicyView, Probe
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
    tested = (VerificationRow.host == host, VerificationRow.policy == policy.name)
    runs, tests = _runs(session, AT_ONCE, *mine), _tests(session, AT_ONCE, *tested)

    def run(known: Sequence[BackupRunRow], condition: ColumnElement[bool]) -> BackupRunRow | None:
        older = () if known or len(runs) < AT_ONCE else _runs(session, 1, *mine, condition)
        return next(iter(known or older), None)

    def test(known: Sequence[VerificationRow], condition: ColumnElement[bool]) -> VerificationRow | None:
        older = () if known or len(tests) < AT_ONCE else _tests(session, 1, *tested, condition)
        return next(iter(known or older), None)

    return PolicyView(
        host=host,
        policy=policy,
        newest_run=run([one for one in runs if one.outcome not in UNDECIDED], BackupRunRow.outcome.not_in(UNDECIDED)),
        last_success=run([one for one in runs if one.outcome in GOOD], BackupRunRow.outcome.in_(GOOD)),
        newest_verification=test(
            [one for one in tests if one.verdict != Verdict.SKIPPED], VerificationRow.verdict != Verdict.SKIPPED
        ),
        last_passed=test(
            [one for one in tests if one.verdict == Verdict.PASSED], VerificationRow.verdict == Verdict.PASSED
        ),
        last_offsite=run(
            [one for one in runs if one.offsite_snapshot_id], BackupRunRow.offsite_snapshot_id.is_not(None)
        ),
        proofs=_proofs(session, *tested),
        probes=_probes(session, *mine),
    )


def _runs(session: Session, count: int, *which: ColumnElement[bool]) -> Sequence[BackupRunRow]:
    query = select(BackupRunRow).where(*which).order_by(BackupRunRow.started_at.desc()).limit(count)
    return session.scalars(query.options(defer(BackupRunRow.steps))).all()


def _tests(session: Session, count: int, *which: ColumnElement[bool]) -> Sequence[VerificationRow]:
    query = select(VerificationRow).where(*which).order_by(VerificationRow.started_at.desc()).limit(count)
    heavy = (defer(VerificationRow.assertions), defer(VerificationRow.phases))
    return session.scalars(query.options(*heavy)).all()


def _proofs(session: Session, *which: ColumnElement[bool]) -> tuple[Proof, ...]:
    """Return the newest restore tests that passed, as far as a trend needs them."""
    query = (
        select(VerificationRow.started_at, VerificationRow.rto_seconds, VerificationRow.bytes_restored)
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
