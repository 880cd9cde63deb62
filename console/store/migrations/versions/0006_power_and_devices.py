"""UPSes and polled devices: how each stands, what happened, how power cuts and drills went."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "ups_latest",
        sa.Column("ups", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("since", TIME, nullable=False),
        sa.Column("snapshot", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("ups", "source", name=op.f("pk_ups_latest")),
    )
    op.create_table(
        "device_latest",
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("since", TIME, nullable=False),
        sa.Column("snapshot", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("device", name=op.f("pk_device_latest")),
    )
    op.create_table(
        "power_event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_power_event")),
    )
    op.create_index(op.f("ix_power_event_device_at"), "power_event", ["device", "at"])
    op.create_index(op.f("ix_power_event_at"), "power_event", ["at"])
    op.create_table(
        "power_record",
        sa.Column("record_id", sa.Text(), nullable=False),
        sa.Column("ups", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("phase", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=True),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("finished_at", TIME, nullable=True),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("received_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("record_id", name=op.f("pk_power_record")),
    )
    op.create_index(op.f("ix_power_record_started_at"), "power_record", ["started_at"])
    op.create_table(
        "boot_report",
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("received_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("host", name=op.f("pk_boot_report")),
    )


def downgrade() -> None:
    """Undo."""
    for table in ("boot_report", "power_record", "power_event", "device_latest", "ups_latest"):
        op.drop_table(table)
