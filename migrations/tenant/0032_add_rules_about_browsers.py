"""Let rules of alerts be about browsers that are new for a person."""

from collections.abc import Sequence

from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

TABLE, NAME = "alert_rule", "ck_alert_rule_kind"
EARLIER = (
    "match", "count", "new-address", "new-network", "new-action", "off-hours", "two-places",
)  # fmt: skip
KINDS = (
    "match", "count", "new-address", "new-network", "new-browser", "new-action", "off-hours",
    "two-places",
)  # fmt: skip


def upgrade() -> None:
    _want(KINDS)


def downgrade() -> None:
    """Rules of the new kind have to be deleted before, by those whose they are."""
    _want(EARLIER)


def _want(kinds: Sequence[str]) -> None:
    """On SQLite the table is made anew, without the check that it had."""
    wanted = f"kind IN {tuple(kinds)}"
    if op.get_bind().dialect.name == "postgresql":
        op.drop_constraint(op.f(NAME), TABLE)
        op.create_check_constraint(op.f(NAME), TABLE, wanted)
        return
    with op.batch_alter_table(TABLE) as table:
        table.create_check_constraint(op.f(NAME), wanted)
