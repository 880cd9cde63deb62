"""Metric history: a bounded set of series a host, minute points for two days, hours for a year."""

from sqlalchemy import BigInteger, ForeignKey, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from console.store.base import Base


class MetricSeries(Base):
    """One measured quantity of one host, for example ``filesystem_used_ratio`` of ``/``."""

    __tablename__ = "metric_series"
    __table_args__ = (UniqueConstraint("host", "name", "label"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    host: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)  # console.worker.series.SERIES
    label: Mapped[str] = mapped_column(Text, default="")  # mount point and the like; empty when there is one only


class MetricMinute(Base):
    """The last value of a minute.  A minute without a scrape has no row: a gap stays a gap."""

    __tablename__ = "metric_minute"
    __table_args__ = ({"sqlite_with_rowid": False},)

    series_id: Mapped[int] = mapped_column(ForeignKey("metric_series.id", ondelete="CASCADE"), primary_key=True)
    at: Mapped[int] = mapped_column(BigInteger, primary_key=True)  # start of the minute, Unix seconds
    value: Mapped[float]


class MetricHour(Base):
    """An hour of minutes.  ``samples`` (1 to 60) tells how much of the hour was seen."""

    __tablename__ = "metric_hour"
    __table_args__ = ({"sqlite_with_rowid": False},)

    series_id: Mapped[int] = mapped_column(ForeignKey("metric_series.id", ondelete="CASCADE"), primary_key=True)
    at: Mapped[int] = mapped_column(BigInteger, primary_key=True)  # start of the hour, Unix seconds
    minimum: Mapped[float]
    average: Mapped[float]
    maximum: Mapped[float]
    samples: Mapped[int]
