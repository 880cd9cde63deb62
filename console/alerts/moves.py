"""One look at one state, what comes of it, and its write by compare and set."""

from datetime import datetime

from sqlalchemy import insert, update
from sqlalchemy.orm import Session

from console.alerts.machine import Change, Phase, Standing, step
from console.alerts.signal import Look
from console.rules.problem import Severity
from console.store.incidents import AlertState


class ChangedMeanwhileError(Exception):
    """Somebody else moved a state between the look and the write."""


class Move:
    """What a look makes of a state.  ``row`` is None where the condition was never seen before.

    ``opens``: a new incident is due, because the condition fires, or because it still does although a person closed the
    incident long ago, or has become worse since.
    """

    def __init__(self, look: Look, row: AlertState | None, now: datetime) -> None:
        self.look = look
        self.row = row
        before = _standing(row) if row is not None else None
        severity = look.signal.severity if look.signal else Severity(row.severity if row else Severity.WARN)
        after, self.change = step(before, look.sight, severity, look.timing, now)
        self.after = after if after is not None else Standing(Phase.INACTIVE, severity, now, now)
        closed = row is not None and row.incident_id is None and self.after.phase is Phase.FIRING
        silence_over = row is not None and (row.quiet_until is None or row.quiet_until <= now)
        again = closed and (silence_over or self.change is Change.WORSENED)
        self.opens = look.signal is not None and (self.change is Change.OPENED or again)
        self.matters = after is not None and (after != before or self.opens)

    def write(self, session: Session, incident_id: int | None, quiet_until: datetime | None) -> None:
        """Write the new state; the caller commits.  Raises ``ChangedMeanwhileError``: then it must roll back."""
        after, row, signal = self.after, self.row, self.look.signal
        values = {
            "phase": after.phase.value,
            "severity": after.severity.value,
            "since": after.since,
            "changed_at": after.changed_at,
            "ended_at": after.ended_at,
            "flaps": after.flaps,
            "incident_id": incident_id,
            "quiet_until": quiet_until,
        }
        if row is not None:
            set_state(session, row, **values)
        elif signal is not None:
            named = {"rule": signal.rule, "object": signal.target, "host": signal.host, "labels": dict(signal.labels)}
            session.execute(insert(AlertState).values(fingerprint=signal.fingerprint, version=0, **named, **values))


def set_state(session: Session, row: AlertState, **values: object) -> None:
    """Change a state that is still as ``row`` has it.  Raises ``ChangedMeanwhileError``."""
    changed = session.scalar(
        update(AlertState)
        .where(AlertState.fingerprint == row.fingerprint, AlertState.version == row.version)
        .values(version=row.version + 1, **values)
        .returning(AlertState.version)
    )
    if changed is None:
        raise ChangedMeanwhileError(row.fingerprint)


def _standing(row: AlertState) -> Standing:
    return Standing(Phase(row.phase), Severity(row.severity), row.since, row.changed_at, row.ended_at, row.flaps)
