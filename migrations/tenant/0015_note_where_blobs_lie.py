"""Note in which store a tenant's blobs lie."""

import sqlalchemy as sa
from alembic import op

from portal.tenancy.postgres import policy_ddl

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Whoever has no row has them in the instance folder, as everybody had so far."""
    op.create_table(
        "blob_home",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("store", sa.String(length=300), nullable=False),
        sa.Column("leaving", sa.String(length=300), nullable=True),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_blob_home")),
    )
    if op.get_bind().dialect.name == "postgresql":
        for statement in policy_ddl("blob_home"):
            op.execute(statement)


def downgrade() -> None:
    op.drop_table("blob_home")
