"""Reading who holds what."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from portal.access.decision import Grant
from portal.access.models import RoleAssignment
from portal.access.permissions import ROLES
from portal.core.errors import NotFound
from portal.tenancy.binding import bound_tenant_id
from portal.tenancy.session import db


def grants_from(
    rows: Iterable[tuple[str, UUID | None, datetime | None]], at: datetime
) -> tuple[Grant, ...]:
    """What assignments (role, folder, end) amount to at a moment. An unknown role gives nothing."""
    return tuple(
        Grant(ROLES[role].permissions, folder_id)
        for role, folder_id, expires_at in rows
        if role in ROLES and (expires_at is None or expires_at > at)
    )


def assignments_of(user_ids: Collection[UUID]) -> Mapping[UUID, Sequence[RoleAssignment]]:
    """The assignments of each of these people, oldest first."""
    found: dict[UUID, list[RoleAssignment]] = defaultdict(list)
    statement = select(RoleAssignment).where(RoleAssignment.user_id.in_(set(user_ids)))
    for assignment in db.session.scalars(statement.order_by(RoleAssignment.id)):
        found[assignment.user_id].append(assignment)
    return found


def get_assignment(assignment_id: UUID) -> RoleAssignment:
    """One assignment. Raises `NotFound`."""
    assignment = db.session.get(RoleAssignment, (bound_tenant_id(), assignment_id))
    if assignment is None:
        raise NotFound
    return assignment
