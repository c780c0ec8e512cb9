"""Keep the name of a file that was refused by a sharing link, for whoever made the link."""

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("link_use", sa.Column("file_name_sealed", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    op.drop_column("link_use", "file_name_sealed")
