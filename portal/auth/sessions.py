"""Sessions: opened, found, listed and ended. What is not in a row is not a session."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, bindparam, select, update

from portal.access.decision import Grant, Member
from portal.access.models import RoleAssignment
from portal.access.queries import grants_from
from portal.audit.actions import Action
from portal.audit.actor import Actor
from portal.audit.service import record
from portal.auth.models import Assurance, UserSession
from portal.auth.tokens import hash_token, new_token
from portal.auth.totp import new_secret
from portal.core import clock
from portal.core.errors import NotFound, PortalError
from portal.core.settings import active
from portal.tenancy.session import change, db
from portal.users.models import User, UserState

TOUCH_AFTER = timedelta(minutes=1)  # last_seen_at is kept no finer than this

_FOUND = (
    select(
        UserSession.id,
        UserSession.assurance,
        UserSession.created_at,
        UserSession.last_seen_at,
        UserSession.factor_at,
        User.id,
        User.name,
        User.email,
        RoleAssignment.role,
        RoleAssignment.folder_id,
        RoleAssignment.expires_at,
    )
    .join(User, User.id == UserSession.user_id)
    .outerjoin(RoleAssignment, RoleAssignment.user_id == User.id)
    .where(UserSession.ended_at.is_(None), User.state == UserState.ACTIVE)
)
# Every request asks for it: to put it together each time would take longer than to run it.
_BY_TOKEN = _FOUND.where(UserSession.token_hash == bindparam("token_hash"))


class SessionEnded(PortalError):
    """The session has ended while it was being used."""

    status = 401
    message = "Your session has ended. Please sign in again."


class FoundSession:
    """A live session as read at the start of a request."""

    def __init__(self, member: Member, assurance: Assurance, last_seen_at: datetime) -> None:
        self.member = member
        self.assurance = assurance
        self.last_seen_at = last_seen_at

    @property
    def is_complete(self) -> bool:
        """Whether every step of signing in has been taken."""
        return self.assurance == Assurance.PASSWORD_TOTP

    @property
    def is_stale(self) -> bool:
        """Whether `last_seen_at` is to be written anew."""
        return clock.now() - self.last_seen_at > TOUCH_AFTER


def open_session(origin: Actor, user: User, assurance: Assurance, user_agent: str) -> str:
    """Open a session for `user`; gives the token that the cookie holds, kept nowhere else.

    The one that this browser had before ends: the new token takes its place (ASVS 5.0, 7.2.4).
    Raises `SessionEnded` if it has ended meanwhile.
    """
    if isinstance(origin, Member) and not _end(UserSession.id == origin.session_id):
        raise SessionEnded
    token = new_token()
    session = UserSession(
        user_id=user.id,
        token_hash=hash_token(token),
        assurance=assurance,
        factor_at=None if assurance == Assurance.PASSWORD else clock.now(),
        address=origin.address or "",
        user_agent=user_agent[:300],
    )
    if assurance == Assurance.PASSWORD:
        session.totp_secret = new_secret()  # in case the person has no authenticator yet
    db.session.add(session)
    return token


def find_session(token: str, origin: Actor) -> FoundSession | None:
    """The live session of a token with its person and what they hold: one statement."""
    now = clock.now()
    rows = db.session.execute(_BY_TOKEN, {"token_hash": hash_token(token)}).all()
    if not rows:
        return None
    session_id, assurance, created_at, last_seen_at, factor_at, user_id, name, email, *_ = rows[0]
    if not _is_live(created_at, last_seen_at, now):
        return None
    member = Member(
        user_id=user_id,
        name=name,
        email=email,
        session_id=session_id,
        factor_at=factor_at,
        address=origin.address,
        request_id=origin.request_id,
        grants=_grants_of(rows),
    )
    return FoundSession(member, Assurance(assurance), last_seen_at)


def get_session(member: Member) -> UserSession:
    """The row of the session in use. Raises `SessionEnded`."""
    session = db.session.scalars(
        select(UserSession).where(
            UserSession.id == member.session_id, UserSession.ended_at.is_(None)
        )
    ).one_or_none()
    if session is None:
        raise SessionEnded
    return session


def require_live(member: Member) -> None:
    """Raises `SessionEnded` unless the session and its person are still what they were."""
    read_again(member)


def read_again(member: Member) -> Member:
    """The person as of now, after work that took long. Raises `SessionEnded`."""
    rows = db.session.execute(_FOUND.where(UserSession.id == member.session_id)).all()
    if not rows:
        raise SessionEnded
    return replace(member, grants=_grants_of(rows))


def has_signed_in_from(email: str, address: str | None) -> bool:
    """Whether the person of that e-mail has ever signed in completely from that address."""
    found = db.session.execute(
        select(UserSession.id)
        .join(User, User.id == UserSession.user_id)
        .where(
            User.email == email,
            UserSession.address == (address or ""),
            UserSession.assurance == Assurance.PASSWORD_TOTP,
        )
        .limit(1)
    ).first()
    return found is not None


def touch_session(session_id: UUID) -> None:
    """Note that the session is in use."""
    db.session.execute(
        update(UserSession).where(UserSession.id == session_id).values(last_seen_at=clock.now())
    )


def list_sessions(member: Member) -> Sequence[UserSession]:
    """The person's live sessions, latest use first."""
    now = clock.now()
    rows = db.session.scalars(
        select(UserSession)
        .where(UserSession.user_id == member.user_id, UserSession.ended_at.is_(None))
        .order_by(UserSession.last_seen_at.desc(), UserSession.id)
    )
    return [row for row in rows if _is_live(row.created_at, row.last_seen_at, now)]


def sign_out(member: Member) -> None:
    """End the session the person is using."""
    _end(UserSession.id == member.session_id)
    record(member, Action.SIGNED_OUT, f"session:{member.session_id}")


def end_session(member: Member, session_id: UUID) -> None:
    """End one of the person's own sessions. Raises `NotFound`."""
    if not _end(and_(UserSession.id == session_id, UserSession.user_id == member.user_id)):
        raise NotFound
    record(member, Action.SESSION_ENDED, f"session:{session_id}")


def end_other_sessions(member: Member) -> int:
    """End all of the person's sessions but the one in use; gives their number."""
    ended = end_sessions_of(member.user_id, but=member.session_id)
    record(member, Action.SESSION_ENDED, f"user:{member.user_id}", ended=ended)
    return ended


def end_sessions_of(user_id: UUID | None, *, but: UUID | None = None) -> int:
    """End a person's sessions, all or all but one; gives their number. Records nothing."""
    which = UserSession.user_id == user_id
    return _end(which if but is None else and_(which, UserSession.id != but))


def _grants_of(rows: Sequence[Any]) -> tuple[Grant, ...]:
    """What the person of these rows holds. Half-way through signing in that is nothing."""
    if rows[0].assurance != Assurance.PASSWORD_TOTP:
        return ()
    held = ((row.role, row.folder_id, row.expires_at) for row in rows if row.role is not None)
    return grants_from(held, clock.now())


def _end(which: ColumnElement[bool]) -> int:
    return change(
        update(UserSession)
        .where(which, UserSession.ended_at.is_(None))
        .values(ended_at=clock.now())
    )


def _is_live(created_at: datetime, last_seen_at: datetime, now: datetime) -> bool:
    settings = active()
    return now - last_seen_at < timedelta(
        minutes=settings.session_idle_minutes
    ) and now - created_at < timedelta(hours=settings.session_absolute_hours)
