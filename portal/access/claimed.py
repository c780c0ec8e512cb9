"""Roles that follow from what an identity provider says of somebody: made anew at each sign-in.

What an admin gave by hand stays, whatever the provider says.
"""

from collections.abc import Sequence, Set

from portal.access.models import RoleAssignment
from portal.access.permissions import ADMIN, ROLES
from portal.access.queries import assignments_of
from portal.access.service import (
    ExclusiveRoles,
    LastAdmin,
    check_exclusive,
    lock_roles_of,
    require_another_admin,
)
from portal.audit.actions import Action, Outcome
from portal.audit.actor import Actor
from portal.audit.service import record
from portal.tenancy.session import db
from portal.users.models import User


def replace_claimed_roles(actor: Actor, user: User, wanted: Set[str]) -> None:
    """Have somebody hold by claim the roles that are `wanted`, and no others.

    One that would break a rule is left as it is, and that is recorded.
    """
    lock_roles_of(user)
    held = assignments_of([user.id]).get(user.id, ())
    kept = [a for a in held if not a.is_from_claim or a.role in wanted]
    kept += [a for a in held if a not in kept and not _took_away(actor, user, a)]
    roles = {a.role for a in kept}
    everywhere = {a.role for a in kept if a.folder_id is None}
    for key in sorted(wanted - everywhere):
        if key in ROLES and _gave(actor, user, key, roles):
            roles.add(key)


def claimed_roles(group_roles: dict[str, str], groups: Sequence[str]) -> frozenset[str]:
    """The roles that a mapping of groups gives to a member of these."""
    return frozenset(group_roles[group] for group in groups if group in group_roles)


def _took_away(actor: Actor, user: User, assignment: RoleAssignment) -> bool:
    if assignment.role == ADMIN.key:
        try:
            require_another_admin(user)
        except LastAdmin:
            _record_refusal(actor, user, assignment.role, "last-admin")
            return False
    db.session.delete(assignment)
    record(
        actor, Action.ROLE_REMOVED, f"user:{user.id}", role=assignment.role, folder=None, claim=True
    )
    return True


def _gave(actor: Actor, user: User, key: str, held: Set[str]) -> bool:
    try:
        check_exclusive(user, ROLES[key], held)
    except ExclusiveRoles:
        _record_refusal(actor, user, key, "exclusive")
        return False
    db.session.add(RoleAssignment(user_id=user.id, role=key, is_from_claim=True))
    record(actor, Action.ROLE_ASSIGNED, f"user:{user.id}", role=key, folder=None, claim=True)
    return True


def _record_refusal(actor: Actor, user: User, role: str, reason: str) -> None:
    record(actor, Action.ROLE_REFUSED, f"user:{user.id}", Outcome.REFUSED, role=role, reason=reason)
