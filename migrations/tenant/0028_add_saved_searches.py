"""Keep searches of the audit log under a name."""

import sqlalchemy as sa
from alembic import op

from portal.tenancy.postgres import policy_ddl

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

TABLE = "log_search"


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("query", sa.JSON(), nullable=False),
        sa.Column("is_shared", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"],
            ["user_account.tenant_id", "user_account.id"],
            name=op.f("fk_log_search_tenant_id_user_id_user_account"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_log_search")),
        sa.UniqueConstraint(
            "tenant_id",
            "user_id",
            "name",
            name=op.f("uq_log_search_tenant_id_user_id_name"),
        ),
    )
    if op.get_bind().dialect.name == "postgresql":
        for statement in policy_ddl(TABLE):
            op.execute(statement)


def downgrade() -> None:
    op.drop_table(TABLE)
