"""Note by whose decision a provider's groups give roles, and who had a role allow more."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Of what is there nobody knows who decided it."""
    op.add_column("identity_provider", sa.Column("deciders", sa.JSON(), nullable=True))
    op.add_column("custom_role", sa.Column("widened_by", sa.Uuid(), nullable=True))


def downgrade() -> None:
    op.drop_column("custom_role", "widened_by")
    op.drop_column("identity_provider", "deciders")
