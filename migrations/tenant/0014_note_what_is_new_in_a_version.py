"""Let a version carry a note, sealed."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("document_version", sa.Column("note_sealed", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    op.drop_column("document_version", "note_sealed")
