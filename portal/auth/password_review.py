"""How the members' passwords stand, for the operator: nothing by which one could be guessed."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from portal.access.decision import require
from portal.access.permissions import Permission
from portal.audit.actions import Action
from portal.audit.actor import Actor
from portal.audit.service import record
from portal.auth.models import PasswordCredential
from portal.auth.passwords import needs_rehash
from portal.core import clock
from portal.tenancy.session import db
from portal.users.models import User


@dataclass(frozen=True, slots=True)
class Reviewed:
    """One person's password. `is_reused`: it was theirs before; `is_outdated`: so is its hash."""

    email: str
    age_days: int
    is_reused: bool
    is_outdated: bool


def review_passwords(actor: Actor) -> Sequence[Reviewed]:
    """The passwords of the bound tenant, oldest first. Raises `Forbidden`."""
    require(actor, Permission.MEMBER_RESET)
    rows = db.session.execute(
        select(
            User.email,
            PasswordCredential.changed_at,
            PasswordCredential.is_reused,
            PasswordCredential.password_hash,
        )
        .join(User, User.id == PasswordCredential.user_id)
        .order_by(PasswordCredential.changed_at, User.email)
    )
    now = clock.now()
    reviewed = [
        Reviewed(email, (now - changed_at).days, is_reused, needs_rehash(password_hash))
        for email, changed_at, is_reused, password_hash in rows
    ]
    record(actor, Action.PASSWORDS_REVIEWED, "organisation", count=len(reviewed))
    return reviewed
