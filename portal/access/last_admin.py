"""The organisation always keeps somebody to run it: its last admin can't vanish."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select

from portal.access.locking import lock_access
from portal.access.models import RoleAssignment
from portal.access.permissions import ADMIN
from portal.audit.service import RecordedRefusal
from portal.tenancy.session import db
from portal.users.models import User, UserState


class LastAdmin(RecordedRefusal):
    """The organisation would be left with nobody to run it."""

    status = 409
    message = "This is the last active admin. Make somebody else an admin first."


def require_another_admin(user_id: UUID) -> None:
    """Raises `LastAdmin` if this is the only active admin. Takes the lock."""
    lock_access()
    if set(list_lasting_admins()) == {user_id}:
        raise LastAdmin(f"user:{user_id}")


def list_lasting_admins() -> Sequence[UUID]:
    """The people who are active admins, by name and without an end.

    Admins for a while don't count, nor those through a group: both end without a question.
    """
    return db.session.scalars(
        select(User.id)
        .join(RoleAssignment, RoleAssignment.user_id == User.id)
        .where(
            RoleAssignment.role == ADMIN.key,
            RoleAssignment.expires_at.is_(None),
            User.state == UserState.ACTIVE,
        )
    ).all()
