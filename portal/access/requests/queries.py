"""Reading requests for access."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select

from portal.access.requests.models import AccessRequest
from portal.core import clock
from portal.core.errors import NotFound
from portal.tenancy.binding import bound_tenant_id
from portal.tenancy.session import db

MOST_SHOWN = 100


def get_request(request_id: UUID) -> AccessRequest:
    """One request, decided or not. Raises `NotFound`."""
    found = db.session.get(AccessRequest, (bound_tenant_id(), request_id))
    if found is None:
        raise NotFound
    return found


def list_requests_of(user_id: UUID | None) -> Sequence[AccessRequest]:
    """What somebody asked for, latest first."""
    return db.session.scalars(
        select(AccessRequest)
        .where(AccessRequest.user_id == user_id)
        .order_by(AccessRequest.asked_at.desc(), AccessRequest.id.desc())
        .limit(MOST_SHOWN)
    ).all()


def waiting(statement: Select[Any]) -> Select[Any]:
    """`statement` about the requests that wait for a decision."""
    return statement.where(AccessRequest.decision.is_(None), AccessRequest.expires_at > clock.now())
