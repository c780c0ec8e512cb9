"""Forgotten passwords: a one-time link by mail, by which another password is chosen.

Whoever asks gets one answer after one piece of work, whomever the e-mail belongs to: the request is
laid into the outbox sealed, and the worker finds out whether there is anybody to write to. Nothing
that a stranger can see or time depends on it (ASVS 5.0, 6.3.8 and 6.4.3).

The link proves that somebody reads the person's mail, and nothing else: it opens no session, so the
second factor is asked for as ever.
"""

import json
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select, update

from portal.access.decision import require
from portal.access.permissions import Permission
from portal.audit.actions import Action
from portal.audit.actor import Actor, ActorKind
from portal.audit.service import RecordedRefusal, record
from portal.auth import attempts
from portal.auth.assurance import First
from portal.auth.credentials import (
    end_resets_of,
    find_credential,
    hash_new_password,
    set_password,
)
from portal.auth.mail import send_later
from portal.auth.models import PasswordReset
from portal.auth.notices import Notice, tell
from portal.auth.policy.queries import get_policy
from portal.auth.sessions import end_sessions_of
from portal.auth.tokens import hash_token, new_token
from portal.core import clock
from portal.core.errors import Conflict, NotFound
from portal.core.settings import active
from portal.keys.columns import open_sealed, seal
from portal.keys.models import JOB_PAYLOAD
from portal.outbox.models import Job
from portal.outbox.service import enqueue
from portal.tenancy.binding import bound
from portal.tenancy.queries import find_tenant_host
from portal.tenancy.session import change, db
from portal.users.models import User, UserState
from portal.users.queries import canonical, find_user_by_email, get_user

KIND = "password-reset"
VALID_FOR = timedelta(minutes=30)
PER_PERSON = 5
PER_ADDRESS = 30


class InvalidReset(RecordedRefusal):
    """The link was used, has expired, or its person can't have a password any more."""

    status = 404
    message = "This link is not valid any more. Ask for a new one."
    action = Action.PASSWORD_RESET_REFUSED


class NoPassword(Conflict):
    """There is no password that could have been forgotten."""

    message = "This person does not sign in with a password here."


def ask_for_reset(origin: Actor, email: str) -> None:
    """Have a link sent to the person of that e-mail, if there is one who signs in by password.

    Raises `TooManyAttempts`, for everybody and nobody alike.
    """
    person = canonical(email)
    network = attempts.network_of(origin.address)
    attempts.reserve(
        "user:unknown", (PER_ADDRESS, f"forgot:{network}"), (PER_PERSON, f"forgot:{person}")
    )
    asked = {
        "email": person,
        "address": origin.address,
        "request_id": str(origin.request_id),
        "at": clock.now().isoformat(),
    }
    enqueue(KIND, lambda job: seal(*JOB_PAYLOAD, job.id, json.dumps(asked)))
    record(origin, Action.PASSWORD_RESET_ASKED, "user:unknown")


def answer(job: Job) -> None:
    """Make the link that was asked for and put it into a mail, if there is somebody to get it."""
    asked = json.loads(open_sealed(*JOB_PAYLOAD, job.id, job.payload))
    user = find_user_by_email(asked["email"])
    is_late = datetime.fromisoformat(asked["at"]) + VALID_FOR <= clock.now()
    if is_late or user is None or not _may_have_password(user):
        return
    asker = Actor(
        kind=ActorKind.ANONYMOUS, address=asked["address"], request_id=UUID(asked["request_id"])
    )
    link, until = _make_link(asker, user)
    send_later(
        user.email,
        "Choose a new password",
        "reset",
        name=user.name,
        address=asked["address"] or "unknown",
        link=link,
        until=f"{until:%H:%M} UTC",
    )


def make_reset_link(actor: Actor, user_id: UUID) -> str:
    """A link to hand to somebody who gets no mail: the operator's way, no page leads here.

    Raises `Forbidden`, `NotFound` or `NoPassword`.
    """
    require(actor, Permission.MEMBER_RESET)
    user = get_user(user_id)
    if not _may_have_password(user):
        raise NoPassword
    return _make_link(actor, user)[0]


def get_forgetful(token: str) -> User:
    """Whom a link is for. Raises `NotFound` or `InvalidReset`."""
    row = db.session.execute(
        select(User, PasswordReset.expires_at, PasswordReset.used_at)
        .join(PasswordReset, PasswordReset.user_id == User.id)
        .where(PasswordReset.token_hash == hash_token(token))
    ).one_or_none()
    if row is None:
        raise NotFound(InvalidReset.message)  # unrecorded: strangers can make up any number
    user, expires_at, used_at = row
    if used_at or expires_at <= clock.now() or not _may_have_password(user):
        raise InvalidReset(f"user:{user.id}")
    return user


def reset_password(origin: Actor, token: str, password: str, *, user_agent: str) -> None:
    """Choose another password by a link. All sessions end, and none is opened.

    The link is used up by a conditional UPDATE: of two parallel uses one is refused, and so is one
    that comes after the link was ended. Raises `NotFound`, `InvalidReset` or `WeakPassword`.
    """
    chosen = hash_new_password(get_forgetful(token), password)
    user = get_forgetful(token)
    is_used = change(
        update(PasswordReset)
        .where(
            PasswordReset.token_hash == hash_token(token),
            PasswordReset.used_at.is_(None),
            PasswordReset.expires_at > clock.now(),
        )
        .values(used_at=clock.now())
    )
    if not is_used:
        raise InvalidReset(f"user:{user.id}")
    set_password(user, chosen)
    ended = end_sessions_of(user.id)
    record(origin, Action.PASSWORD_RESET, f"user:{user.id}", ended_sessions=ended)
    tell(user.id, Notice.PASSWORD_CHANGED, actor=origin, user_agent=user_agent)


def _make_link(actor: Actor, user: User) -> tuple[str, datetime]:
    """A new link, and until when it works. It leads to the host that is kept for the tenant:
    whatever a request says of its own host, it never gets into a link.
    """
    host = find_tenant_host(bound().tenant.slug)
    if host is None:
        raise Conflict("The organisation has no host to be reached under.")
    token, until = new_token(), clock.now() + VALID_FOR
    end_resets_of(user.id)
    db.session.add(PasswordReset(user_id=user.id, token_hash=hash_token(token), expires_at=until))
    record(actor, Action.PASSWORD_RESET_MADE, f"user:{user.id}")
    return f"{active().address_of(host)}/auth/resets/{token}", until


def _may_have_password(user: User) -> bool:
    """Whether the person signs in by password: active, has one, and the policy lets them."""
    return (
        user.state == UserState.ACTIVE
        and get_policy().allows(First.PASSWORD)
        and find_credential(user.id) is not None
    )
