"""Remember the checkpoints of all tenants' logs where no tenant's rows are."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "known_checkpoint",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("origin", sa.String(length=300), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.LargeBinary(length=32), nullable=False),
        sa.Column("noted_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_known_checkpoint_tenant_id_tenant")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_known_checkpoint")),
    )
    op.create_index("ix_known_checkpoint_tenant_id", "known_checkpoint", ["tenant_id", "id"])
    if op.get_bind().dialect.name == "sqlite":
        for act in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER known_checkpoint_no_{act.lower()} BEFORE {act} ON known_checkpoint"
                " BEGIN SELECT RAISE(ABORT, 'the list of checkpoints is append-only'); END"
            )


def downgrade() -> None:
    op.drop_table("known_checkpoint")
