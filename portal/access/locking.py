"""One at a time: whoever changes what people hold in a tenant."""

from sqlalchemy import func, select

from portal.tenancy.binding import bound_tenant_id
from portal.tenancy.session import db


def lock_access() -> None:
    """Have every other change of roles, groups and their rules in this tenant wait for this one.

    The rules that hold between rows (somebody stays admin, no two exclusive roles, nothing twice)
    are then checked against what is there and stays there. Such changes are rare, so one lock for
    all of them costs nothing, and no order of locks can be got wrong. On SQLite the transaction
    has the only write lock already.
    """
    if db.session.connection().dialect.name == "postgresql":
        key = func.hashtextextended(f"access:{bound_tenant_id()}", 0)
        db.session.execute(select(func.pg_advisory_xact_lock(key)))
