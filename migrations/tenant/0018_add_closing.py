"""Keep that an organisation closes, by whose word, and until when it can be taken back."""

import sqlalchemy as sa
from alembic import op

from portal.tenancy.postgres import policy_ddl

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

LIVE = "withdrawn_at IS NULL"


def upgrade() -> None:
    op.create_table(
        "organisation_closing",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("asked_by", sa.Uuid(), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("agreed_by", sa.Uuid(), nullable=True),
        sa.Column("agreed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_by", sa.Uuid(), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_organisation_closing")),
    )
    op.create_index(
        "uq_organisation_closing_live",
        "organisation_closing",
        ["tenant_id"],
        unique=True,
        sqlite_where=sa.text(LIVE),
        postgresql_where=sa.text(LIVE),
    )
    if op.get_bind().dialect.name == "postgresql":
        for statement in policy_ddl("organisation_closing"):
            op.execute(statement)


def downgrade() -> None:
    op.drop_table("organisation_closing")
