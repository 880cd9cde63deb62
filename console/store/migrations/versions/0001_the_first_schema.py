"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

TIME = sa.DateTime(timezone=True)
TABLES = (
    "account",
    "assessment_result",
    "audit_head",
    "audit_seal",
    "backup_run",
    "fact_document",
    "host_latest",
    "host_state",
    "job_slot",
    "metric_series",
    "one_time_secret",
    "provision_run",
    "verification",
    "worker_pulse",
    "login_session",
    "metric_hour",
    "metric_minute",
    "provision_task",
)


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "account",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("locale", sa.Text(), nullable=True),
        sa.Column("failed_count", sa.Integer(), nullable=False),
        sa.Column("locked_until", TIME, nullable=True),
        sa.Column("must_change", sa.Boolean(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("password_changed_at", TIME, nullable=False),
        sa.Column("last_login_at", TIME, nullable=True),
        sa.Column("disabled_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
        sa.UniqueConstraint("username", name=op.f("uq_account_username")),
    )
    op.create_table(
        "assessment_result",
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("requirement", sa.Text(), nullable=False),
        sa.Column("check_id", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("risk", sa.Text(), nullable=True),
        sa.Column("since", TIME, nullable=False),
        sa.Column("judged_at", TIME, nullable=False),
        sa.Column("gathered_at", TIME, nullable=True),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("host", "requirement", "check_id", name=op.f("pk_assessment_result")),
    )
    op.create_index(op.f("ix_assessment_result_verdict"), "assessment_result", ["verdict"])

    op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("line_sha256", sa.Text(), nullable=False),
        sa.Column("seen_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_head")),
    )
    op.create_table(
        "audit_seal",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("records", sa.Integer(), nullable=False),
        sa.Column("first_seq", sa.Integer(), nullable=True),
        sa.Column("last_seq", sa.Integer(), nullable=True),
        sa.Column("file_sha256", sa.Text(), nullable=False),
        sa.Column("seal_sha256", sa.Text(), nullable=False),
        sa.Column("sealed_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_audit_seal")),
    )
    op.create_table(
        "backup_run",
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("trigger", sa.Text(), nullable=False),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("finished_at", TIME, nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("snapshot_id", sa.Text(), nullable=True),
        sa.Column("offsite_snapshot_id", sa.Text(), nullable=True),
        sa.Column("bytes_processed", sa.BigInteger(), nullable=True),
        sa.Column("bytes_added", sa.BigInteger(), nullable=True),
        sa.Column("files", sa.BigInteger(), nullable=True),
        sa.Column("cause_code", sa.Text(), nullable=True),
        sa.Column("cause_place", sa.Text(), nullable=True),
        sa.Column("cause_detail", sa.Text(), nullable=True),
        sa.Column("steps", sa.JSON(), nullable=False),
        sa.Column("received_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_backup_run")),
    )
    op.create_index(op.f("ix_backup_run_host_policy_started_at"), "backup_run", ["host", "policy", "started_at"])
    op.create_index(op.f("ix_backup_run_started_at"), "backup_run", ["started_at"])

    op.create_table(
        "fact_document",
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("gathered_at", TIME, nullable=False),
        sa.Column("received_at", TIME, nullable=False),
        sa.Column("boot_id", sa.Text(), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("host", "day", name=op.f("pk_fact_document")),
    )
    op.create_table(
        "host_latest",
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("snapshot", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("host", name=op.f("pk_host_latest")),
    )
    op.create_table(
        "host_state",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("groups", sa.JSON(), nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("first_seen", TIME, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("since", TIME, nullable=False),
        sa.Column("candidate", sa.Text(), nullable=True),
        sa.Column("candidate_count", sa.Integer(), nullable=False),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("last_attempt", TIME, nullable=True),
        sa.Column("last_seen", TIME, nullable=True),
        sa.Column("error_code", sa.Text(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("failing_since", TIME, nullable=True),
        sa.Column("facts_error", sa.Text(), nullable=True),
        sa.Column("facts_failing_since", TIME, nullable=True),
        sa.Column("agent_version", sa.Text(), nullable=True),
        sa.Column("scrape_seconds", sa.Double(), nullable=True),
        sa.Column("maintenance_until", TIME, nullable=True),
        sa.Column("maintenance_reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_host_state")),
    )
    op.create_table(
        "job_slot",
        sa.Column("job", sa.Text(), nullable=False),
        sa.Column("scheduled_for", TIME, nullable=False),
        sa.Column("claimed_at", TIME, nullable=False),
        sa.Column("finished_at", TIME, nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("job", "scheduled_for", name=op.f("pk_job_slot")),
    )
    op.create_index(op.f("ix_job_slot_claimed_at"), "job_slot", ["claimed_at"])

    op.create_table(
        "metric_series",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_metric_series")),
        sa.UniqueConstraint("host", "name", "label", name=op.f("uq_metric_series_host_name_label")),
    )
    op.create_table(
        "one_time_secret",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("secret_sha256", sa.Text(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("used_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_one_time_secret")),
        sa.UniqueConstraint("secret_sha256", name=op.f("uq_one_time_secret_secret_sha256")),
    )
    op.create_table(
        "provision_run",
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("playbook", sa.Text(), nullable=False),
        sa.Column("check", sa.Boolean(), nullable=False),
        sa.Column("limit", sa.Text(), nullable=True),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("operator", sa.Text(), nullable=True),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("finished_at", TIME, nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("hosts", sa.JSON(), nullable=False),
        sa.Column("received_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_provision_run")),
    )
    op.create_index(op.f("ix_provision_run_started_at"), "provision_run", ["started_at"])

    op.create_table(
        "verification",
        sa.Column("verification_id", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("snapshot_id", sa.Text(), nullable=True),
        sa.Column("repository", sa.Text(), nullable=True),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("finished_at", TIME, nullable=True),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("as_of", TIME, nullable=True),
        sa.Column("rpo_seconds", sa.Double(), nullable=True),
        sa.Column("rto_seconds", sa.Double(), nullable=True),
        sa.Column("phases", sa.JSON(), nullable=False),
        sa.Column("assertions", sa.JSON(), nullable=False),
        sa.Column("cause_code", sa.Text(), nullable=True),
        sa.Column("cause_place", sa.Text(), nullable=True),
        sa.Column("cause_detail", sa.Text(), nullable=True),
        sa.Column("received_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("verification_id", name=op.f("pk_verification")),
    )
    op.create_index(op.f("ix_verification_host_policy_started_at"), "verification", ["host", "policy", "started_at"])
    op.create_index(op.f("ix_verification_started_at"), "verification", ["started_at"])

    op.create_table(
        "worker_pulse",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("beat_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_worker_pulse")),
    )
    op.create_table(
        "login_session",
        sa.Column("token_sha256", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("last_seen_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("user_agent", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_login_session_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("token_sha256", name=op.f("pk_login_session")),
    )
    op.create_index(op.f("ix_login_session_account_id"), "login_session", ["account_id"])
    op.create_index(op.f("ix_login_session_expires_at"), "login_session", ["expires_at"])

    op.create_table(
        "metric_hour",
        sa.Column("series_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("minimum", sa.Double(), nullable=False),
        sa.Column("average", sa.Double(), nullable=False),
        sa.Column("maximum", sa.Double(), nullable=False),
        sa.Column("samples", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["series_id"], ["metric_series.id"], name=op.f("fk_metric_hour_series_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("series_id", "at", name=op.f("pk_metric_hour")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "metric_minute",
        sa.Column("series_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["series_id"], ["metric_series.id"], name=op.f("fk_metric_minute_series_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("series_id", "at", name=op.f("pk_metric_minute")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "provision_task",
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=True),
        sa.Column("task", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("duration_seconds", sa.Double(), nullable=True),
        sa.Column("started_at", TIME, nullable=True),
        sa.Column("diff", sa.Text(), nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["run_id"], ["provision_run.run_id"], name=op.f("fk_provision_task_run_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("run_id", "position", name=op.f("pk_provision_task")),
    )


def downgrade() -> None:
    """Undo."""
    for table in reversed(TABLES):
        op.drop_table(table)
