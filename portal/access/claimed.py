"""Roles that follow from what an identity provider says of somebody: renewed at each sign-in.

What an admin gave by hand stays, whatever the provider says. Nobody holds by a claim what they
decided themselves: neither who has a group give a role, nor who has the role allow more.
"""

from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass

from sqlalchemy import exists, select

from portal.access.approvals.service import SecondPersonNeeded
from portal.access.exclusive import ExclusiveRoles
from portal.access.holders import person
from portal.access.last_admin import LastAdmin
from portal.access.locking import lock_access
from portal.access.models import CustomRole, RoleAssignment
from portal.access.queries import assignments_of
from portal.access.roles import find_live_role
from portal.access.service import Way, grant_role, revoke_role
from portal.audit.actions import Action, Outcome
from portal.audit.actor import Actor
from portal.audit.service import record
from portal.core import clock
from portal.tenancy.session import db
from portal.users.models import User


@dataclass(frozen=True, slots=True)
class Claimed:
    """The roles that somebody's groups stand for; `own` are those by their own decision alone."""

    wanted: Set[str]
    own: Set[str] = frozenset()


NOTHING_CLAIMED = Claimed(frozenset())


def replace_claimed_roles(actor: Actor, user: User, claimed: Claimed) -> None:
    """Have somebody hold by claim the roles that are `wanted`, and no others.

    One that would break a rule is left as it is, and that is recorded.
    """
    if not _differs(_tenant_wide(user), claimed):
        return  # so that a sign-in by which nothing changes waits for nobody
    lock_access()
    held = _tenant_wide(user)
    for assignment in held:
        if assignment.is_from_claim and assignment.role not in claimed.wanted:
            _take(actor, user, assignment)
    for key in sorted(claimed.wanted - {a.role for a in held}):
        _give(actor, user, key)
    for key in sorted(claimed.own - _by_hand(held)):
        _record_refusal(actor, user, key, "own-decision")


def claimed_by(
    user: User,
    group_roles: Mapping[str, str],
    deciders: Mapping[str, str],
    groups: Collection[str],
) -> Claimed:
    """What a mapping of groups, each line with who decided it, gives to somebody in these."""
    lines = {group: group_roles[group] for group in groups if group in group_roles}
    own = {group for group in lines if deciders.get(group) == str(user.id)}
    wanted = {role for group, role in lines.items() if group not in own}
    return Claimed(wanted, set(lines.values()) - wanted)


def _tenant_wide(user: User) -> Sequence[RoleAssignment]:
    """What somebody holds now in the whole organisation, by name."""
    held, now = assignments_of([user.id]).get(user.id, ()), clock.now()
    return [a for a in held if a.folder_id is None and (a.expires_at is None or a.expires_at > now)]


def _differs(held: Sequence[RoleAssignment], claimed: Claimed) -> bool:
    by_claim = {a.role for a in held if a.is_from_claim}
    missing = claimed.wanted - {a.role for a in held}
    return bool(by_claim - claimed.wanted or missing or claimed.own - _by_hand(held))


def _by_hand(held: Sequence[RoleAssignment]) -> Set[str]:
    return {a.role for a in held if not a.is_from_claim}


def _take(actor: Actor, user: User, assignment: RoleAssignment) -> None:
    try:
        revoke_role(actor, assignment, way=Way.CLAIM)
    except LastAdmin:
        _record_refusal(actor, user, assignment.role, "last-admin")


def _give(actor: Actor, user: User, key: str) -> None:
    role = find_live_role(key)
    if role is None:
        return
    if _has_widened(user, key):
        _record_refusal(actor, user, key, "own-decision")
        return
    try:
        grant_role(actor, person(user), role, way=Way.CLAIM)
    except ExclusiveRoles:
        _record_refusal(actor, user, key, "exclusive")
    except SecondPersonNeeded:
        _record_refusal(actor, user, key, "needs-two")


def _has_widened(user: User, key: str) -> bool:
    widened = (CustomRole.key == key) & (CustomRole.widened_by == user.id)
    return bool(db.session.scalar(select(exists().where(widened))))


def _record_refusal(actor: Actor, user: User, role: str, reason: str) -> None:
    record(actor, Action.ROLE_REFUSED, f"user:{user.id}", Outcome.REFUSED, role=role, reason=reason)
