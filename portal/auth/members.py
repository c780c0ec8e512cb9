"""Who the members are, with their roles, factors and sessions; access is decided here."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select

from portal.access.decision import decide, require
from portal.access.models import RoleAssignment
from portal.access.permissions import Permission
from portal.access.queries import assignments_of
from portal.audit.actor import Actor
from portal.auth.assurance import Factor
from portal.auth.factors.queries import factors_by_user
from portal.auth.models import UserSession
from portal.auth.sessions import list_sessions
from portal.core.errors import NotFound
from portal.tenancy.paging import cut_page
from portal.tenancy.session import db
from portal.users.models import User, UserState
from portal.users.queries import get_user, matches

PAGE_SIZE = 50
STATES = tuple(UserState)


@dataclass(frozen=True, slots=True)
class ListedMember:
    """A member in the list: with roles, and the kinds of factor that are set up."""

    user: User
    assignments: Sequence[RoleAssignment]
    factors: frozenset[Factor]
    last_seen_at: datetime | None

    def get_assignment(self, assignment_id: UUID) -> RoleAssignment:
        """One of the member's roles. Raises `NotFound`."""
        for assignment in self.assignments:
            if assignment.id == assignment_id:
                return assignment
        raise NotFound


@dataclass(frozen=True, slots=True)
class MemberPage:
    """Members by name, with the number of all that match."""

    members: Sequence[ListedMember]
    page: int
    pages: int
    total: int


def search_members(actor: Actor, text: str = "", state: str = "", page: int = 1) -> MemberPage:
    """A page of the members whose name or e-mail has `text` in it, of one of `STATES` or of all.

    Raises `Forbidden`.
    """
    require(actor, Permission.MEMBER_READ)
    matching = select(User).where(matches(text))
    if state in STATES:
        matching = matching.where(User.state == state)
    found = cut_page(matching.order_by(func.lower(User.name), User.id), page, PAGE_SIZE)
    users = db.session.scalars(found.rows).all()
    return MemberPage(describe_members(users), found.page, found.pages, found.total)


def get_member(actor: Actor, user_id: UUID) -> ListedMember:
    """One member. Raises `Forbidden` or `NotFound`."""
    require(actor, Permission.MEMBER_READ)
    return describe_members([get_user(user_id)])[0]


def list_member_sessions(actor: Actor, user_id: UUID) -> Sequence[UserSession]:
    """Where a member is signed in; nothing for those who can't end it."""
    return list_sessions(user_id) if decide(actor, Permission.SESSION_END) else ()


def describe_members(users: Sequence[User]) -> Sequence[ListedMember]:
    """People with roles, factors and when they were last seen; access is the caller's to decide."""
    ids = [user.id for user in users]
    assignments = assignments_of(ids)
    factors = factors_by_user(ids)
    seen = dict(
        db.session.execute(
            select(UserSession.user_id, func.max(UserSession.last_seen_at))
            .where(UserSession.user_id.in_(ids))
            .group_by(UserSession.user_id)
        ).all()
    )
    return [
        ListedMember(
            user,
            assignments.get(user.id, ()),
            factors.get(user.id, frozenset()),
            seen.get(user.id),
        )
        for user in users
    ]
