"""Asking after many tenants at once."""

from collections.abc import Sequence

from sqlalchemy import ARRAY, Uuid, func, literal, select

from portal.tenancy.binding import TenantRecord
from portal.tenancy.models import Placement
from portal.tenancy.session import db


def list_those(question: str, tenants: Sequence[TenantRecord]) -> Sequence[TenantRecord]:
    """Those of `tenants` for whom a question may have to be answered by yes.

    All that share a database on PostgreSQL are asked after by one statement: `question` names a
    function there, which looks from behind one wall after the other. Of a tenant with a database of
    its own only a visit tells.
    """
    pooled = [tenant.id for tenant in tenants if tenant.placement == Placement.POOLED]
    if not pooled or db.engine.dialect.name != "postgresql":
        return tenants
    found = select(getattr(func, question)(literal(pooled, ARRAY(Uuid()))))
    with db.engine.connect() as connection:
        those = {*connection.scalars(found)}
    return [t for t in tenants if t.id in those or t.placement != Placement.POOLED]
