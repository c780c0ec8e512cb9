"""Taking turns within the bound tenant, across all processes, until the transaction ends.

On PostgreSQL by advisory locks, which end with whoever held them. On SQLite a transaction that
writes has the file's only write lock, so it is always its turn.
"""

from typing import Any

from sqlalchemy import func, select

from portal.tenancy.binding import bound_tenant_id
from portal.tenancy.session import db


def take_turn(what: str) -> None:
    """Wait until nobody else is at it, and keep others waiting."""
    _lock("pg_advisory_xact_lock", what)


def share_turn(what: str) -> None:
    """Wait for who has taken the turn, and keep them waiting; not those who share it as well."""
    _lock("pg_advisory_xact_lock_shared", what)


def try_turn(what: str) -> bool:
    """Take the turn if nobody else is at it; whether it was taken."""
    return _lock("pg_try_advisory_xact_lock", what) is not False


def _lock(function: str, what: str) -> Any:
    if db.session.connection().dialect.name != "postgresql":
        return None
    key = func.hashtextextended(f"{what}:{bound_tenant_id()}", 0)
    return db.session.scalar(select(getattr(func, function)(key)))
