"""Keep how far a log was read back, so that it goes on after a stop."""

import sqlalchemy as sa
from alembic import op

from portal.tenancy.postgres import policy_ddl

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

TABLE = "log_check"


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sums", sa.JSON(), nullable=False),
        sa.Column("sound_size", sa.BigInteger(), nullable=False),
        sa.Column("findings", sa.JSON(), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_log_check")),
    )
    if op.get_bind().dialect.name == "postgresql":
        for statement in policy_ddl(TABLE):
            op.execute(statement)


def downgrade() -> None:
    op.drop_table(TABLE)
