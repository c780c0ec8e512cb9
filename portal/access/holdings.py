"""What one person holds, as pages show it: by name and through groups, ended roles too."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import or_, select

from portal.access.ends import ANNOUNCED_BEFORE
from portal.access.models import Group, GroupMembership, RoleAssignment
from portal.core import clock
from portal.tenancy.session import db


@dataclass(frozen=True, slots=True)
class Holding:
    """A role that is held, with the name of the group that it is held through, if it is."""

    assignment: RoleAssignment
    group: str | None

    @property
    def has_ended(self) -> bool:
        """Whether it gives nothing any more."""
        ends = self.assignment.expires_at
        return ends is not None and ends <= clock.now()

    @property
    def ends_soon(self) -> bool:
        """Whether its end is near enough to be announced."""
        ends = self.assignment.expires_at
        return ends is not None and clock.now() < ends <= clock.now() + ANNOUNCED_BEFORE


def list_holdings(user_id: UUID | None) -> Sequence[Holding]:
    """Everything that somebody was given, oldest first."""
    groups = select(GroupMembership.group_id).where(GroupMembership.user_id == user_id)
    rows = db.session.execute(
        select(RoleAssignment, Group.name)
        .outerjoin(Group, Group.id == RoleAssignment.group_id)
        .where(or_(RoleAssignment.user_id == user_id, RoleAssignment.group_id.in_(groups)))
        .order_by(RoleAssignment.id)
    )
    return [Holding(assignment, group) for assignment, group in rows]


def folders_in(assignments: Iterable[RoleAssignment]) -> Collection[UUID]:
    """The folders on which these roles are held."""
    return {each.folder_id for each in assignments if each.folder_id}
