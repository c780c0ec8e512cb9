"""Keep alerts and their rules, how far the log was judged by them, and the working hours."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from portal.tenancy.postgres import policy_ddl

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

TABLES = ("alert", "alert_entry", "alert_rule", "alert_progress", "working_hours")
KINDS = (
    "match", "count", "new-address", "new-network", "new-action", "off-hours", "two-places",
)  # fmt: skip


def upgrade() -> None:
    _create_alerts()
    _create(
        "alert_rule",
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("actions", sa.JSON(), nullable=False),
        sa.Column("severity", sa.String(length=20), nullable=False),
        sa.Column("outcome", sa.String(length=10), nullable=False),
        sa.Column("target", sa.String(length=80), nullable=False),
        sa.Column("who", sa.String(length=20), nullable=False),
        sa.Column("gives_power", sa.Boolean(), nullable=False),
        sa.Column("threshold", sa.Integer(), nullable=False),
        sa.Column("window_minutes", sa.Integer(), nullable=False),
        sa.Column("about", sa.String(length=10), nullable=False),
        sa.Column("weight", sa.String(length=20), nullable=False),
        sa.Column("is_mailed", sa.Boolean(), nullable=False),
        sa.Column("is_on", sa.Boolean(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint(f"kind IN {KINDS}", name=op.f("ck_alert_rule_kind")),
    )
    _create("alert_progress", sa.Column("next_number", sa.BigInteger(), nullable=False))
    _create(
        "working_hours",
        sa.Column("zone", sa.String(length=40), nullable=False),
        sa.Column("days", sa.JSON(), nullable=False),
        sa.Column("begin_minute", sa.Integer(), nullable=False),
        sa.Column("end_minute", sa.Integer(), nullable=False),
    )
    if op.get_bind().dialect.name == "postgresql":
        for table in TABLES:
            for statement in policy_ddl(table):
                op.execute(statement)


def _create_alerts() -> None:
    _create(
        "alert",
        sa.Column("rule_id", sa.Uuid(), nullable=False),
        sa.Column("rule_name", sa.String(length=100), nullable=False),
        sa.Column("says", sa.Text(), nullable=False),
        sa.Column("weight", sa.String(length=20), nullable=False),
        sa.Column("subject", sa.String(length=80), nullable=False),
        sa.Column("is_of_address", sa.Boolean(), nullable=False),
        sa.Column("raised_by", sa.Uuid(), nullable=False),
        sa.Column("last_entry_id", sa.Uuid(), nullable=False),
        sa.Column("entry_count", sa.Integer(), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("acknowledged_by", sa.Uuid(), nullable=True),
        sa.Column("comment_sealed", sa.LargeBinary(), nullable=True),
        sa.UniqueConstraint(
            "tenant_id", "rule_id", "raised_by", name=op.f("uq_alert_tenant_id_rule_id_raised_by")
        ),
    )
    op.create_index("ix_alert_acknowledged_at", "alert", ["tenant_id", "acknowledged_at", "id"])
    op.create_index("ix_alert_rule_id", "alert", ["tenant_id", "rule_id", "last_at"])
    _create(
        "alert_entry",
        sa.Column("alert_id", sa.Uuid(), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "alert_id"],
            ["alert.tenant_id", "alert.id"],
            name=op.f("fk_alert_entry_tenant_id_alert_id_alert"),
            ondelete="CASCADE",
        ),
        sa.UniqueConstraint(
            "tenant_id",
            "alert_id",
            "entry_id",
            name=op.f("uq_alert_entry_tenant_id_alert_id_entry_id"),
        ),
    )


def _create(name: str, *columns: Any) -> None:
    op.create_table(
        name,
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        *columns,
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f(f"pk_{name}")),
    )


def downgrade() -> None:
    for table in ("alert_entry", *(name for name in TABLES if name != "alert_entry")):
        op.drop_table(table)
