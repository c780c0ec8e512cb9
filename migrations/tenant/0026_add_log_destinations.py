"""Keep where a tenant's log goes, and how far it has got there."""

import sqlalchemy as sa
from alembic import op

from portal.tenancy.postgres import policy_ddl

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

TABLE = "log_destination"


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("place_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("secret_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("rhythm", sa.String(length=10), nullable=False),
        sa.Column("entry_form", sa.String(length=8), nullable=True),
        sa.Column("wants_alerts", sa.Boolean(), nullable=False),
        sa.Column("is_started", sa.Boolean(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("anchor_job_id", sa.Uuid(), nullable=True),
        sa.Column("anchored_origin", sa.String(length=300), nullable=True),
        sa.Column("anchored_size", sa.BigInteger(), nullable=True),
        sa.Column("anchored_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("alerted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_number", sa.BigInteger(), nullable=False),
        sa.Column("sent_number", sa.BigInteger(), nullable=False),
        sa.Column("streamed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failure", sa.String(length=300), nullable=True),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "kind IN ('mail', 'syslog', 'webhook', 'object-store')",
            name=op.f("ck_log_destination_kind"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_log_destination")),
        sa.UniqueConstraint("tenant_id", "name", name=op.f("uq_log_destination_tenant_id_name")),
    )
    if op.get_bind().dialect.name == "postgresql":
        for statement in policy_ddl(TABLE):
            op.execute(statement)


def downgrade() -> None:
    op.drop_table(TABLE)
