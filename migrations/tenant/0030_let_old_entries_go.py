"""Keep how long a tenant's log is kept and where it begins, and let the database prune it."""

import sqlalchemy as sa
from alembic import op

from portal.core.settings import LOG_FLOOR_DAYS
from portal.tenancy.log_wall import raise_wall, set_floor, take_down
from portal.tenancy.postgres import policy_ddl

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

TABLES = ("log_policy", "audit_pruning")


def upgrade() -> None:
    _create(
        "log_policy",
        sa.Column("keep_days", sa.Integer(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.Uuid(), nullable=True),
    )
    _create(
        "audit_pruning",
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("pruned_at", sa.DateTime(timezone=True), nullable=False),
        sa.UniqueConstraint("tenant_id", "number", name=op.f("uq_audit_pruning_tenant_id_number")),
    )
    dialect = op.get_bind().dialect.name
    if dialect == "postgresql":
        for table in TABLES:
            for statement in policy_ddl(table):
                op.execute(statement)
    # The floor comes with every upgrade, from the settings: this one is for the time between.
    for statement in (*set_floor(dialect, LOG_FLOOR_DAYS), *raise_wall(dialect)):
        op.execute(statement)


def _create(name: str, *columns: sa.schema.SchemaItem) -> None:
    op.create_table(
        name,
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        *columns,
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f(f"pk_{name}")),
    )


def downgrade() -> None:
    for statement in take_down(op.get_bind().dialect.name):
        op.execute(statement)
    for table in reversed(TABLES):
        op.drop_table(table)
