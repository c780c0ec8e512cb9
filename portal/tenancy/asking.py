"""Finding the tenants that have work of some kind, without a visit to each."""

from collections.abc import Sequence

from sqlalchemy import ARRAY, Uuid, func, literal, select

from portal.tenancy.binding import TenantRecord
from portal.tenancy.models import Placement
from portal.tenancy.session import db


def tenants_with(work: str, tenants: Sequence[TenantRecord]) -> Sequence[TenantRecord]:
    """Those of `tenants` that may have `work`, such as "jobs_undone".

    Of those that share a database on PostgreSQL one statement tells: `work` names a function there,
    which looks from behind one wall after the other. A tenant with a database of its own is always
    among them.
    """
    pooled = [tenant.id for tenant in tenants if tenant.placement == Placement.POOLED]
    if not pooled or db.engine.dialect.name != "postgresql":
        return tenants
    found = select(getattr(func, work)(literal(pooled, ARRAY(Uuid()))))
    with db.engine.connect() as connection:
        busy = {*connection.scalars(found)}
    return [t for t in tenants if t.id in busy or t.placement != Placement.POOLED]
