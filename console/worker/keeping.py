"""The worker's own upkeep: hours and retention, the audit log's seals and head, the pulse."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete
from sqlalchemy.orm import Session, sessionmaker

from console.alerts.upkeep import forget_incidents
from console.audit.log import AuditError, AuditLog
from console.audit.seal import seal_finished_days
from console.auth.sessions import remove_ended
from console.history import forget_old, roll_up
from console.snapshot import Snapshot
from console.store.backups import BackupRunRow, RestoreRow, VerificationRow
from console.store.hosts import FactDocument, HostLatest, HostState
from console.store.jobs import AuditHead, AuditSeal, JobSlot, WorkerPulse
from console.store.power import PowerEvent, PowerRecordRow
from console.store.repositories import RefusedDeletion, RepositorySize
from console.store.runs import ProvisionRun
from console.store.upsert import upsert

SLOTS_KEPT = timedelta(days=7)
FACTS_KEPT = timedelta(days=366)
EVENTS_KEPT = timedelta(days=92)
RECORDS_KEPT = timedelta(days=2 * 366)  # of backups, restores, provisioning runs, power cuts; sizes, refusals


@dataclass(frozen=True)
class Keeper:
    """Does the upkeep on one store and one audit log."""

    sessions: sessionmaker[Session]
    audit: AuditLog
    appliance: str

    def roll_up(self) -> None:
        """Make hours from minutes, then forget what is too old."""
        now = self.audit.now()
        with self.sessions.begin() as session:
            roll_up(session, now)
        with self.sessions.begin() as session:
            forget_old(session, now)

    def clean(self) -> None:
        """Delete ended sessions, old slots, old facts and old records."""
        now = self.audit.now()
        with self.sessions.begin() as session:
            remove_ended(session, now)
            session.execute(delete(JobSlot).where(JobSlot.claimed_at < now - SLOTS_KEPT))
            session.execute(delete(FactDocument).where(FactDocument.day < (now - FACTS_KEPT).astimezone(UTC).date()))
            oldest = now - RECORDS_KEPT
            for table in (BackupRunRow, VerificationRow, RestoreRow, ProvisionRun, PowerRecordRow):
                session.execute(delete(table).where(table.started_at < oldest))
            session.execute(delete(RepositorySize).where(RepositorySize.day < oldest.astimezone(UTC).date()))
            session.execute(delete(PowerEvent).where(PowerEvent.at < now - EVENTS_KEPT))
            session.execute(delete(RefusedDeletion).where(RefusedDeletion.at < oldest))
            forget_incidents(session, now, oldest)

    def seal(self) -> None:
        """Seal the finished days of the audit log and remember the seals in the store."""
        sealed = seal_finished_days(self.audit, self.appliance, self._clock())
        rows = [
            {
                "day": one.day,
                "records": one.summary.records,
                "first_seq": one.summary.first_seq,
                "last_seq": one.summary.last_seq,
                "file_sha256": one.summary.sha256,
                "seal_sha256": one.seal_sha256,
                "sealed_at": one.sealed_at,
            }
            for one in sealed
        ]
        with self.sessions.begin() as session:
            upsert(session, AuditSeal, rows)

    def note_head(self) -> None:
        """Remember the audit log's newest record in the store.  Raises ``AuditError`` when the log has lost its end."""
        files = self.audit.files
        files.create()
        with files.locked():
            head = self.audit.head()
        with self.sessions.begin() as session:
            known = session.get(AuditHead, 1)
            if known is not None and known.seq > head.seq:
                raise AuditError(
                    f"{self.audit.root}: the audit log ended at record {known.seq} and now ends at {head.seq}. "
                    "Next: xinglin console audit verify; find out who removed the records."
                )
            if head.seq and (known is None or known.seq < head.seq):
                session.merge(AuditHead(id=1, seq=head.seq, line_sha256=head.record_sha256, seen_at=self.audit.now()))

    def beat(self, pid: int, started_at: datetime) -> None:
        """Show that the worker lives."""
        with self.sessions.begin() as session:
            session.merge(WorkerPulse(id=1, pid=pid, started_at=started_at, beat_at=self.audit.now()))

    def _clock(self) -> str:
        with self.sessions() as session:
            latest = session.get(HostLatest, self.appliance)
            row = session.get(HostState, self.appliance)
            if latest is None or row is None or row.error_code is not None:
                return "unknown"
            synchronised = Snapshot.from_json(latest.snapshot).clock_synchronised
        if synchronised is None:
            return "unknown"
        return "synchronised" if synchronised else "unsynchronised"
