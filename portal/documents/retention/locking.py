"""Whoever decides what is destroyed and whoever changes what that is decided on take turns.

A hold that is placed while the worker deletes must find the document kept or gone, never half; and
what is moved out of a held folder at that moment must not slip through. Moves and restorings are
many and don't disturb each other, so they share the lock; it is taken before any row.
"""

from sqlalchemy import func, select

from portal.tenancy.binding import bound_tenant_id
from portal.tenancy.session import db


def lock_retention() -> None:
    """Have all others wait until the present transaction ends. On SQLite they do in any case."""
    _take("pg_advisory_xact_lock")


def share_retention() -> None:
    """Wait for whoever holds `lock_retention`, and keep them waiting; not one's like."""
    _take("pg_advisory_xact_lock_shared")


def _take(lock: str) -> None:
    if db.session.connection().dialect.name == "postgresql":
        key = func.hashtextextended(f"retention:{bound_tenant_id()}", 0)
        db.session.execute(select(getattr(func, lock)(key)))
