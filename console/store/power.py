"""What the console knows of power and devices: how each stands, what happened, how power cuts and drills went."""

from datetime import datetime

from sqlalchemy import Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from console.store.base import Base, JsonObject, PackedJson


class UpsLatest(Base):
    """The newest of one UPS from one source: ``console.power.snapshot.UpsSnapshot`` as JSON.

    ``at`` is the scrape's time.  A row that no scrape has refreshed is old: ``console.power.standing`` says so.
    """

    __tablename__ = "ups_latest"

    ups: Mapped[str] = mapped_column(Text, primary_key=True)
    source: Mapped[str] = mapped_column(Text, primary_key=True)  # snmp | nut
    host: Mapped[str] = mapped_column(Text)  # whose agent says so
    at: Mapped[datetime]
    since: Mapped[datetime]  # since when it is (not) reachable, or carries these flags
    snapshot: Mapped[JsonObject]


class DeviceLatest(Base):
    """The newest of one polled or probed device: ``console.power.snapshot.DeviceSnapshot`` as JSON."""

    __tablename__ = "device_latest"

    device: Mapped[str] = mapped_column(Text, primary_key=True)
    host: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]
    since: Mapped[datetime]  # since when it is (not) reachable
    snapshot: Mapped[JsonObject] = mapped_column(PackedJson)  # a switch of 48 ports has 8 kB


class PowerEvent(Base):
    """One moment in the life of a UPS or a device: the mains went, came back, a link went down."""

    __tablename__ = "power_event"
    __table_args__ = (Index(None, "device", "at"), Index(None, "at"))

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    host: Mapped[str] = mapped_column(Text)
    device: Mapped[str] = mapped_column(Text)
    source: Mapped[str] = mapped_column(Text)  # trap | nut | snmp | probe | power
    code: Mapped[str] = mapped_column(Text)
    detail: Mapped[str] = mapped_column(Text)


class PowerRecordRow(Base):
    """A power cut or a drill: ``agent.power.records.PowerRecord`` as JSON, updated while it goes on."""

    __tablename__ = "power_record"
    __table_args__ = (Index(None, "started_at"),)

    record_id: Mapped[str] = mapped_column(Text, primary_key=True)
    ups: Mapped[str] = mapped_column(Text)
    host: Mapped[str] = mapped_column(Text)
    cause: Mapped[str] = mapped_column(Text)
    phase: Mapped[str] = mapped_column(Text)
    verdict: Mapped[str | None] = mapped_column(Text)
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    document: Mapped[JsonObject]
    received_at: Mapped[datetime]


class PowerDrill(Base):
    """A power drill while it goes on, as the agent of the UPS's host told it with its metrics.

    ``drill`` is the id of its record, which comes later.  By ``until_at`` it is over, whoever falls silent.
    """

    __tablename__ = "power_drill"

    drill: Mapped[str] = mapped_column(Text, primary_key=True)
    ups: Mapped[str] = mapped_column(Text)
    host: Mapped[str] = mapped_column(Text)  # whose agent says so
    how: Mapped[str] = mapped_column(Text)  # simulated | test | unplug
    announced_at: Mapped[datetime]
    until_at: Mapped[datetime]
    mains_back_at: Mapped[datetime | None]  # when the console saw it first
    ended_at: Mapped[datetime | None]  # the agent answered and told of it no more


class BootReport(Base):
    """How a host's newest boot came about, as its agent tells it: was the shutdown before it clean?"""

    __tablename__ = "boot_report"

    host: Mapped[str] = mapped_column(Text, primary_key=True)
    document: Mapped[JsonObject]
    received_at: Mapped[datetime]
