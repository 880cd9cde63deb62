"""What the facility's description says about alerts: which objects to expect, and what explains what."""

from datetime import datetime, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from console.alerts.evaluate import Objects
from console.alerts.signal import Signal
from console.config import ConsoleConfig
from console.store.incidents import Incident

ON_BATTERY = "ups_on_battery"
RETURN_GRACE = timedelta(minutes=15)
"""After the mains is back, the hosts that were sent off need this long to boot before their silence is told."""


def facility_objects(config: ConsoleConfig) -> Objects:
    """Return the UPSes and devices, each with the host whose agent reads it: the UPS's own, and the appliance."""
    appliance = next((host.name for host in config.hosts if "appliance" in host.groups), "")
    return Objects(
        readers={
            "ups": {ups.name: ups.connected_to for ups in config.power.ups},
            "device": {device.name: appliance for device in config.devices},
        },
        names={
            "ups": {ups.name: _shown(ups.name, ups.name_zh) for ups in config.power.ups},
            "device": {device.name: _shown(device.name, device.name_zh) for device in config.devices},
        },
    )


def _shown(name: str, name_zh: str) -> str:
    return name if name_zh in {"", name} else f"{name_zh} ({name})"


def explanation(session: Session, config: ConsoleConfig, signal: Signal, now: datetime) -> Incident | None:
    """Return the incident that explains why a host does not answer: its UPS is on battery, or was a moment ago."""
    if not signal.explained_by_power or signal.host is None:
        return None
    feeding = {ups.name for ups in config.power.ups if signal.host in ups.powers}
    recent = or_(Incident.resolved_at.is_(None), Incident.resolved_at > now - RETURN_GRACE)
    found = session.scalars(select(Incident).where(Incident.rule == ON_BATTERY, recent).order_by(Incident.id.desc()))
    return next((one for one in found if one.labels.get("ups") in feeding), None)


def loose(session: Session, now: datetime) -> list[Incident]:
    """Return the open incidents that are held back although what explained them is over."""
    found = []
    for one in session.scalars(select(Incident).where(Incident.held, Incident.resolved_at.is_(None))).all():
        source = session.get(Incident, one.held_by) if one.held_by else None
        if source is None or (source.resolved_at is not None and now - source.resolved_at >= RETURN_GRACE):
            found.append(one)
    return found
