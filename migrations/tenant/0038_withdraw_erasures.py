"""Let a request for erasure that was granted be withdrawn, before all of it is carried out."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from portal.tenancy.postgres import wall_lifted

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

TABLE = "erasure_request"
STATE, SOMETHING = "ck_erasure_request_state", "ck_erasure_request_wants_something"
EARLIER = ("open", "granted", "refused")
STATES = (*EARLIER, "withdrawn")
REQUEST = sa.table(TABLE, sa.column("state", sa.String()))
IS_WITHDRAWN = REQUEST.c.state == "withdrawn"


def upgrade() -> None:
    op.add_column(TABLE, sa.Column("withdrawal_sealed", sa.LargeBinary(), nullable=True))
    op.add_column(TABLE, sa.Column("withdrawn_by", sa.Uuid(), nullable=True))
    op.add_column(TABLE, sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True))
    _want(STATES)


def downgrade() -> None:
    """What was withdrawn becomes a refused one: so nothing more is erased by it."""
    connection = op.get_bind()
    with wall_lifted(connection, TABLE):
        connection.execute(REQUEST.update().where(IS_WITHDRAWN).values(state="refused"))
    _want(EARLIER)
    for column in ("withdrawn_at", "withdrawn_by", "withdrawal_sealed"):
        op.drop_column(TABLE, column)


def _want(states: Sequence[str]) -> None:
    """On SQLite the table is made anew, without the checks that it had."""
    wanted = f"state IN {tuple(states)}"
    if op.get_bind().dialect.name == "postgresql":
        op.drop_constraint(op.f(STATE), TABLE)
        op.create_check_constraint(op.f(STATE), TABLE, wanted)
        return
    with op.batch_alter_table(TABLE) as table:
        table.create_check_constraint(op.f(STATE), wanted)
        table.create_check_constraint(op.f(SOMETHING), "wants_documents OR wants_account")
