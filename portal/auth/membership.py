"""Members as an admin manages them: who there is, who may sign in, who lost a factor."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select, union_all

from portal.access.approvals.kinds import Kind
from portal.access.approvals.models import PendingAct
from portal.access.approvals.queries import find_waiting
from portal.access.approvals.service import ask, lapse, require_alone_to_give, wants_second
from portal.access.decision import decide, require
from portal.access.holders import person, require_others
from portal.access.last_admin import require_another_admin
from portal.access.letting_in import require_to_let_in
from portal.access.locking import lock_access, lock_access_as
from portal.access.models import RoleAssignment
from portal.access.permissions import Permission
from portal.access.queries import assignments_of
from portal.audit.actions import Action
from portal.audit.actor import Actor
from portal.audit.service import record
from portal.auth.assurance import Act, Factor
from portal.auth.credentials import end_resets_of
from portal.auth.factors.models import Passkey, RecoveryCode, TotpDevice
from portal.auth.factors.queries import factors_by_user, factors_of
from portal.auth.fresh import require_fresh
from portal.auth.invitations import checked_name
from portal.auth.models import PasswordCredential, UserSession
from portal.auth.notices import Notice, tell
from portal.auth.sessions import end_session_of, end_sessions_of, list_sessions
from portal.auth.sso.models import ExternalIdentity
from portal.core.errors import Conflict, NotFound
from portal.tenancy.paging import cut_page
from portal.tenancy.session import change, db
from portal.users.models import User, UserState
from portal.users.queries import get_user, lock_user, matches

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
    by_name = select(User).where(matches(text)).order_by(func.lower(User.name), User.id)
    found = cut_page(by_name, page, PAGE_SIZE)
    users = db.session.scalars(found.rows).all()
    return MemberPage(describe_members(users), found.page, found.pages, found.total)


def get_member(actor: Actor, user_id: UUID) -> Listed:
    """One member. Raises `Forbidden` or `NotFound`."""
    require(actor, Permission.MEMBER_READ)
    return describe_members([get_user(user_id)])[0]


def rename_member(actor: Actor, user_id: UUID, name: str) -> None:
    """Correct what somebody is called, wherever their name appears. They are told.

    Raises `Forbidden`, `StepUpNeeded`, `NotFound`, `Invalid`, or `Conflict` where somebody is
    deactivated: what was erased must not get a name again.
    """
    lock_user(user_id)
    user = _subject(actor, user_id, Permission.MEMBER_INVITE)
    require_fresh(actor, Act.MEMBERS)
    if user.state == UserState.DEACTIVATED:
        raise Conflict(f"{user.name} is deactivated.")
    before, user.name = user.name, checked_name(name)
    if user.name != before:
        record(actor, Action.MEMBER_RENAMED, f"user:{user.id}", name_before=before, name=user.name)
        tell(user.id, Notice.NAME_CHANGED, actor=actor, name_until_now=before)


def deactivate_member(actor: Actor, user_id: UUID) -> None:
    """Bar somebody from signing in, and end their sessions. What they made stays.

    Raises `Forbidden`, `NotFound`, `Conflict` or `LastAdmin`.
    """
    user = _subject(actor, user_id, Permission.MEMBER_DEACTIVATE)
    require_another_admin(user.id)
    if user.state == UserState.DEACTIVATED:
        raise Conflict(f"{user.name} is deactivated already.")
    user.state = UserState.DEACTIVATED
    end_resets_of(user.id)
    ended = end_sessions_of(user.id)
    record(actor, Action.MEMBER_DEACTIVATED, f"user:{user.id}", ended_sessions=ended)


def reactivate_member(actor: Actor, user_id: UUID) -> None:
    """Let somebody sign in again; who never accepted an invitation is invited again.

    With that they have back all that they hold, so it takes what giving it does. Raises
    `Forbidden`, `NotFound`, `Conflict`, or `SecondPersonNeeded` where it takes two people.
    """
    actor = lock_access_as(actor)
    user = _subject(actor, user_id, Permission.MEMBER_DEACTIVATE)
    require_alone_to_give(actor, require_to_let_in(actor, user), f"user:{user.id}")
    if user.state != UserState.DEACTIVATED:
        raise Conflict(f"{user.name} is not deactivated.")
    user.state = UserState.ACTIVE if _can_sign_in(user) else UserState.INVITED
    record(actor, Action.MEMBER_REACTIVATED, f"user:{user.id}", state=user.state)


def reset_factors(actor: Actor, user_id: UUID, reason: str = "") -> PendingAct | None:
    """Remove all of a person's factors and end their sessions; the next sign-in sets up anew.

    Where two people have to agree, nothing is removed yet: gives the act that waits for the second
    one. An operator acts alone. Raises `Forbidden`, `StepUpNeeded`, `NotFound` or `Conflict`.
    """
    user = _subject(actor, user_id, Permission.MEMBER_RESET)
    require_fresh(actor, Act.MEMBERS)
    if wants_second(actor, Kind.RESET_FACTORS):
        _require_factors(user, bool(factors_of(user.id)))
        return ask(actor, Kind.RESET_FACTORS, f"user:{user.id}", {}, reason)
    _remove_factors(actor, user)
    return None


def require_to_reset(actor: Actor, act: PendingAct) -> None:
    """Raises `Forbidden` unless `actor` may remove the factors of whom this is about."""
    _subject(actor, _person_in(act), Permission.MEMBER_RESET)


def reset_agreed(actor: Actor, act: PendingAct) -> None:
    """Remove somebody's factors, once a second person agrees. Raises `NotFound` or `Conflict`."""
    _remove_factors(actor, get_user(_person_in(act)), **act.consent.detail())


