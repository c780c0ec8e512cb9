"""Note by which copying a document was made, so that one that is sent twice copies once."""

import sqlalchemy as sa
from alembic import op

from portal.tenancy.postgres import policy_ddl

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

TABLE = "document_copy"


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("document_id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "document_id"],
            ["document.tenant_id", "document.id"],
            name=op.f("fk_document_copy_tenant_id_document_id_document"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_document_copy")),
        sa.UniqueConstraint(
            "tenant_id", "document_id", name=op.f("uq_document_copy_tenant_id_document_id")
        ),
    )
    if op.get_bind().dialect.name == "postgresql":
        for statement in policy_ddl(TABLE):
            op.execute(statement)


def downgrade() -> None:
    op.drop_table(TABLE)
