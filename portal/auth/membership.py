"""Whether members may sign in, and where they are signed in: as an admin decides it."""

from uuid import UUID

from sqlalchemy import select, union_all

from portal.access.approvals.service import require_alone_to_give
from portal.access.decision import require
from portal.access.holders import person, require_others
from portal.access.last_admin import require_another_admin
from portal.access.letting_in import require_to_let_in
from portal.access.locking import lock_access_as
from portal.access.permissions import Permission
from portal.audit.actions import Action
from portal.audit.actor import Actor
from portal.audit.service import record
from portal.auth.assurance import Act
from portal.auth.credentials import end_resets_of
from portal.auth.fresh import require_fresh
from portal.auth.invitations import checked_name
from portal.auth.models import PasswordCredential
from portal.auth.notices import Notice, tell
from portal.auth.sessions import end_session_of, end_sessions_of
from portal.auth.sso.models import ExternalIdentity
from portal.core.errors import Conflict
from portal.tenancy.session import db
from portal.users.models import User, UserState
from portal.users.queries import get_user


def rename_member(actor: Actor, user_id: UUID, name: str) -> None:
    """Correct what somebody is called, wherever their name appears. They are told.

    Raises `Forbidden`, `StepUpNeeded`, `NotFound`, `Invalid`, or `Conflict` where somebody is
    deactivated: what was erased must not get a name again.
    """
    actor = lock_access_as(actor)
    user = get_subject(actor, user_id, Permission.MEMBER_INVITE)
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
    actor = lock_access_as(actor)
    user = get_subject(actor, user_id, Permission.MEMBER_DEACTIVATE)
    require_another_admin(user.id)
    if user.state == UserState.DEACTIVATED:
        raise Conflict(f"{user.name} is deactivated already.")
    user.state = UserState.DEACTIVATED
    end_resets_of(user.id)
    ended = end_sessions_of(user.id)
    record(actor, Action.MEMBER_DEACTIVATED, f"user:{user.id}", ended_sessions=ended)


def reactivate_member(actor: Actor, user_id: UUID) -> None:
    """Let somebody sign in again; who never accepted an invitation is invited again.

    With that they have back all that they hold, so it takes what giving it does. An account that
    was erased is nobody's any more: another person would act under the id of the one who is gone.
    Raises `Forbidden`, `NotFound`, `Conflict`, or `SecondPersonNeeded` where it takes two people.
    """
    actor = lock_access_as(actor)
    user = get_subject(actor, user_id, Permission.MEMBER_DEACTIVATE)
    require_alone_to_give(actor, require_to_let_in(actor, user), f"user:{user.id}")
    if user.state != UserState.DEACTIVATED:
        raise Conflict(f"{user.name} is not deactivated.")
    if user.is_erased:
        raise Conflict("This account was erased. Whoever comes back is invited anew.")
    user.state = UserState.ACTIVE if _can_sign_in(user) else UserState.INVITED
    record(actor, Action.MEMBER_REACTIVATED, f"user:{user.id}", state=user.state)


def end_member_session(actor: Actor, user_id: UUID, session_id: UUID) -> None:
    """End one session of a member. Raises `Forbidden`, `NotFound` or `StepUpNeeded`."""
    actor = lock_access_as(actor)
    user = get_subject(actor, user_id, Permission.SESSION_END)
    require_fresh(actor, Act.MEMBERS)
    end_session_of(user.id, session_id)
    record(actor, Action.SESSION_ENDED, f"session:{session_id}", of=f"user:{user.id}")
    tell(user.id, Notice.SESSIONS_ENDED, actor=actor)


def end_member_sessions(actor: Actor, user_id: UUID) -> None:
    """End all sessions of a member.

    Raises `Forbidden`, `NotFound`, `Conflict` or `StepUpNeeded`.
    """
    actor = lock_access_as(actor)
    user = get_subject(actor, user_id, Permission.SESSION_END)
    require_fresh(actor, Act.MEMBERS)
    ended = end_sessions_of(user.id)
    if not ended:
        raise Conflict(f"{user.name} is not signed in anywhere.")
    record(actor, Action.SESSION_ENDED, f"user:{user.id}", ended=ended)
    tell(user.id, Notice.SESSIONS_ENDED, actor=actor)


def get_subject(actor: Actor, user_id: UUID, permission: Permission) -> User:
    """The person whom an act is about, as they are now, if `actor` may do it.

    Call `lock_access_as` first. Raises `Forbidden`, `NotFound` or `OwnRights`.
    """
    require(actor, permission)
    user = get_user(user_id)
    db.session.refresh(user)  # a page may have read it before the lock was there
    require_others(actor, person(user), permission)
    return user


def _can_sign_in(user: User) -> bool:
    """Whether somebody has a password, or is linked to a provider."""
    ways = (
        select(model.id).where(model.user_id == user.id)
        for model in (PasswordCredential, ExternalIdentity)
    )
    return db.session.execute(union_all(*ways)).first() is not None
