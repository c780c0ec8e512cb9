"""A person's password as it is kept: chosen, changed, and asked for."""

import json
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select, update

from portal.access.decision import Member
from portal.access.queries import roles_held_by
from portal.audit.actions import Action, Outcome
from portal.audit.service import RecordedRefusal, record
from portal.auth import attempts, passwords
from portal.auth.live_sessions import require_live
from portal.auth.models import PasswordCredential, PasswordReset
from portal.auth.notices import Notice, tell
from portal.auth.passwords import WeakPassword
from portal.auth.policy.queries import get_policy
from portal.auth.sessions import end_sessions_of
from portal.core import clock
from portal.tenancy.binding import bound
from portal.tenancy.session import db, release
from portal.users.models import User
from portal.users.queries import get_user

CHANGES_PER_PERSON = 10
EARLIER_KEPT = 5


class WrongPassword(RecordedRefusal):
    """The present password, asked for before it may be changed, is wrong."""

    message = "Your present password is wrong."
    action = Action.PASSWORD_REFUSED
    outcome = Outcome.FAILURE


@dataclass(frozen=True, slots=True)
class NewPassword:
    """A password that its person may have, hashed. `is_reused`: it was theirs before."""

    password_hash: str
    is_reused: bool


def find_credential(user_id: UUID) -> PasswordCredential | None:
    """A person's password, hashed."""
    return db.session.scalars(
        select(PasswordCredential).where(PasswordCredential.user_id == user_id)
    ).one_or_none()


def lock_credential(user_id: UUID) -> PasswordCredential | None:
    """A person's password as of now. Whoever changes it waits for the present transaction, and ends
    the sessions that were opened by it.
    """
    return db.session.scalars(
        select(PasswordCredential)
        .where(PasswordCredential.user_id == user_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()


def min_length_for(user: User) -> int:
    """How many characters a password of this person must have."""
    policy = get_policy()
    roles = roles_held_by([user.id]).get(user.id, frozenset())
    alone = 0 if policy.wants_factor_of(roles) else passwords.MIN_LENGTH_ALONE
    return max(policy.password_min_length, alone)


def hash_new_password(user: User, password: str) -> NewPassword:
    """What is kept of a password that this person may have. Raises `WeakPassword`.

    Ends the present transaction: measuring and hashing take long, and nothing waits for them.
    """
    about = [user.name, user.email, bound().tenant.name]
    min_length = min_length_for(user)
    before = _hashes_of(find_credential(user.id))
    release()
    passwords.check_strength(password, min_length=min_length, about=about)
    is_reused = any(passwords.verify_password(known, password) for known in before)
    return NewPassword(passwords.hash_password(password), is_reused)


def set_password(user: User, new: NewPassword) -> None:
    """Give a person a password, or another one. Links by which they might choose one end."""
    end_resets_of(user.id)
    credential = find_credential(user.id)
    if credential is None:
        db.session.add(PasswordCredential(user_id=user.id, password_hash=new.password_hash))
        return
    credential.earlier_hashes = json.dumps(_hashes_of(credential)[:EARLIER_KEPT])
    credential.password_hash = new.password_hash
    credential.is_reused = new.is_reused
    credential.changed_at = clock.now()


def end_resets_of(user_id: UUID) -> None:
    """End a person's links for a forgotten password."""
    db.session.execute(
        update(PasswordReset)
        .where(PasswordReset.user_id == user_id, PasswordReset.used_at.is_(None))
        .values(expires_at=clock.now())
    )


def rehash(user_id: UUID, password_hash: str) -> None:
    """Keep the same password under another hash; its age stays what it is."""
    credential = find_credential(user_id)
    if credential is not None:
        credential.password_hash = password_hash


def check_own_password(member: Member, password: str) -> None:
    """Raises `WrongPassword` or `TooManyAttempts`. Ends the present transaction."""
    subject = attempts.subject_of(member, "change")
    attempts.reserve(f"user:{member.user_id}", (CHANGES_PER_PERSON, subject))
    credential = find_credential(member.user_id)
    password_hash = credential.password_hash if credential else None
    release()
    if not passwords.verify_password(password_hash, password):
        raise WrongPassword(f"user:{member.user_id}")


def change_password(member: Member, present: str, new: str) -> None:
    """Change the person's own password and end their other sessions.

    Raises `WrongPassword`, `WeakPassword` or `TooManyAttempts`.
    """
    check_own_password(member, present)
    if new == present:
        raise WeakPassword("This is the password that you have now. Choose another.")
    user = get_user(member.user_id)
    chosen = hash_new_password(user, new)
    lock_credential(user.id)
    require_live(member)
    set_password(user, chosen)
    ended = end_sessions_of(user.id, but=member.session_id)
    record(member, Action.PASSWORD_CHANGED, f"user:{user.id}", ended_sessions=ended)
    tell(user.id, Notice.PASSWORD_CHANGED, actor=member)


def _hashes_of(credential: PasswordCredential | None) -> list[str]:
    """The present hash and the earlier ones that are kept, latest first."""
    if credential is None:
        return []
    is_first = credential.earlier_hashes_sealed is None
    return [credential.password_hash, *([] if is_first else json.loads(credential.earlier_hashes))]
