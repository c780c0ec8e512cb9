"""Note how far some entries were judged, where the other rules have to wait for their turn."""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

TABLE = "alert_progress"


def upgrade() -> None:
    op.add_column(TABLE, sa.Column("until_number", sa.BigInteger(), nullable=True))
    op.add_column(TABLE, sa.Column("judged_rule_id", sa.Uuid(), nullable=True))


def downgrade() -> None:
    op.drop_column(TABLE, "judged_rule_id")
    op.drop_column(TABLE, "until_number")
