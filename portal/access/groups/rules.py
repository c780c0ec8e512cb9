"""What must hold before anybody changes a group: through it others hold roles."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import select

from portal.access.decision import Forbidden, Member, Target, decide, require
from portal.access.holders import OwnRights
from portal.access.locking import lock_access_as
from portal.access.models import Group, GroupMembership, RoleAssignment
from portal.access.permissions import Permission, Role
from portal.access.roles import list_roles
from portal.access.service import require_to_hand_out
from portal.audit.actor import Actor
from portal.core.errors import NotFound
from portal.tenancy.binding import bound_tenant_id
from portal.tenancy.session import db


class OwnGroup(OwnRights):
    """Somebody would change a group they are in, or come into one by their own doing."""

    message = "Nobody changes a group that they are in, or adds themselves. Ask another admin."


def target_of(group_id: UUID) -> str:
    """How the audit log names a group."""
    return f"group:{group_id}"


def find_group(group_id: UUID) -> Group:
    """A group, for whoever comes by it. Raises `NotFound`."""
    group = db.session.get(Group, (bound_tenant_id(), group_id), populate_existing=True)
    if group is None:
        raise NotFound
    return group


def open_group(actor: Actor, group_id: UUID) -> Group:
    """A group whose members or source `actor` may change, with all access of the tenant locked.

    To be let in gives what the group holds, and to be taken out takes it: so it wants what giving
    and taking its roles does. Raises `Forbidden` or `NotFound`.
    """
    actor = lock_access_as(actor)
    require(actor, Permission.GROUP_EDIT, Target(target_of(group_id)))
    group = find_group(group_id)
    if is_inside(actor, group_id):
        raise OwnGroup(Permission.GROUP_EDIT, Target(target_of(group_id)))
    require_to_hand_out_all(actor, group_id, roles_of(group_id))
    return group


def require_to_hand_out_all(actor: Actor, group_id: UUID, roles: Collection[str]) -> None:
    """Raises `Forbidden` unless `actor` may have others hold all that the group does."""
    known = list_roles() if roles else {}
    for key in sorted(roles):
        if key in known:
            require_to_hand_out(actor, known[key], Target(target_of(group_id)))


def may_open(actor: Actor, group_id: UUID, roles: Collection[str]) -> bool:
    """Whether `open_group` would let `actor` in, who is not in the group."""
    if not decide(actor, Permission.GROUP_EDIT):
        return False
    try:
        require_to_hand_out_all(actor, group_id, roles)
    except Forbidden:
        return False
    return True


def roles_of(group_id: UUID) -> frozenset[str]:
    """The keys of the roles that a group holds anywhere, expired or not."""
    held = select(RoleAssignment.role).where(RoleAssignment.group_id == group_id)
    return frozenset(db.session.scalars(held))


def gives_power(group_id: UUID) -> bool:
    """Whether those in a group hold a role that is as dangerous as Admin."""
    return any(role.is_powerful for role in _given_by(group_id))


def permissions_of(group_id: UUID) -> frozenset[Permission]:
    """All that those in a group are allowed by it, wherever."""
    return frozenset().union(*(role.permissions for role in _given_by(group_id)))


def is_inside(actor: Actor, group_id: UUID) -> bool:
    """Whether `actor` is in the group."""
    own = select(GroupMembership.id).where(
        GroupMembership.group_id == group_id, GroupMembership.user_id == actor.user_id
    )
    return isinstance(actor, Member) and db.session.execute(own).first() is not None


def _given_by(group_id: UUID) -> Sequence[Role]:
    held = roles_of(group_id)
    return [role for key, role in list_roles().items() if key in held] if held else ()
