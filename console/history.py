"""Metric history: write minutes, roll them up to hours, forget what is too old, read a range with its gaps."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Select, delete, func, literal_column, select
from sqlalchemy.orm import Session

from console.store.metrics import MetricHour, MetricMinute, MetricSeries
from console.store.upsert import upsert

MINUTE, FIVE_MINUTES, HOUR = 60, 300, 3600
MINUTES_KEPT = timedelta(hours=48)
SINGLE_MINUTES = timedelta(hours=6)  # a longer range in minutes has more points than a screen has columns
HOURS_KEPT = timedelta(days=366)


@dataclass(frozen=True)
class Bucket:
    """A minute or an hour of one series; ``at`` is its start in Unix seconds.

    All three values are None in a gap: nothing was measured, and nothing may be drawn.
    """

    at: int
    minimum: float | None
    average: float | None
    maximum: float | None


@dataclass(frozen=True)
class History:
    """One series over a range, one bucket for every step of it."""

    name: str
    label: str
    step_seconds: int
    buckets: tuple[Bucket, ...]


@dataclass
class Writer:
    """Writes points; remembers the ids of series.  Belongs to the worker's one writing thread."""

    _ids: dict[tuple[str, str, str], int] = field(default_factory=dict)

    def write(self, session: Session, host: str, moment: datetime, values: Iterable[tuple[str, str, float]]) -> None:
        """Write ``(name, label, value)`` of ``moment``; the last one of a minute stays.  The caller commits."""
        minute = int(moment.timestamp()) // MINUTE * MINUTE
        rows = [
            {"series_id": self._id(session, host, name, label), "at": minute, "value": value}
            for name, label, value in values
        ]
        upsert(session, MetricMinute, rows)

    def forget(self) -> None:
        """Forget the ids; call it after a rollback, which may have undone a new series."""
        self._ids.clear()

    def _id(self, session: Session, host: str, name: str, label: str) -> int:
        key = (host, name, label)
        if key not in self._ids:
            where = (MetricSeries.host == host, MetricSeries.name == name, MetricSeries.label == label)
            series = session.scalar(select(MetricSeries).where(*where))
            if series is None:
                series = MetricSeries(host=host, name=name, label=label)
                session.add(series)
                session.flush()
            self._ids[key] = series.id
        return self._ids[key]


def roll_up(session: Session, now: datetime) -> int:
    """Make hours from the minutes of every finished hour that is still kept; return the hours written.

    Doing it again gives the same hours, so a missed or killed run heals with the next one.  The caller commits.
    """
    end = int(now.timestamp()) // HOUR * HOUR
    written = 0
    for series_id in session.scalars(select(MetricSeries.id)).all():
        newest = session.scalar(select(func.max(MetricHour.at)).where(MetricHour.series_id == series_id))
        start = max(newest or 0, end - int(MINUTES_KEPT.total_seconds()))
        rows = session.execute(_grouped(series_id, start, end, HOUR)).all()
        names = ("at", "minimum", "average", "maximum", "samples")
        upsert(session, MetricHour, [{"series_id": series_id, **dict(zip(names, row, strict=True))} for row in rows])
        written += len(rows)
    return written


def forget_old(session: Session, now: datetime) -> None:
    """Delete minutes and hours beyond their time, and series without any point; the caller commits."""
    moment = int(now.timestamp())
    for series_id in session.scalars(select(MetricSeries.id)).all():
        # One series at a time: its points lie together, so each delete is a short range and no scan.
        for table, kept in ((MetricMinute, MINUTES_KEPT), (MetricHour, HOURS_KEPT)):
            old = moment - int(kept.total_seconds())
            session.execute(delete(table).where(table.series_id == series_id, table.at < old))
        left = session.scalar(
            select(MetricHour.at).where(MetricHour.series_id == series_id).limit(1)
        ) or session.scalar(select(MetricMinute.at).where(MetricMinute.series_id == series_id).limit(1))
        if left is None:
            session.execute(delete(MetricSeries).where(MetricSeries.id == series_id))


def read_history(
    session: Session, host: str, start: datetime, end: datetime, names: Sequence[str] | None = None
) -> list[History]:
    """Return the series of ``host`` (all, or those called ``names``) from ``start`` to ``end``, gaps as empty buckets.

    A range up to 6 hours has minutes, up to 48 hours five minutes, a longer one hours; the hours that are not rolled
    up yet are made from minutes.
    """
    step = _step(end - start)
    first = int(start.timestamp()) // step * step
    last = int(end.timestamp())
    query = select(MetricSeries).where(MetricSeries.host == host).order_by(MetricSeries.name, MetricSeries.label)
    if names is not None:
        query = query.where(MetricSeries.name.in_(names))
    found = []
    for series in session.scalars(query).all():
        read = _hours if step == HOUR else partial(_from_minutes, step=step)
        values = {bucket.at: bucket for bucket in read(session, series.id, first, last)}
        buckets = tuple(values.get(at) or Bucket(at, None, None, None) for at in range(first, last + 1, step))
        found.append(History(series.name, series.label, step, buckets))
    return found


def _step(length: timedelta) -> int:
    if length <= SINGLE_MINUTES:
        return MINUTE
    return FIVE_MINUTES if length <= MINUTES_KEPT else HOUR


def _from_minutes(session: Session, series_id: int, first: int, last: int, step: int) -> list[Bucket]:
    rows = session.execute(_grouped(series_id, first, last + 1, step))
    return [Bucket(at, low, average, high) for at, low, average, high, _ in rows]


def _hours(session: Session, series_id: int, first: int, last: int) -> list[Bucket]:
    rows = session.execute(
        select(MetricHour.at, MetricHour.minimum, MetricHour.average, MetricHour.maximum)
        .where(MetricHour.series_id == series_id, MetricHour.at >= first, MetricHour.at <= last)
        .order_by(MetricHour.at)
    )
    buckets = [Bucket(*row) for row in rows]
    begin = buckets[-1].at + HOUR if buckets else max(first, last - int(MINUTES_KEPT.total_seconds()))
    return buckets + _from_minutes(session, series_id, begin, last, HOUR)


def _grouped(series_id: int, start: int, end: int, step: int) -> Select[int, float, float, float, int]:
    bucket = (MetricMinute.at - MetricMinute.at % literal_column(str(step))).label("bucket")
    value = MetricMinute.value
    return (
        select(bucket, func.min(value), func.avg(value), func.max(value), func.count())
        .where(MetricMinute.series_id == series_id, MetricMinute.at >= start, MetricMinute.at < end)
        .group_by(bucket)
    )
