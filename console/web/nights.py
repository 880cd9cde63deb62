"""Backups read back from the store: per host and policy, what succeeded, what was proved, night by night."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Row, func, select
from sqlalchemy.orm import Session

from console.config import Policy
from console.store.models import BackupRunRow, VerificationRow

SHOWN_NIGHTS = 28
GOOD = ("success", "warning")
BAD = ("failed", "interrupted")
RUN_COLUMNS = (
    BackupRunRow.run_id,
    BackupRunRow.host,
    BackupRunRow.policy,
    BackupRunRow.trigger,
    BackupRunRow.started_at,
    BackupRunRow.finished_at,
    BackupRunRow.outcome,
    BackupRunRow.bytes_processed,
    BackupRunRow.bytes_added,
    BackupRunRow.cause_code,
    BackupRunRow.cause_place,
    BackupRunRow.cause_detail,
)
PROOF_COLUMNS = (
    VerificationRow.verification_id,
    VerificationRow.host,
    VerificationRow.policy,
    VerificationRow.repository,
    VerificationRow.started_at,
    VerificationRow.finished_at,
    VerificationRow.verdict,
    VerificationRow.as_of,
    VerificationRow.rpo_seconds,
    VerificationRow.rto_seconds,
    VerificationRow.cause_code,
    VerificationRow.cause_place,
    VerificationRow.cause_detail,
)
Key = tuple[str, str]


@dataclass(frozen=True)
class Night:
    """One local day of one policy on one host; ``run`` is the day's last good run, else its last one.

    ``outcome`` is that run's, or ``recovered`` when another run of the day had failed before it.
    """

    day: date
    run: Row[Any] | None
    outcome: str | None
    proof: Row[Any] | None


@dataclass(frozen=True)
class Protection:
    """How well one policy protects one host.  ``rpo`` and ``rto`` targets are seconds."""

    host: str
    policy: str
    schedule: str
    rpo_target: float
    rto_target: float
    last_run: Row[Any] | None = None
    last_good: datetime | None = None
    last_proof: Row[Any] | None = None
    last_proved: datetime | None = None
    nights: tuple[Night, ...] = field(default=())

    def exposure_seconds(self, now: datetime) -> float | None:
        """Return how much work a loss of the host would cost now; None when nothing was ever backed up."""
        return None if self.last_good is None else (now - self.last_good).total_seconds()


def recent_runs(session: Session, since: datetime, host: str | None = None) -> list[Row[Any]]:
    """Return the runs started after ``since``, newest first, without their steps."""
    query = select(*RUN_COLUMNS).where(BackupRunRow.started_at >= since).order_by(BackupRunRow.started_at.desc())
    return list(session.execute(query if host is None else query.where(BackupRunRow.host == host)))


def recent_proofs(session: Session, since: datetime, host: str | None = None) -> list[Row[Any]]:
    """Return the restore tests started after ``since``, newest first, without their assertions."""
    query = select(*PROOF_COLUMNS).where(VerificationRow.started_at >= since)
    query = query.order_by(VerificationRow.started_at.desc())
    return list(session.execute(query if host is None else query.where(VerificationRow.host == host)))


def _newest(session: Session, table: type[BackupRunRow | VerificationRow], condition: Any) -> dict[Key, datetime]:  # noqa: ANN401 — SQL
    query = select(table.host, table.policy, func.max(table.started_at)).where(condition)
    return {(host, policy): at for host, policy, at in session.execute(query.group_by(table.host, table.policy))}


def _grouped(rows: list[Row[Any]]) -> dict[Key, list[Row[Any]]]:
    groups: dict[Key, list[Row[Any]]] = defaultdict(list)
    for row in rows:
        groups[row.host, row.policy].append(row)
    return groups


def _calendar(runs: list[Row[Any]], proofs: list[Row[Any]], today: date, zone: ZoneInfo) -> tuple[Night, ...]:
    by_day: dict[date, Row[Any]] = {}
    troubled = {run.started_at.astimezone(zone).date() for run in runs if run.outcome in BAD}
    for run in runs:  # newest first
        day = run.started_at.astimezone(zone).date()
        kept = by_day.get(day)
        if kept is None or (kept.outcome not in GOOD and run.outcome in GOOD):
            by_day[day] = run
    proved = {proof.started_at.astimezone(zone).date(): proof for proof in reversed(proofs)}
    days = (today - timedelta(days=back) for back in range(SHOWN_NIGHTS - 1, -1, -1))
    return tuple(
        Night(day, by_day.get(day), _outcome(by_day.get(day), troubled=day in troubled), proved.get(day))
        for day in days
    )


def _outcome(run: Row[Any] | None, *, troubled: bool) -> str | None:
    if run is None:
        return None
    return "recovered" if troubled and run.outcome in GOOD else str(run.outcome)


def protections(session: Session, policies: tuple[Policy, ...], now: datetime, zone: ZoneInfo) -> list[Protection]:
    """Return one entry for each host of each policy, in the configuration's order: four queries in all."""
    since = now - timedelta(days=SHOWN_NIGHTS)
    runs, proofs = _grouped(recent_runs(session, since)), _grouped(recent_proofs(session, since))
    good = _newest(session, BackupRunRow, BackupRunRow.outcome.in_(GOOD))
    proved = _newest(session, VerificationRow, VerificationRow.verdict == "passed")
    today = now.astimezone(zone).date()
    return [
        Protection(
            host=host,
            policy=policy.name,
            schedule=", ".join(policy.schedule),
            rpo_target=policy.rpo_hours * 3600,
            rto_target=policy.rto_hours * 3600,
            last_run=next(iter(runs.get((host, policy.name), ())), None),
            last_good=good.get((host, policy.name)),
            last_proof=next(iter(proofs.get((host, policy.name), ())), None),
            last_proved=proved.get((host, policy.name)),
            nights=_calendar(runs.get((host, policy.name), []), proofs.get((host, policy.name), []), today, zone),
        )
        for policy in policies
        for host in policy.hosts
    ]
