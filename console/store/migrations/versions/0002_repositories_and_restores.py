"""Repositories with their sizes and space, refused deletions, restores; targets and bytes of restore tests."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

TIME = sa.DateTime(timezone=True)
CAUSE = ("cause_code", "cause_place", "cause_detail")
TABLES = ("repository", "repository_size", "repository_space", "refused_deletion", "restore")


def _cause() -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), nullable=True) for name in CAUSE]


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "repository",
        sa.Column("server", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("finished_at", TIME, nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("steps", sa.JSON(), nullable=False),
        sa.Column("sets", sa.Integer(), nullable=False),
        sa.Column("snapshots", sa.Integer(), nullable=False),
        sa.Column("oldest_set_at", TIME, nullable=True),
        sa.Column("newest_set_at", TIME, nullable=True),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("parts", sa.Integer(), nullable=False),
        sa.Column("parts_read", sa.Integer(), nullable=False),
        sa.Column("read_through_at", TIME, nullable=True),
        sa.Column("broken_packs", sa.JSON(), nullable=False),
        sa.Column("set_aside", sa.JSON(), nullable=False),
        sa.Column("paused_since", TIME, nullable=True),
        sa.Column("anomalies", sa.JSON(), nullable=False),
        sa.Column("removed", sa.Integer(), nullable=False),
        *_cause(),
        sa.Column("received_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("server", "host", name=op.f("pk_repository")),
    )
    op.create_table(
        "repository_size",
        sa.Column("server", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("server", "host", "day", name=op.f("pk_repository_size")),
    )
    op.create_table(
        "repository_space",
        sa.Column("server", sa.Text(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("total_bytes", sa.BigInteger(), nullable=False),
        sa.Column("free_bytes", sa.BigInteger(), nullable=False),
        sa.Column("ballast_bytes", sa.BigInteger(), nullable=False),
        sa.Column("released_at", TIME, nullable=True),
        sa.Column("growth_bytes_per_day", sa.Double(), nullable=True),
        sa.Column("days_until_full", sa.Double(), nullable=True),
        sa.Column("received_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("server", name=op.f("pk_repository_space")),
    )
    op.create_table(
        "refused_deletion",
        sa.Column("server", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("received_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("server", "host", "at", "path", name=op.f("pk_refused_deletion")),
    )
    op.create_index(op.f("ix_refused_deletion_at"), "refused_deletion", ["at"])

    op.create_table(
        "restore",
        sa.Column("restore_id", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("repository", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("in_place", sa.Boolean(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("operator", sa.Text(), nullable=False),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("finished_at", TIME, nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("steps", sa.JSON(), nullable=False),
        sa.Column("snapshot_id", sa.Text(), nullable=True),
        sa.Column("as_of", TIME, nullable=True),
        sa.Column("until", TIME, nullable=True),
        sa.Column("bytes_restored", sa.BigInteger(), nullable=False),
        *_cause(),
        sa.Column("received_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("restore_id", name=op.f("pk_restore")),
    )
    op.create_index(op.f("ix_restore_host_policy_started_at"), "restore", ["host", "policy", "started_at"])
    op.create_index(op.f("ix_restore_started_at"), "restore", ["started_at"])

    with op.batch_alter_table("verification") as table:
        table.add_column(sa.Column("rpo_target_seconds", sa.Double(), nullable=True))
        table.add_column(sa.Column("rto_target_seconds", sa.Double(), nullable=True))
        table.add_column(sa.Column("bytes_restored", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    """Undo."""
    with op.batch_alter_table("verification") as table:
        for name in ("bytes_restored", "rto_target_seconds", "rpo_target_seconds"):
            table.drop_column(name)
    for table_name in reversed(TABLES):
        op.drop_table(table_name)
