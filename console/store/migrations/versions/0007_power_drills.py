"""Power drills while they go on, and the incidents that belong to them."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "power_drill",
        sa.Column("drill", sa.Text(), nullable=False),
        sa.Column("ups", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("how", sa.Text(), nullable=False),
        sa.Column("announced_at", TIME, nullable=False),
        sa.Column("until_at", TIME, nullable=False),
        sa.Column("mains_back_at", TIME, nullable=True),
        sa.Column("ended_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("drill", name=op.f("pk_power_drill")),
    )
    op.add_column("incident", sa.Column("drill", sa.Text(), nullable=True))


def downgrade() -> None:
    """Undo."""
    op.drop_column("incident", "drill")
    op.drop_table("power_drill")
