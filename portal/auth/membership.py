"""Members as an admin manages them: who there is, who may sign in, who lost a factor."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, or_, select

from portal.access.decision import require
from portal.access.models import RoleAssignment
from portal.access.permissions import Permission
from portal.access.queries import assignments_of
from portal.access.service import require_another_admin, require_other_person
from portal.audit.actions import Action
from portal.audit.actor import Actor
from portal.audit.service import record
from portal.auth.models import PasswordCredential, TotpDevice, UserSession
from portal.auth.sessions import end_sessions_of
from portal.core.errors import Conflict, NotFound
from portal.tenancy.session import change, db
from portal.users.models import User, UserState
from portal.users.queries import canonical, get_user

PAGE_SIZE = 50


@dataclass(frozen=True, slots=True)
class Listed:
    """A member in the list: with roles, and whether an authenticator is set up."""

    user: User
    assignments: Sequence[RoleAssignment]
    has_factor: bool
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

    members: Sequence[Listed]
    page: int
    pages: int
    total: int


def search_members(actor: Actor, text: str = "", page: int = 1) -> MemberPage:
    """A page of the members whose name or e-mail has `text` in it. Raises `Forbidden`."""
    require(actor, Permission.MEMBER_READ)
    matching = select(User)
    if text.strip():
        pattern = canonical(text)
        matching = matching.where(
            or_(
                func.lower(User.name).contains(pattern, autoescape=True),
                User.email.contains(pattern, autoescape=True),
            )
        )
    total = db.session.execute(select(func.count()).select_from(matching.subquery())).scalar_one()
    pages = max(1, -(-total // PAGE_SIZE))
    page = min(max(1, page), pages)
    users = db.session.scalars(
        matching.order_by(func.lower(User.name), User.id)
        .limit(PAGE_SIZE)
        .offset((page - 1) * PAGE_SIZE)
    ).all()
    return MemberPage(_listed(users), page, pages, total)


def get_member(actor: Actor, user_id: UUID) -> Listed:
    """One member. Raises `Forbidden` or `NotFound`."""
    require(actor, Permission.MEMBER_READ)
    return _listed([get_user(user_id)])[0]


def deactivate_member(actor: Actor, user_id: UUID) -> None:
    """Bar somebody from signing in, and end their sessions. What they made stays.

    Raises `Forbidden`, `NotFound`, `Conflict` or `LastAdmin`.
    """
    user = _subject(actor, user_id, Permission.MEMBER_DEACTIVATE)
    require_another_admin(user)
    if user.state == UserState.DEACTIVATED:
        raise Conflict(f"{user.name} is deactivated already.")
    user.state = UserState.DEACTIVATED
    ended = end_sessions_of(user.id)
    record(actor, Action.MEMBER_DEACTIVATED, f"user:{user.id}", ended_sessions=ended)


def reactivate_member(actor: Actor, user_id: UUID) -> None:
    """Let somebody sign in again; who never accepted an invitation is invited again.

    Raises `Forbidden`, `NotFound` or `Conflict`.
    """
    user = _subject(actor, user_id, Permission.MEMBER_DEACTIVATE)
    if user.state != UserState.DEACTIVATED:
        raise Conflict(f"{user.name} is not deactivated.")
    user.state = UserState.ACTIVE if _has_password(user) else UserState.INVITED
    record(actor, Action.MEMBER_REACTIVATED, f"user:{user.id}")


def reset_factor(actor: Actor, user_id: UUID) -> None:
    """Remove a lost authenticator and end the person's sessions; the next sign-in sets up anew.

    Raises `Forbidden`, `NotFound` or `Conflict`.
    """
    user = _subject(actor, user_id, Permission.MEMBER_RESET)
    if change(delete(TotpDevice).where(TotpDevice.user_id == user.id)) == 0:
        raise Conflict(f"{user.name} has no authenticator set up.")
    ended = end_sessions_of(user.id)
    record(actor, Action.FACTOR_RESET, f"user:{user.id}", factor="totp", ended_sessions=ended)


def _subject(actor: Actor, user_id: UUID, permission: Permission) -> User:
    require(actor, permission)
    user = get_user(user_id)
    require_other_person(actor, user, permission)
    return user


def _has_password(user: User) -> bool:
    return (
        db.session.scalars(
            select(PasswordCredential.id).where(PasswordCredential.user_id == user.id)
        ).first()
        is not None
    )


def _listed(users: Sequence[User]) -> Sequence[Listed]:
    ids = [user.id for user in users]
    assignments = assignments_of(ids)
    with_factor = set(
        db.session.scalars(select(TotpDevice.user_id).where(TotpDevice.user_id.in_(ids)))
    )
    seen = dict(
        db.session.execute(
            select(UserSession.user_id, func.max(UserSession.last_seen_at))
            .where(UserSession.user_id.in_(ids))
            .group_by(UserSession.user_id)
        ).all()
    )
    return [
        Listed(user, assignments.get(user.id, ()), user.id in with_factor, seen.get(user.id))
        for user in users
    ]
