"""Read from the store what the pages show of power and devices: few queries, however many UPSes there are."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from console.config import ConsoleConfig
from console.power.events import GROUPS
from console.power.forecast import Day
from console.power.outlook import Hour, Runtime, StageOutlook, outlook, runtime
from console.power.plan import Device, Ups
from console.power.series import CHARGE, LOAD, RUNTIME
from console.power.standing import DeviceStanding, UpsStanding, device_standing, ups_standing
from console.store.metrics import MetricHour, MetricSeries
from console.store.power import DeviceLatest, PowerEvent, UpsLatest

POWER = GROUPS[0]
FULL_RATIO = 0.99
ESTIMATE_FROM = timedelta(days=30)
DAY_SECONDS = 86400


@dataclass(frozen=True)
class UpsView:
    """One UPS of the facility: how it stands, for how long it lasts, who goes when."""

    ups: Ups
    standing: UpsStanding
    runtime: Runtime | None
    plan: tuple[StageOutlook, ...]


def load_upses(session: Session, config: ConsoleConfig, now: datetime) -> list[UpsView]:
    """Return every UPS of the facility, in the facility's order."""
    rows: dict[str, list[UpsLatest]] = defaultdict(list)
    for row in session.scalars(select(UpsLatest)):
        rows[row.ups].append(row)
    away = on_battery_last(session, [ups.name for ups in config.power.ups])
    interval = config.scrape_interval_seconds
    found = []
    for ups in config.power.ups:
        standing = ups_standing(rows[ups.name], now, interval, was_on_battery=ups.name in away)
        left = _runtime(session, ups, standing, now)
        plan = outlook(config.power.stages_of(ups), left.seconds if left else None)
        found.append(UpsView(ups, standing, left, tuple(plan)))
    return found


def _runtime(session: Session, ups: Ups, standing: UpsStanding, now: datetime) -> Runtime | None:
    if standing.shown is None:
        return None
    asks = standing.shown.runtime_seconds is None and standing.shown.load_ratio is not None
    return runtime(standing.shown, hours(session, ups.name, now - ESTIMATE_FROM) if asks else ())


def on_battery_last(session: Session, upses: Sequence[str]) -> set[str]:
    """Return the UPSes whose newest word on the mains was that it went."""
    newest = (
        select(func.max(PowerEvent.id))
        .where(PowerEvent.device.in_(upses), PowerEvent.code.in_(POWER))
        .group_by(PowerEvent.device)
    )
    query = select(PowerEvent.device).where(PowerEvent.id.in_(newest), PowerEvent.code == POWER[0])
    return set(session.scalars(query))


@dataclass(frozen=True)
class DeviceView:
    """One device of the facility and how it stands."""

    device: Device
    standing: DeviceStanding


def load_devices(session: Session, config: ConsoleConfig, now: datetime, only: str | None = None) -> list[DeviceView]:
    """Return every device of the facility in the facility's order, or the one of that name."""
    wanted = [one for one in config.devices if only in {None, one.name}]
    query = select(DeviceLatest).where(DeviceLatest.device.in_([one.name for one in wanted]))
    rows = {row.device: row for row in session.scalars(query)}
    interval = config.scrape_interval_seconds
    return [DeviceView(one, device_standing(rows.get(one.name), now, interval)) for one in wanted]


def load_events(session: Session, devices: Sequence[str], since: datetime, most: int) -> list[PowerEvent]:
    """Return the newest events of ``devices`` since then, newest first."""
    query = select(PowerEvent).where(PowerEvent.device.in_(devices), PowerEvent.at >= since)
    return list(session.scalars(query.order_by(PowerEvent.at.desc(), PowerEvent.id.desc()).limit(most)))


def _series(session: Session, ups: str) -> dict[str, int]:
    query = select(MetricSeries.name, MetricSeries.id).where(MetricSeries.host == ups, MetricSeries.label == "")
    return {row.name: row.id for row in session.execute(query)}


def hours(session: Session, ups: str, since: datetime) -> list[Hour]:
    """Return the hours since then in which runtime, load and charge were measured."""
    ids = _series(session, ups)
    if not {RUNTIME, LOAD, CHARGE} <= set(ids):
        return []
    left, load, charge = aliased(MetricHour), aliased(MetricHour), aliased(MetricHour)
    query = (
        select(left.average, load.average, charge.average)
        .join(load, (load.at == left.at) & (load.series_id == ids[LOAD]))
        .join(charge, (charge.at == left.at) & (charge.series_id == ids[CHARGE]))
        .where(left.series_id == ids[RUNTIME], left.at >= int(since.timestamp()))
    )
    return [Hour(*row) for row in session.execute(query)]


def full_days(session: Session, ups: str) -> list[Day]:
    """Return the averages of each day (UTC) over its hours at full charge: what a battery forecast is made from."""
    ids = _series(session, ups)
    if not {RUNTIME, LOAD, CHARGE} <= set(ids):
        return []
    left, load, charge = aliased(MetricHour), aliased(MetricHour), aliased(MetricHour)
    day = left.at - left.at % DAY_SECONDS
    query = (
        select(day, func.avg(left.average), func.avg(load.average))
        .join(load, (load.at == left.at) & (load.series_id == ids[LOAD]))
        .join(charge, (charge.at == left.at) & (charge.series_id == ids[CHARGE]))
        .where(left.series_id == ids[RUNTIME], charge.minimum >= FULL_RATIO)
        .group_by(day)
        .order_by(day)
    )
    return [Day(_date(at), seconds, ratio) for at, seconds, ratio in session.execute(query)]


def _date(at: int) -> date:
    return datetime.fromtimestamp(at, UTC).date()
