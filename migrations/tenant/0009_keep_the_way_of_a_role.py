"""Keep with each role by what way it came."""

import sqlalchemy as sa
from alembic import op

from portal.tenancy.postgres import wall_lifted

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """What is there came by a claim, by the operator's command line, or by a page."""
    with wall_lifted(op.get_bind(), "role_assignment"):
        with op.batch_alter_table("role_assignment") as table:
            table.add_column(sa.Column("way", sa.String(length=20), nullable=True))
        op.execute(
            "UPDATE role_assignment SET way = CASE WHEN is_from_claim THEN 'claim'"
            " WHEN granted_by IS NULL THEN 'cli' ELSE 'page' END"
        )
        with op.batch_alter_table("role_assignment") as table:
            table.alter_column("way", existing_type=sa.String(length=20), nullable=False)


def downgrade() -> None:
    with (
        wall_lifted(op.get_bind(), "role_assignment"),
        op.batch_alter_table("role_assignment") as table,
    ):
        table.drop_column("way")
