"""Retiring a role of the tenant's own: nobody holds it after, and nothing names it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select

from portal.access.custom_roles import get_editable, role_detail, target_of
from portal.access.decision import require
from portal.access.in_bulk import Revocation, grant_instead, revoke_roles
from portal.access.locking import lock_access_as
from portal.access.models import CustomRole, RoleAssignment
from portal.access.permissions import Permission, Role
from portal.access.role_holders import HeldCount, count_held
from portal.access.roles import list_live_roles, role_from
from portal.access.service import Way, require_to_hand_out
from portal.audit.actions import Action
from portal.audit.actor import Actor
from portal.audit.service import record
from portal.auth.policy.queries import get_policy
from portal.auth.sso.models import IdentityProvider
from portal.core import clock
from portal.core.errors import Conflict, Invalid
from portal.tenancy.session import db


class StillNamed(Conflict):
    """Something else than assignments names the role, and has to be changed by who may."""


@dataclass(frozen=True, slots=True)
class Retirement:
    """What there is to know before a role is retired."""

    role: Role
    held: HeldCount
    assignments: int
    named_in: Sequence[str]
    successors: Mapping[str, Role]


def show_retirement(actor: Actor, key: str) -> Retirement:
    """What retiring a role takes. Raises `Forbidden`, `NotFound` or `Conflict`."""
    row = get_editable(actor, key)
    successors = {k: role for k, role in list_live_roles().items() if k != key}
    return Retirement(
        role_from(row),
        count_held().get(key, HeldCount()),
        len(_assignments(key)),
        list(_named_in(key)),
        successors,
    )


def retire_role(actor: Actor, key: str, successor: str | None, *, assignments: int) -> None:
    """Take a role from all who hold it, give them `successor` instead, and have it given no more.

    Who has the successor in the same place keeps it as it is; what is over is not given again.
    `assignments` is how many the actor was told of. Raises `Forbidden`, `NotFound`, `Invalid`,
    `ExclusiveRoles`, `StillNamed`, or `Conflict` where there are more or fewer by now.
    """
    actor = lock_access_as(actor)
    require(actor, Permission.ROLE_EDIT, target_of(key))
    row, held = get_editable(actor, key), _assignments(key)
    if len(held) != assignments:
        raise Conflict("More or fewer hold it by now. Look at it again.")
    places = list(_named_in(key))
    if places:
        raise StillNamed(f"{row.name} is still named in {' and in '.join(places)}.")
    instead = _successor(row, successor)
    if held:
        for role in (role_from(row), *([instead] if instead else [])):
            require_to_hand_out(actor, role, target_of(key))
    # First all of it goes, for the two may not be held together.
    reason = f"{row.name} was retired"
    revoke_roles([Revocation(actor, each, reason) for each in held], way=Way.RETIREMENT)
    moved = 0
    if instead:
        target = target_of(key).name
        moved = grant_instead(actor, held, instead, way=Way.RETIREMENT, target=target)
    row.retired_at = row.changed_at = clock.now()
    record(
        actor,
        Action.ROLE_RETIRED,
        target_of(key).name,
        **role_detail(row),
        successor=successor,
        moved=moved,
        removed=len(held) - moved,
    )


def _successor(row: CustomRole, key: str | None) -> Role | None:
    if key is None:
        return None
    if key == row.key or key not in (roles := list_live_roles()):
        raise Invalid("Choose another role, or none.")
    return roles[key]


def _assignments(key: str) -> Sequence[RoleAssignment]:
    statement = select(RoleAssignment).where(RoleAssignment.role == key)
    return db.session.scalars(statement.order_by(RoleAssignment.id)).all()


def _named_in(key: str) -> Iterator[str]:
    """The places that would go on naming the role, in words."""
    if key in get_policy().mfa_roles:
        yield "the policy of signing in, among the roles that must have a second factor"
    statement = select(IdentityProvider).order_by(IdentityProvider.name, IdentityProvider.id)
    for provider in db.session.scalars(statement):
        if key == provider.default_role or key in provider.group_roles.values():
            yield f"the single sign-on by {provider.name}"
