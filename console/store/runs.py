"""Provision runs and their tasks, as the runner recorded them (``playbooks.record``)."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from console.store.base import Base, JsonObject


class ProvisionRun(Base):
    """One run of a playbook over some hosts."""

    __tablename__ = "provision_run"
    __table_args__ = (Index(None, "started_at"),)

    run_id: Mapped[str] = mapped_column(Text, primary_key=True)
    playbook: Mapped[str] = mapped_column(Text)
    check: Mapped[bool]
    limit: Mapped[str | None] = mapped_column(Text)
    tags: Mapped[list[str]]
    operator: Mapped[str | None] = mapped_column(Text)
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    status: Mapped[str] = mapped_column(Text)  # successful | failed | unreachable | canceled | interrupted
    hosts: Mapped[JsonObject]  # host → {ok, changed, failed, unreachable, skipped}
    received_at: Mapped[datetime]


class ProvisionTask(Base):
    """One task of a run on one host, in the order in which they ran (``position``)."""

    __tablename__ = "provision_task"

    run_id: Mapped[str] = mapped_column(ForeignKey("provision_run.run_id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    host: Mapped[str] = mapped_column(Text)
    role: Mapped[str | None] = mapped_column(Text)
    task: Mapped[str] = mapped_column(Text)
    action: Mapped[str | None] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text)  # ok | changed | failed | unreachable | skipped
    duration_seconds: Mapped[float | None]
    started_at: Mapped[datetime | None]
    diff: Mapped[str | None] = mapped_column(Text)
    message: Mapped[str | None] = mapped_column(Text)
