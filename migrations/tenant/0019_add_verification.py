"""Keep what reading contents back has found."""

import sqlalchemy as sa
from alembic import op

from portal.tenancy.postgres import policy_ddl

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

TABLES = "verification_round", "integrity_finding"


def upgrade() -> None:
    op.create_table(
        "verification_round",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reached_id", sa.Uuid(), nullable=True),
        sa.Column("versions", sa.Integer(), nullable=False),
        sa.Column("read_bytes", sa.BigInteger(), nullable=False),
        sa.Column("found", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_verification_round")),
    )
    op.create_index(
        "ix_verification_round_ended_at", "verification_round", ["tenant_id", "ended_at"]
    )
    op.create_table(
        "integrity_finding",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("document_id", sa.Uuid(), nullable=True),
        sa.Column("fault", sa.String(length=10), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "fault IN ('rot', 'missing', 'foreign')", name=op.f("ck_integrity_finding_fault")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_integrity_finding")),
    )
    op.create_index(
        "ix_integrity_finding_settled_at",
        "integrity_finding",
        ["tenant_id", "settled_at", "found_at"],
    )
    op.create_index("ix_integrity_finding_told_at", "integrity_finding", ["tenant_id", "told_at"])
    if op.get_bind().dialect.name == "postgresql":
        for table in TABLES:
            for statement in policy_ddl(table):
                op.execute(statement)


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
