"""Who can hold a role: a person, or a group for all who are in it."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from portal.access.decision import Forbidden, Member, Target
from portal.access.models import Group, GroupMembership, RoleAssignment
from portal.access.names import group_key
from portal.access.permissions import Permission
from portal.audit.actor import Actor
from portal.core.errors import NotFound
from portal.tenancy.binding import bound_tenant_id
from portal.tenancy.session import db
from portal.users.models import User, UserState
from portal.users.queries import find_user_by_email, get_user


class OwnRights(Forbidden):
    """Nobody changes what they hold themselves, also not through a group they are in."""

    message = "Nobody changes their own roles or account. Ask another admin."


@dataclass(frozen=True, slots=True)
class Holder:
    """A person or a group, with the people that it comes down to."""

    name: str
    people: frozenset[UUID]
    user_id: UUID | None = None
    group_id: UUID | None = None

    @property
    def target(self) -> str:
        """How the audit log names it."""
        return f"user:{self.user_id}" if self.user_id else f"group:{self.group_id}"


def person(user: User) -> Holder:
    """A person as a holder."""
    return Holder(user.name, frozenset({user.id}), user_id=user.id)


def get_person(user_id: UUID) -> Holder:
    """A person as a holder. Raises `NotFound`."""
    return person(get_user(user_id))


def get_group_holder(group_id: UUID) -> Holder:
    """A group as a holder. Raises `NotFound`."""
    group = db.session.get(Group, (bound_tenant_id(), group_id), populate_existing=True)
    if group is None:
        raise NotFound
    members = select(GroupMembership.user_id).where(GroupMembership.group_id == group_id)
    return Holder(group.name, frozenset(db.session.scalars(members)), group_id=group_id)


def read_again(holder: Holder) -> Holder:
    """The holder as of now: people may have come into a group while somebody waited.

    Raises `NotFound` where the group has gone.
    """
    return get_group_holder(holder.group_id) if holder.group_id else holder


def find_holder(text: str) -> Holder | None:
    """The person of exactly that e-mail, else the group of exactly that name.

    Who is deactivated is not found: nothing is given to somebody who can't come in.
    """
    user = find_user_by_email(text)
    if user is not None:
        return None if user.state == UserState.DEACTIVATED else person(user)
    named = select(Group.id).where(Group.name_key == group_key(text))
    group_id = db.session.scalars(named).one_or_none()
    return get_group_holder(group_id) if group_id else None


def holder_of(assignment: RoleAssignment) -> Holder:
    """Whom an assignment was given to."""
    if assignment.user_id is not None:
        return get_person(assignment.user_id)
    if assignment.group_id is None:
        raise NotFound
    return get_group_holder(assignment.group_id)


def require_others(actor: Actor, holder: Holder, permission: Permission) -> None:
    """Raises `OwnRights` where somebody turns an act on themselves or a group they are in."""
    if isinstance(actor, Member) and actor.user_id in holder.people:
        raise OwnRights(permission, Target(holder.target))
