"""Note who had a provider's claim fill a group, for they don't come in by it themselves."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("member_group", sa.Column("fed_by", sa.Uuid(), nullable=True))


def downgrade() -> None:
    op.drop_column("member_group", "fed_by")
