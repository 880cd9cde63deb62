"""Nights read back from the store: what a policy did on each of the last days, and what was proved then."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from console.store.models import BackupRunRow, VerificationRow

WEEKS = 5
SHOWN_NIGHTS = 7 * WEEKS
GOOD = ("success", "warning")
BAD = ("failed", "interrupted")
DISPROVED = ("failed",)
# After its time of day a run may still come for so long before the night counts as missed.
MISSED_AFTER = timedelta(hours=2)
RUN_COLUMNS = (
    BackupRunRow.run_id,
    BackupRunRow.host,
    BackupRunRow.policy,
    BackupRunRow.trigger,
    BackupRunRow.started_at,
    BackupRunRow.finished_at,
    BackupRunRow.outcome,
    BackupRunRow.snapshot_id,
    BackupRunRow.offsite_snapshot_id,
    BackupRunRow.bytes_processed,
    BackupRunRow.bytes_added,
    BackupRunRow.cause_code,
    BackupRunRow.cause_place,
    BackupRunRow.cause_detail,
    BackupRunRow.received_at,
)
PROOF_COLUMNS = (
    VerificationRow.verification_id,
    VerificationRow.host,
    VerificationRow.policy,
    VerificationRow.repository,
    VerificationRow.snapshot_id,
    VerificationRow.started_at,
    VerificationRow.finished_at,
    VerificationRow.verdict,
    VerificationRow.as_of,
    VerificationRow.rpo_seconds,
    VerificationRow.rto_seconds,
    VerificationRow.bytes_restored,
    VerificationRow.cause_code,
    VerificationRow.cause_place,
    VerificationRow.cause_detail,
)
Key = tuple[str, str]
Rows = list[Row[Any]]


@dataclass(frozen=True)
class Night:
    """One local day of one policy on one host; ``run`` is the day's last good run, else its last one.

    ``kind`` is a word of ``console.web.words.NIGHTS``; None where nothing was due.
    """

    day: date
    kind: str | None
    run: Row[Any] | None
    proof: Row[Any] | None


def recent_runs(session: Session, since: datetime, host: str | None = None) -> Rows:
    """Return the runs started after ``since``, newest first, without their steps."""
    query = select(*RUN_COLUMNS).where(BackupRunRow.started_at >= since).order_by(BackupRunRow.started_at.desc())
    return list(session.execute(query if host is None else query.where(BackupRunRow.host == host)))


def recent_proofs(session: Session, since: datetime, host: str | None = None) -> Rows:
    """Return the restore tests started after ``since``, newest first, without their assertions."""
    query = select(*PROOF_COLUMNS).where(VerificationRow.started_at >= since)
    query = query.order_by(VerificationRow.started_at.desc())
    return list(session.execute(query if host is None else query.where(VerificationRow.host == host)))


def grouped(rows: Rows) -> dict[Key, Rows]:
    """Return the rows by host and policy, in their order."""
    groups: dict[Key, Rows] = defaultdict(list)
    for row in rows:
        groups[row.host, row.policy].append(row)
    return groups


def first_day(now: datetime, zone: ZoneInfo) -> date:
    """Return the Monday on which the calendar begins."""
    today = now.astimezone(zone).date()
    return today - timedelta(days=today.weekday() + 7 * (WEEKS - 1))


def weeks(
    runs: Rows, proofs: Rows, schedule: tuple[str, ...], now: datetime, zone: ZoneInfo
) -> tuple[tuple[Night, ...], ...]:
    """Return five weeks from Monday to Sunday, the last one with today; ``runs`` and ``proofs`` newest first."""
    by_day: dict[date, Rows] = defaultdict(list)
    for run in runs:
        by_day[run.started_at.astimezone(zone).date()].append(run)
    proved = _proofs_by_day(runs, proofs, zone)
    begun = min(by_day, default=None)
    start, due = first_day(now, zone), _due(schedule, now, zone)
    nights = [
        _night(day, by_day.get(day, []), proved.get(day), due=begun is not None and begun < day < due)
        for day in (start + timedelta(days=number) for number in range(SHOWN_NIGHTS))
    ]
    return tuple(tuple(nights[at : at + 7]) for at in range(0, SHOWN_NIGHTS, 7))


def _due(schedule: tuple[str, ...], now: datetime, zone: ZoneInfo) -> date:
    """Return the first day whose run may still come."""
    local = now.astimezone(zone)
    hour, minute = (int(part) for part in (min(schedule, default="") or "23:59").split(":"))
    latest = local.replace(hour=hour, minute=minute, second=0, microsecond=0) + MISSED_AFTER
    return local.date() + timedelta(days=1) if local > latest else local.date()


def _proofs_by_day(runs: Rows, proofs: Rows, zone: ZoneInfo) -> dict[date, Row[Any]]:
    """Return each day's last proof from the local repository, or one from the vault that found the backup bad.

    A proof belongs to the night whose backup it restored.  The vault's weekly proof says nothing good of a night.
    """
    made = {name: run for run in runs for name in (run.snapshot_id, run.offsite_snapshot_id) if name}
    found: dict[str, dict[date, Row[Any]]] = {"local": {}, "offsite": {}}
    for proof in reversed(proofs):
        run = made.get(proof.snapshot_id)
        found.setdefault(proof.repository, {})[(run or proof).started_at.astimezone(zone).date()] = proof
    return found["local"] | {day: proof for day, proof in found["offsite"].items() if proof.verdict in DISPROVED}


def _night(day: date, runs: Rows, proof: Row[Any] | None, *, due: bool) -> Night:
    good = next((run for run in runs if run.outcome in GOOD), None)
    run = good or next(iter(runs), None)
    if run is None:
        return Night(day, "missed" if due else None, None, proof)
    if proof is not None and proof.verdict in DISPROVED:
        kind = "disproved"
    elif run.outcome in BAD:
        kind = "failed"
    elif run.outcome not in GOOD:
        kind = "running" if run.outcome == "running" else "missed"
    elif proof is None or proof.verdict != "passed":
        kind = "unproved"
    elif any(other.outcome in BAD for other in runs):
        kind = "recovered"
    else:
        kind = "warning" if run.outcome == "warning" else "proved"
    return Night(day, kind, run, proof)
