"""Let people choose another password by a one-time link, and tell whether it is new."""

import sqlalchemy as sa
from alembic import op

from portal.tenancy.postgres import policy_ddl

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TABLES = ("password_reset",)


def upgrade() -> None:
    with op.batch_alter_table("password_credential") as table:
        table.add_column(
            sa.Column("is_reused", sa.Boolean(), nullable=False, server_default=sa.false())
        )
        table.add_column(sa.Column("earlier_hashes_sealed", sa.LargeBinary(), nullable=True))
    with op.batch_alter_table("password_credential") as table:
        table.alter_column("is_reused", server_default=None)
    op.create_table(
        "password_reset",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"],
            ["user_account.tenant_id", "user_account.id"],
            name=op.f("fk_password_reset_tenant_id_user_id_user_account"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_password_reset")),
        sa.UniqueConstraint(
            "tenant_id", "token_hash", name=op.f("uq_password_reset_tenant_id_token_hash")
        ),
    )
    op.create_index(
        "ix_password_reset_user_id", "password_reset", ["tenant_id", "user_id"], unique=False
    )
    if op.get_bind().dialect.name == "postgresql":
        for table in TABLES:
            for statement in policy_ddl(table):
                op.execute(statement)


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
    with op.batch_alter_table("password_credential") as table:
        table.drop_column("earlier_hashes_sealed")
        table.drop_column("is_reused")
