"""A person's password as it is kept: chosen, changed, and asked for."""

from uuid import UUID

from sqlalchemy import select

from portal.access.decision import Member
from portal.access.queries import assignments_of
from portal.audit.actions import Action, Outcome
from portal.audit.service import RecordedRefusal, record
from portal.auth import attempts, passwords
from portal.auth.models import PasswordCredential
from portal.auth.policy.queries import get_policy
from portal.auth.sessions import end_sessions_of, require_live
from portal.core import clock
from portal.tenancy.binding import bound
from portal.tenancy.session import db, release
from portal.users.models import User
from portal.users.queries import get_user

CHANGES_PER_PERSON = 10


class WrongPassword(RecordedRefusal):
    """The present password, asked for before it may be changed, is wrong."""

    message = "Your present password is wrong."
    action = Action.PASSWORD_REFUSED
    outcome = Outcome.FAILURE


def find_credential(user_id: UUID) -> PasswordCredential | None:
    """A person's password, hashed."""
    return db.session.scalars(
        select(PasswordCredential).where(PasswordCredential.user_id == user_id)
    ).one_or_none()


def min_length_for(user: User) -> int:
    """How many characters a password of this person must have."""
    policy = get_policy()
    roles = {assignment.role for assignment in assignments_of([user.id]).get(user.id, ())}
    alone = 0 if policy.wants_factor_of(roles) else passwords.MIN_LENGTH_ALONE
    return max(policy.password_min_length, alone)


def hash_new_password(user: User, password: str) -> str:
    """The hash of a password that this person may have. Raises `WeakPassword`.

    Ends the present transaction: measuring and hashing take long, and nothing waits for them.
    """
    about = [user.name, user.email, bound().tenant.name]
    min_length = min_length_for(user)
    release()
    passwords.check_strength(password, min_length=min_length, about=about)
    return passwords.hash_password(password)


def set_password(user: User, password_hash: str) -> None:
    """Give a person a password, or another one."""
    credential = find_credential(user.id)
    if credential is None:
        db.session.add(PasswordCredential(user_id=user.id, password_hash=password_hash))
    else:
        credential.password_hash = password_hash
        credential.changed_at = clock.now()


def rehash(user_id: UUID, password_hash: str) -> None:
    """Keep the same password under another hash; its age stays what it is."""
    credential = find_credential(user_id)
    if credential is not None:
        credential.password_hash = password_hash


def check_own_password(member: Member, password: str) -> None:
    """Raises `WrongPassword` or `TooManyAttempts`. Ends the present transaction."""
    subject = attempts.subject_of(member, "change")
    attempts.reserve(f"user:{member.user_id}", (CHANGES_PER_PERSON, subject))
    credential = find_credential(member.user_id) if member.user_id else None
    password_hash = credential.password_hash if credential else None
    release()
    if not passwords.verify_password(password_hash, password):
        raise WrongPassword(f"user:{member.user_id}")


def change_password(member: Member, present: str, new: str) -> None:
    """Change the person's own password and end their other sessions.

    Raises `WrongPassword`, `WeakPassword` or `TooManyAttempts`.
    """
    check_own_password(member, present)
    user = get_user(member.user_id)  # type: ignore[arg-type]  # a member has an id
    new_hash = hash_new_password(user, new)
    require_live(member)
    set_password(user, new_hash)
    ended = end_sessions_of(user.id, but=member.session_id)
    record(member, Action.PASSWORD_CHANGED, f"user:{user.id}", ended_sessions=ended)
