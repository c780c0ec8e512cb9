"""Roles that follow from what an identity provider says of somebody: made anew at each sign-in.

What an admin gave by hand stays, whatever the provider says.
"""

from collections.abc import Sequence, Set

from portal.access.approvals.service import SecondPersonNeeded
from portal.access.exclusive import ExclusiveRoles
from portal.access.holders import person
from portal.access.locking import lock_access
from portal.access.models import RoleAssignment
from portal.access.queries import assignments_of
from portal.access.roles import find_live_role
from portal.access.service import LastAdmin, Way, grant_role, revoke_role
from portal.audit.actions import Action, Outcome
from portal.audit.actor import Actor
from portal.audit.service import record
from portal.users.models import User


def replace_claimed_roles(actor: Actor, user: User, wanted: Set[str]) -> None:
    """Have somebody hold by claim the roles that are `wanted`, and no others.

    One that would break a rule is left as it is, and that is recorded.
    """
    if not _differs(_tenant_wide(user), wanted):
        return  # so that a sign-in by which nothing changes waits for nobody
    lock_access()
    held = _tenant_wide(user)
    for assignment in held:
        if assignment.is_from_claim and assignment.role not in wanted:
            _take(actor, user, assignment)
    for key in sorted(wanted - {a.role for a in held}):
        _give(actor, user, key)


def claimed_roles(group_roles: dict[str, str], groups: Sequence[str]) -> frozenset[str]:
    """The roles that a mapping of groups gives to a member of these."""
    return frozenset(group_roles[group] for group in groups if group in group_roles)


def _tenant_wide(user: User) -> Sequence[RoleAssignment]:
    held = assignments_of([user.id]).get(user.id, ())
    return [assignment for assignment in held if assignment.folder_id is None]


def _differs(held: Sequence[RoleAssignment], wanted: Set[str]) -> bool:
    by_claim = {a.role for a in held if a.is_from_claim}
    return bool(by_claim - wanted) or bool(wanted - {a.role for a in held})


def _take(actor: Actor, user: User, assignment: RoleAssignment) -> None:
    try:
        revoke_role(actor, assignment, way=Way.CLAIM)
    except LastAdmin:
        _record_refusal(actor, user, assignment.role, "last-admin")


def _give(actor: Actor, user: User, key: str) -> None:
    role = find_live_role(key)
    if role is None:
        return
    try:
        grant_role(actor, person(user), role, way=Way.CLAIM)
    except ExclusiveRoles:
        _record_refusal(actor, user, key, "exclusive")
    except SecondPersonNeeded:
        _record_refusal(actor, user, key, "needs-two")


def _record_refusal(actor: Actor, user: User, role: str, reason: str) -> None:
    record(actor, Action.ROLE_REFUSED, f"user:{user.id}", Outcome.REFUSED, role=role, reason=reason)
