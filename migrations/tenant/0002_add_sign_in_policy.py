"""Add each tenant's policy of signing in, and have waits grow with the number of wrong tries."""

import sqlalchemy as sa
from alembic import op

from portal.tenancy.postgres import policy_ddl

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES = ("sign_in_policy", "attempt_count")


def upgrade() -> None:
    op.create_table(
        "sign_in_policy",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("mfa_for", sa.String(length=10), nullable=False),
        sa.Column("mfa_roles", sa.JSON(), nullable=False),
        sa.Column("factors", sa.JSON(), nullable=False),
        sa.Column("grace_days", sa.Integer(), nullable=False),
        sa.Column("mfa_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("idle_minutes", sa.Integer(), nullable=False),
        sa.Column("absolute_hours", sa.Integer(), nullable=False),
        sa.Column("password_min_length", sa.Integer(), nullable=False),
        sa.Column("password_max_age_days", sa.Integer(), nullable=True),
        sa.Column("is_sso_only", sa.Boolean(), nullable=False),
        sa.Column("resets_need_two", sa.Boolean(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "mfa_for IN ('everybody', 'roles', 'nobody')", name=op.f("ck_sign_in_policy_mfa_for")
        ),
        sa.CheckConstraint(
            "grace_days BETWEEN 0 AND 90", name=op.f("ck_sign_in_policy_grace_days")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_sign_in_policy")),
    )
    op.drop_table("attempt_window")
    op.create_table(
        "attempt_count",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("subject_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("count", sa.Double(), nullable=False),
        sa.Column("free_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_attempt_count")),
        sa.UniqueConstraint(
            "tenant_id", "subject_hash", name=op.f("uq_attempt_count_tenant_id_subject_hash")
        ),
    )
    _wall(TABLES)


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
    op.create_table(
        "attempt_window",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("subject_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("window", sa.Integer(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_attempt_window")),
        sa.UniqueConstraint(
            "tenant_id",
            "subject_hash",
            "window",
            name=op.f("uq_attempt_window_tenant_id_subject_hash_window"),
        ),
    )
    _wall(("attempt_window",))


def _wall(tables: tuple[str, ...]) -> None:
    if op.get_bind().dialect.name == "postgresql":
        for table in tables:
            for statement in policy_ddl(table):
                op.execute(statement)
