"""Keep the entries of new signing keys, and of how long the log is kept, when it is pruned."""

from alembic import op

from portal.tenancy.log_wall import KEPT, renew_wall

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

NEW = ("log-policy.changed", "signing-key.made")


def upgrade() -> None:
    _keep(*KEPT)


def downgrade() -> None:
    """What went by neither rule is there still, and goes with none: marks only grow."""
    _keep(*(action for action in KEPT if action not in NEW))


def _keep(*actions: str) -> None:
    for statement in renew_wall(op.get_bind().dialect.name, actions):
        op.execute(statement)
