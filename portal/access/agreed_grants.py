"""Roles that are given once a second person agrees."""

from datetime import datetime
from uuid import UUID

from portal.access.approvals.extent import require_not_grown
from portal.access.approvals.models import PendingAct
from portal.access.exclusive import check_exclusive
from portal.access.groups.members import members_of, put_in, require_to_add
from portal.access.groups.rules import permissions_of, roles_of
from portal.access.holders import Holder, get_group_holder, get_person
from portal.access.own_end import require_to_hold_until
from portal.access.permissions import MANAGEMENT, Role
from portal.access.roles import find_live_role
from portal.access.service import Way, grant_role, require_to_assign
from portal.audit.actor import Actor
from portal.core.errors import Conflict


def require_to_grant(actor: Actor, act: PendingAct) -> None:
    """Raises `Forbidden` or `OwnRights` unless `actor` may give this to these people."""
    if "group" in act.payload:
        require_to_add(actor, _group_in(act), _holder_in(act).people)
    else:
        role = _role_in(act)
        require_to_assign(actor, _holder_in(act), role)
        require_to_hold_until(actor, role.permissions & MANAGEMENT, _end_in(act))


def grant_agreed(actor: Actor, act: PendingAct) -> None:
    """Give the role that was asked for, or have them be in the group that holds it.

    Raises `Grown` where more would come of it than was asked for, and what `grant_role` raises.
    """
    if "group" in act.payload:
        _put_in(actor, act)
        return
    holder, role = _holder_in(act), _role_in(act)
    require_not_grown(act, holder.people, role.permissions)
    grant_role(
        actor,
        holder,
        role,
        way=Way(act.payload["way"]),
        reason=act.reason,
        expires_at=_end_in(act),
        consent=act.consent,
    )


def _put_in(actor: Actor, act: PendingAct) -> None:
    holder, group_id = _holder_in(act), _group_in(act)
    group = require_to_add(actor, group_id, holder.people)
    require_not_grown(act, holder.people, permissions_of(group_id))
    if members_of(group_id, among=holder.people):
        raise Conflict(f"{holder.name} is in this group already.")
    check_exclusive(actor, holder.people, roles_of(group_id), holder.target)
    put_in(actor, group, holder.people, way=Way(act.payload["way"]), consent=act.consent)


def _group_in(act: PendingAct) -> UUID:
    return UUID(act.payload["group"])


def _holder_in(act: PendingAct) -> Holder:
    kind, _, holder_id = act.target.partition(":")
    return (get_person if kind == "user" else get_group_holder)(UUID(holder_id))


def _end_in(act: PendingAct) -> datetime | None:
    expires_at = act.payload["expires_at"]
    return datetime.fromisoformat(expires_at) if expires_at else None


def _role_in(act: PendingAct) -> Role:
    role = find_live_role(act.payload["role"])
    if role is None:
        raise Conflict("There is no such role any more. Decline it.")
    return role
