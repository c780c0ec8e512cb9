"""Members as an admin manages them: who there is, who may sign in, who lost a factor."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, or_, select, union_all

from portal.access.decision import require
from portal.access.models import RoleAssignment
from portal.access.permissions import Permission
from portal.access.queries import assignments_of
from portal.access.service import require_another_admin, require_other_person
from portal.audit.actions import Action
from portal.audit.actor import Actor
from portal.audit.service import record
from portal.auth.assurance import Act, Factor
from portal.auth.factors.models import Passkey, RecoveryCode, TotpDevice
from portal.auth.factors.queries import factors_by_user
from portal.auth.models import PasswordCredential, UserSession
from portal.auth.sessions import end_sessions_of, require_fresh
from portal.auth.sso.models import ExternalIdentity
from portal.core.errors import Conflict, NotFound
from portal.tenancy.session import change, db
from portal.users.models import User, UserState
from portal.users.queries import canonical, get_user

PAGE_SIZE = 50


@dataclass(frozen=True, slots=True)
class Listed:
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
    user.state = UserState.ACTIVE if _can_sign_in(user) else UserState.INVITED
    record(actor, Action.MEMBER_REACTIVATED, f"user:{user.id}")


def reset_factors(actor: Actor, user_id: UUID) -> None:
    """Remove all of a person's factors and end their sessions; the next sign-in sets up anew.

    Raises `Forbidden`, `NotFound` or `Conflict`.
    """
    user = _subject(actor, user_id, Permission.MEMBER_RESET)
    require_fresh(actor, Act.MEMBERS)
    removed = {
        model.__tablename__: change(delete(model).where(model.user_id == user.id))
        for model in (TotpDevice, Passkey, RecoveryCode)
    }
    if not any(removed.values()):
        raise Conflict(f"{user.name} has no second factor set up.")
    ended = end_sessions_of(user.id)
    record(actor, Action.FACTOR_RESET, f"user:{user.id}", removed=removed, ended_sessions=ended)


def _subject(actor: Actor, user_id: UUID, permission: Permission) -> User:
    require(actor, permission)
    user = get_user(user_id)
    require_other_person(actor, user, permission)
    return user


def _can_sign_in(user: User) -> bool:
    """Whether somebody has a password, or is linked to a provider."""
    ways = (
        select(model.id).where(model.user_id == user.id)
        for model in (PasswordCredential, ExternalIdentity)
    )
    return db.session.execute(union_all(*ways)).first() is not None


def _listed(users: Sequence[User]) -> Sequence[Listed]:
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
        Listed(
            user,
            assignments.get(user.id, ()),
            factors.get(user.id, frozenset()),
            seen.get(user.id),
        )
        for user in users
    ]
