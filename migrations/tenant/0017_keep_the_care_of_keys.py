"""Note since when nothing refers to a seed, and keep how often each tenant's key rotates."""

import sqlalchemy as sa
from alembic import op

from portal.tenancy.postgres import policy_ddl

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "tenant_key", sa.Column("unused_since", sa.DateTime(timezone=True), nullable=True)
    )
    op.create_table(
        "key_policy",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("rotate_every_days", sa.Integer(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_key_policy")),
    )
    if op.get_bind().dialect.name == "postgresql":
        for statement in policy_ddl("key_policy"):
            op.execute(statement)


def downgrade() -> None:
    op.drop_table("key_policy")
    op.drop_column("tenant_key", "unused_since")
