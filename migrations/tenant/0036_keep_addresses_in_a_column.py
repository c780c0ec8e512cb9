"""Keep the address beside an entry in a column of its own, and no longer among the personal words.

What an entry commits to stays the same: address and words together.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

from portal.tenancy.postgres import wall_lifted

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

TABLE, ADDRESS = "audit_aside", "address"
BATCH_SIZE = 1000
ASIDE = sa.table(
    TABLE,
    sa.column("tenant_id", sa.Uuid()),
    sa.column("id", sa.Uuid()),
    sa.column(ADDRESS, sa.String()),
    sa.column("personal", sa.JSON(none_as_null=True)),
)
KEY = sa.tuple_(ASIDE.c.tenant_id, ASIDE.c.id)
CHANGE = (
    ASIDE.update()
    .where(ASIDE.c.tenant_id == sa.bindparam("its_tenant"), ASIDE.c.id == sa.bindparam("its_id"))
    .values(address=sa.bindparam("new_address"), personal=sa.bindparam("new_personal"))
)


def upgrade() -> None:
    op.add_column(TABLE, sa.Column(ADDRESS, sa.String(length=45), nullable=True))
    _change_all(_apart)


def downgrade() -> None:
    _change_all(_together)
    op.drop_column(TABLE, ADDRESS)


def _apart(row: Any) -> dict[str, Any]:
    words = dict(row.personal or {})
    return {"new_address": words.pop(ADDRESS, None), "new_personal": words or None}


def _together(row: Any) -> dict[str, Any]:
    words = {**(row.personal or {}), **({ADDRESS: row.address} if row.address else {})}
    return {"new_address": None, "new_personal": words or None}


def _change_all(change: Callable[[Any], dict[str, Any]]) -> None:
    connection = op.get_bind()
    with wall_lifted(connection, TABLE):
        for rows in _batches(connection):
            changes = [{"its_tenant": r.tenant_id, "its_id": r.id, **change(r)} for r in rows]
            connection.execute(CHANGE, changes)


def _batches(connection: sa.Connection) -> Iterator[Sequence[Any]]:
    """All rows that hold something, in the order of their keys."""
    holds = sa.or_(ASIDE.c.personal.is_not(None), ASIDE.c.address.is_not(None))
    statement = sa.select(*ASIDE.c).where(holds).order_by(*KEY).limit(BATCH_SIZE)
    rows = connection.execute(statement).all()
    while rows:
        yield rows
        after = (sa.literal(value, sa.Uuid()) for value in (rows[-1].tenant_id, rows[-1].id))
        rows = connection.execute(statement.where(sa.tuple_(*after) < KEY)).all()
