"""Which of many logs have entries that wait for their numbers."""

from collections.abc import Sequence

from sqlalchemy import ARRAY, Uuid, func, literal, select

from portal.tenancy.binding import TenantRecord
from portal.tenancy.models import Placement
from portal.tenancy.session import db


def list_waiting(tenants: Sequence[TenantRecord]) -> Sequence[TenantRecord]:
    """Those whose logs may have some: on SQLite none has.

    All that share the main database are asked after in one question (`logs_waiting`, a function
    there), since most have nothing; of one with a database of its own only a visit tells.
    """
    if db.engine.dialect.name == "sqlite":
        return []
    pooled = [tenant.id for tenant in tenants if tenant.placement == Placement.POOLED]
    found = select(func.logs_waiting(literal(pooled, ARRAY(Uuid()))))
    with db.engine.connect() as connection:
        waiting = {*connection.scalars(found)}
    return [t for t in tenants if t.id in waiting or t.placement != Placement.POOLED]
