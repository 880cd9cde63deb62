"""How the WAL of each host stands; how long a restore of all the data would take."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "wal",
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("segments", sa.Integer(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("stored_until", sa.JSON(), nullable=False),
        sa.Column("dropped", sa.JSON(), nullable=False),
        sa.Column("cause_code", sa.Text(), nullable=True),
        sa.Column("cause_place", sa.Text(), nullable=True),
        sa.Column("cause_detail", sa.Text(), nullable=True),
        sa.Column("received_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("host", name=op.f("pk_wal")),
    )
    with op.batch_alter_table("verification") as table:
        table.add_column(sa.Column("rto_forecast_seconds", sa.Double(), nullable=True))


def downgrade() -> None:
    """Undo."""
    with op.batch_alter_table("verification") as table:
        table.drop_column("rto_forecast_seconds")
    op.drop_table("wal")
