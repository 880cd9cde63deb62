"""Forget old incidents, with their history and messages, their drills, and conditions that have long been over."""

from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlalchemy.orm import Session

from console.alerts.machine import Phase
from console.store.incidents import AlertState, Incident, Notification
from console.store.power import PowerDrill

STATES_KEPT = timedelta(days=1)  # longer than a condition is remembered as flapping
TESTS_KEPT = timedelta(days=90)


def forget_incidents(session: Session, now: datetime, oldest: datetime) -> None:
    """Delete incidents that were closed before ``oldest``; open ones stay.  The caller commits."""
    session.execute(delete(Incident).where(Incident.resolved_at < oldest))
    session.execute(
        delete(Notification).where(Notification.incident_id.is_(None), Notification.created_at < now - TESTS_KEPT)
    )
    session.execute(delete(PowerDrill).where(PowerDrill.until_at < oldest))
    session.execute(
        delete(AlertState).where(AlertState.phase == Phase.INACTIVE.value, AlertState.changed_at < now - STATES_KEPT)
    )