def find_reset(actor: Actor, user_id: UUID) -> PendingAct | None:
    """The reset of a member's factors that waits, if there is one and the actor may decide it."""
    if not decide(actor, Permission.MEMBER_RESET):
        return None
    return find_waiting(Kind.RESET_FACTORS, f"user:{user_id}")


def _person_in(act: PendingAct) -> UUID:
    return UUID(act.target.partition(":")[2])


def _remove_factors(actor: Actor, user: User, **agreed: Any) -> None:
    lock_access()
    lock_user(user.id)
    removed = {
        model.__tablename__: change(delete(model).where(model.user_id == user.id))
        for model in (TotpDevice, Passkey, RecoveryCode)
    }
    _require_factors(user, any(removed.values()))
    lapse(Kind.RESET_FACTORS, f"user:{user.id}")
    ended = end_sessions_of(user.id)
    record(
        actor,
        Action.FACTOR_RESET,
        f"user:{user.id}",
        removed=removed,
        ended_sessions=ended,
        **agreed,
    )
    tell(user.id, Notice.FACTORS_RESET, actor=actor)


def _require_factors(user: User, has_some: bool) -> None:
    if not has_some:
        raise Conflict(f"{user.name} has no second factor set up.")


def list_member_sessions(actor: Actor, user_id: UUID) -> Sequence[UserSession]:
    """Where a member is signed in; nothing for those who can't end it."""
    return list_sessions(user_id) if decide(actor, Permission.SESSION_END) else ()


def end_member_session(actor: Actor, user_id: UUID, session_id: UUID) -> None:
    """End one session of a member. Raises `Forbidden`, `NotFound` or `StepUpNeeded`."""
    user = _subject(actor, user_id, Permission.SESSION_END)
    require_fresh(actor, Act.MEMBERS)
    end_session_of(user.id, session_id)
    record(actor, Action.SESSION_ENDED, f"session:{session_id}", of=f"user:{user.id}")
    tell(user.id, Notice.SESSIONS_ENDED, actor=actor)


def end_member_sessions(actor: Actor, user_id: UUID) -> None:
    """End all sessions of a member.

    Raises `Forbidden`, `NotFound`, `Conflict` or `StepUpNeeded`.
    """
    user = _subject(actor, user_id, Permission.SESSION_END)
    require_fresh(actor, Act.MEMBERS)
    ended = end_sessions_of(user.id)
    if not ended:
        raise Conflict(f"{user.name} is not signed in anywhere.")
    record(actor, Action.SESSION_ENDED, f"user:{user.id}", ended=ended)
    tell(user.id, Notice.SESSIONS_ENDED, actor=actor)


def _subject(actor: Actor, user_id: UUID, permission: Permission) -> User:
    require(actor, permission)
    user = get_user(user_id)
    require_others(actor, person(user), permission)
    return user


def _can_sign_in(user: User) -> bool:
    """Whether somebody has a password, or is linked to a provider."""
    ways = (
        select(model.id).where(model.user_id == user.id)
        for model in (PasswordCredential, ExternalIdentity)
    )
    return db.session.execute(union_all(*ways)).first() is not None


def describe_members(users: Sequence[User]) -> Sequence[Listed]:
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
        Listed(
            user,
            assignments.get(user.id, ()),
            factors.get(user.id, frozenset()),
            seen.get(user.id),
        )
        for user in users
    ]
