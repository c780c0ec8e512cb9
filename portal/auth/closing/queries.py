"""Reading whether the organisation closes."""

from datetime import datetime

from sqlalchemy import ScalarSelect, select

from portal.auth.closing.models import Closing
from portal.tenancy.session import db

_closing = Closing.__table__


def find_closing() -> Closing | None:
    """The bound tenant's closing, begun or still to be agreed to."""
    return db.session.scalars(select(Closing).where(Closing.withdrawn_at.is_(None))).one_or_none()


def find_end() -> datetime | None:
    """Until when the bound tenant is read, if it closes."""
    return db.session.scalar(select(end_of_closing()))


def end_of_closing() -> ScalarSelect[datetime]:
    """The same as a part of another statement; null: it doesn't close."""
    return (
        select(_closing.c.ends_at)
        .where(_closing.c.withdrawn_at.is_(None), _closing.c.agreed_at.is_not(None))
        .scalar_subquery()
    )
