"""Reading whether the organisation closes."""

from datetime import datetime

from sqlalchemy import ScalarSelect, select

from portal.auth.closing.models import Closing
from portal.core.errors import PortalError
from portal.tenancy.session import db
from portal.tenancy.turns import share_turn

CLOSING = "closing"

_closing = Closing.__table__


class ReadOnly(PortalError):
    """The tenant closes: nothing is changed any more."""

    status = 403
    message = "This organisation is closing. Everything can be read, but nothing can be changed."


def require_staying() -> None:
    """For what may have begun long before. Raises `ReadOnly` where the bound tenant closes.

    No closing begins from here until the transaction ends.
    """
    share_turn(CLOSING)
    if find_end() is not None:
        raise ReadOnly


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
