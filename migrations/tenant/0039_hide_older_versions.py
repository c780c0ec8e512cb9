"""Let older versions be on no page any more while a hold keeps them, as documents are."""

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None

TABLE, INDEX = "document_version", "ix_document_version_gone"
IS_GONE = sa.text("gone_at IS NOT NULL")


def upgrade() -> None:
    op.add_column(TABLE, sa.Column("gone_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        INDEX,
        TABLE,
        ["tenant_id", "document_id"],
        sqlite_where=IS_GONE,
        postgresql_where=IS_GONE,
    )


def downgrade() -> None:
    op.drop_index(INDEX, TABLE)
    op.drop_column(TABLE, "gone_at")
