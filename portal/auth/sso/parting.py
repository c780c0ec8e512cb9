"""Parting from a provider: what somebody holds by its word goes with the link to it.

Nobody would work these roles out anew. A role does not tell whose word it follows, so whoever is
linked to a second provider loses them too, until they next sign in by that one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, select

from portal.access.claimed import NOTHING_CLAIMED, replace_claimed_roles
from portal.access.decision import Member
from portal.access.groups.feeds import leave_unclaimed
from portal.access.models import RoleAssignment
from portal.access.roles import list_roles
from portal.audit.actions import Action
from portal.audit.actor import Actor
from portal.audit.service import record
from portal.auth.assurance import Act
from portal.auth.credentials import find_credential
from portal.auth.fresh import require_fresh
from portal.auth.notices import Notice, tell
from portal.auth.sso.models import ExternalIdentity
from portal.auth.sso.queries import get_own_identity, get_provider, list_identities
from portal.core.errors import Conflict, NotFound
from portal.tenancy.session import change, db
from portal.users.models import User
from portal.users.queries import get_user


class OnlyWayIn(Conflict):
    """Without it the person could not sign in any more."""

    message = "This is your only way to sign in. Choose a password first."


@dataclass(frozen=True, slots=True)
class Loss:
    """How many people lose how many roles."""

    people: int
    roles: int


def foresee_deletion(actor: Actor, provider_id: UUID) -> Loss:
    """What is lost with a provider. Raises `Forbidden` or `NotFound`."""
    provider = get_provider(actor, provider_id)
    people, roles = db.session.execute(
        select(func.count(RoleAssignment.user_id.distinct()), func.count()).where(
            _by_claim(ExternalIdentity.provider_id == provider.id)
        )
    ).one()
    return Loss(people, roles)


def foresee_unlinking(member: Member) -> Sequence[str]:
    """The names of the roles that the person loses with a link of theirs."""
    keys = db.session.scalars(
        select(RoleAssignment.role).where(_by_claim(ExternalIdentity.user_id == member.user_id))
    )
    known = list_roles()
    return sorted(known[key].name if key in known else key for key in keys)


def take_claimed_roles(actor: Actor, linked: ColumnElement[bool]) -> None:
    """Take the roles by claim from everybody who is `linked` by such an identity.

    In one order, as two who do this at once meet at the people's rows.
    """
    holders = select(RoleAssignment.user_id).where(_by_claim(linked))
    people = db.session.scalars(select(User).where(User.id.in_(holders)).order_by(User.id)).all()
    for user in people:
        replace_claimed_roles(actor, user, NOTHING_CLAIMED)


def unlink(member: Member, identity_id: UUID) -> None:
    """Part the person's own account from a provider's, and from the groups that it fills; and tell
    them.

    Raises `NotFound` or `OnlyWayIn`.
    """
    require_fresh(member, Act.FACTORS)
    identity, provider_name = get_own_identity(member.user_id, identity_id)
    is_only_one = len(list_identities(member.user_id)) == 1
    if is_only_one and find_credential(member.user_id) is None:
        raise OnlyWayIn
    take_claimed_roles(member, ExternalIdentity.user_id == member.user_id)
    leave_unclaimed(member, get_user(identity.user_id), identity.provider_id)
    if not change(delete(ExternalIdentity).where(ExternalIdentity.id == identity_id)):
        raise NotFound
    record(member, Action.IDENTITY_UNLINKED, f"user:{member.user_id}")
    tell(identity.user_id, Notice.ACCOUNT_UNLINKED, actor=member, provider=provider_name)


def _by_claim(linked: ColumnElement[bool]) -> ColumnElement[bool]:
    people = select(ExternalIdentity.user_id).where(linked)
    return RoleAssignment.is_from_claim & RoleAssignment.user_id.in_(people)
