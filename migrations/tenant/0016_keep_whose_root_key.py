"""Keep with each seed which key of the organisation's own wraps it, if one does."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """What is there was wrapped by root keys that the portal made."""
    with op.batch_alter_table("tenant_key") as table:
        table.add_column(
            sa.Column("own_key", sa.String(length=300), nullable=False, server_default="")
        )
    with op.batch_alter_table("tenant_key") as table:
        table.alter_column("own_key", server_default=None)


def downgrade() -> None:
    op.drop_column("tenant_key", "own_key")
