"""Erasing an account: a row without a name is left, which documents and the log refer to.

What the log keeps of the person besides the id goes as well.
"""

from uuid import UUID

from sqlalchemy import delete, select

from portal.access.groups.members import take_out
from portal.access.locking import lock_access
from portal.access.log_searches.models import LogSearch
from portal.access.models import Group, GroupMembership, RoleAssignment
from portal.access.requests.models import AccessRequest
from portal.access.service import Way, revoke_role
from portal.audit.actions import Action
from portal.audit.actor import Actor
from portal.audit.erasing import forget_person
from portal.audit.service import record
from portal.auth.factors.models import Passkey, RecoveryCode, TotpDevice
from portal.auth.models import Invitation, PasswordCredential, PasswordReset, UserSession
from portal.auth.sso.models import ExternalIdentity
from portal.core.errors import Conflict
from portal.tenancy.session import db
from portal.users.models import User, UserState, erased_email
from portal.users.queries import get_user

ERASED_NAME = "Erased person"
OWN = (
    AccessRequest,
    ExternalIdentity,
    Invitation,
    LogSearch,
    Passkey,
    PasswordCredential,
    PasswordReset,
    RecoveryCode,
    TotpDevice,
    UserSession,
)


class StillActive(Conflict):
    """Only an account that nobody can use any more is erased."""

    message = "Deactivate this person first: an account that can still be used is not erased."


def can_be_erased(user: User) -> bool:
    """Whether nobody can use the account any more."""
    return user.state == UserState.DEACTIVATED


def erase_account(actor: Actor, user_id: UUID) -> None:
    """Take away all by which somebody can be told or signs in, and all that they hold.

    It is decided higher up that this may be. Raises `NotFound` or `StillActive`.
    """
    lock_access()
    user = get_user(user_id)
    if not can_be_erased(user):
        raise StillActive
    _take_roles(actor, user_id)
    for model in OWN:
        db.session.execute(delete(model).where(model.user_id == user_id))
    user.name, user.email = ERASED_NAME, erased_email(user_id)
    forget_person(user_id)
    record(actor, Action.ACCOUNT_ERASED, f"user:{user_id}")


def _take_roles(actor: Actor, user_id: UUID) -> None:
    given = select(RoleAssignment).where(RoleAssignment.user_id == user_id)
    for assignment in db.session.scalars(given.order_by(RoleAssignment.id)).all():
        revoke_role(actor, assignment, way=Way.ERASURE)
    inside = select(Group).join(GroupMembership, GroupMembership.group_id == Group.id)
    of_theirs = inside.where(GroupMembership.user_id == user_id).order_by(Group.id)
    for group in db.session.scalars(of_theirs).all():
        take_out(actor, group, [user_id], way=Way.ERASURE)
