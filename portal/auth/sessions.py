"""Sessions: opened, listed and ended. What is not in a row is not a session."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from uuid import UUID

from sqlalchemy import ColumnElement, and_, select, update

from portal.access.decision import Member
from portal.audit.actions import Action
from portal.audit.actor import Actor
from portal.audit.service import record
from portal.auth.assurance import First, Second
from portal.auth.factors.totp import new_secret
from portal.auth.live_sessions import SessionEnded
from portal.auth.models import UserSession
from portal.auth.policy.limits import is_live
from portal.auth.policy.queries import get_policy
from portal.auth.tokens import hash_token, new_token
from portal.core import clock
from portal.core.errors import NotFound
from portal.core.ids import new_id
from portal.tenancy.session import change, db
from portal.users.models import User


def open_session(
    origin: Actor, user: User, first: First, user_agent: str, second: Second | None = None
) -> str:
    """Open a session for `user`; gives the token that the cookie holds, kept nowhere else.

    The one that this browser had before ends: the new token takes its place (ASVS 5.0, 7.2.4).
    Raises `SessionEnded` if it has ended meanwhile.
    """
    if isinstance(origin, Member) and not _end(UserSession.id == origin.session_id):
        raise SessionEnded
    token = new_token()
    session = UserSession(
        id=new_id(),
        user_id=user.id,
        token_hash=hash_token(token),
        first_factor=first,
        second_factor=second,
        proved_at=clock.now(),
        address=origin.address or "",
        user_agent=user_agent[:300],
    )
    session.totp_secret = new_secret()  # GET changes nothing, so it is there before it is shown
    db.session.add(session)
    return token


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


def note_proof(member: Member, second: Second | None = None) -> Member:
    """Note that the person has just proved again who they are, perhaps by a second factor."""
    session = get_session(member)
    session.proved_at = clock.now()
    if second is not None:
        session.second_factor = second
    return replace(member, proved_at=session.proved_at)


def renew_token(member: Member, user_agent: str) -> str:
    """Give the session in use another token after a further proof; the one before ends with it."""
    session, token = get_session(member), new_token()
    session.token_hash = hash_token(token)
    session.address = member.address or ""
    session.user_agent = user_agent[:300]
    return token


def touch_session(session_id: UUID) -> None:
    """Note that the session is in use."""
    db.session.execute(
        update(UserSession).where(UserSession.id == session_id).values(last_seen_at=clock.now())
    )


def list_sessions(user_id: UUID | None) -> Sequence[UserSession]:
    """A person's live sessions, latest use first."""
    now = clock.now()
    rows = db.session.scalars(
        select(UserSession)
        .where(UserSession.user_id == user_id, UserSession.ended_at.is_(None))
        .order_by(UserSession.last_seen_at.desc(), UserSession.id)
    )
    policy = get_policy()
    return [row for row in rows if is_live(row, policy, now)]


def sign_out(member: Member) -> None:
    """End the session the person is using."""
    _end(UserSession.id == member.session_id)
    record(member, Action.SIGNED_OUT, f"session:{member.session_id}")


def end_session(member: Member, session_id: UUID) -> None:
    """End one of the person's own sessions. Raises `NotFound`."""
    end_session_of(member.user_id, session_id)
    record(member, Action.SESSION_ENDED, f"session:{session_id}")


def end_other_sessions(member: Member) -> int:
    """End all of the person's sessions but the one in use; gives their number."""
    ended = end_sessions_of(member.user_id, but=member.session_id)
    record(member, Action.SESSION_ENDED, f"user:{member.user_id}", ended=ended)
    return ended


def end_session_of(user_id: UUID | None, session_id: UUID) -> None:
    """End one session of a person. Raises `NotFound`. Records nothing."""
    if not _end(and_(UserSession.id == session_id, UserSession.user_id == user_id)):
        raise NotFound


def end_sessions_of(user_id: UUID | None, *, but: UUID | None = None) -> int:
    """End a person's sessions, all or all but one; gives their number. Records nothing."""
    which = UserSession.user_id == user_id
    return _end(which if but is None else and_(which, UserSession.id != but))


def end_sessions(session_ids: Collection[UUID]) -> int:
    """End these sessions; gives the number of those that were live. Records nothing."""
    return _end(UserSession.id.in_(session_ids))


def _end(which: ColumnElement[bool]) -> int:
    return change(
        update(UserSession)
        .where(which, UserSession.ended_at.is_(None))
        .values(ended_at=clock.now())
    )
