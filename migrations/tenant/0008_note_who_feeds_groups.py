"""Note who has a provider fill a group, and find by an index what people and groups hold."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

HOLDERS = ("user_id", "group_id")


def upgrade() -> None:
    op.add_column("member_group", sa.Column("fed_by", sa.Uuid(), nullable=True))
    for holder in HOLDERS:
        op.create_index(
            f"ix_role_assignment_{holder}", "role_assignment", ["tenant_id", holder], unique=False
        )


def downgrade() -> None:
    for holder in HOLDERS:
        op.drop_index(f"ix_role_assignment_{holder}", table_name="role_assignment")
    op.drop_column("member_group", "fed_by")
