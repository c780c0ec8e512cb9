"""Keep the pairs of roles that a tenant wants nobody to hold together."""

import sqlalchemy as sa
from alembic import op

from portal.tenancy.postgres import policy_ddl

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

TABLE = "exclusive_role_pair"


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("first_role", sa.String(length=60), nullable=False),
        sa.Column("second_role", sa.String(length=60), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_exclusive_role_pair")),
        sa.UniqueConstraint(
            "tenant_id",
            "first_role",
            "second_role",
            name=op.f("uq_exclusive_role_pair_tenant_id_first_role_second_role"),
        ),
    )
    if op.get_bind().dialect.name == "postgresql":
        for statement in policy_ddl(TABLE):
            op.execute(statement)


def downgrade() -> None:
    op.drop_table(TABLE)
