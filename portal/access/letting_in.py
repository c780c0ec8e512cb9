"""Letting somebody in, or in again: from then on they have all that they hold.

So it takes what giving them that does: who lets somebody in may be handing an account over, or be
about to use it themselves.
"""

from collections.abc import Sequence

from portal.access.approvals.kinds import Kind
from portal.access.approvals.queries import find_waiting
from portal.access.approvals.service import wants_second
from portal.access.decision import Target
from portal.access.holders import person, require_others
from portal.access.permissions import Permission, Role
from portal.access.queries import roles_held_by
from portal.access.roles import list_roles
from portal.access.service import require_to_hand_out
from portal.audit.actor import Actor
from portal.users.models import User


def require_to_let_in(actor: Actor, user: User) -> Sequence[Role]:
    """The roles that somebody holds, by name or through groups, if `actor` may give them all.

    Call `lock_access_as` first. Raises `Forbidden` or `OwnRights`.
    """
    holder, known = person(user), list_roles()
    require_others(actor, holder, Permission.ROLE_ASSIGN)
    held = roles_held_by([user.id]).get(user.id, frozenset())
    roles = [known[key] for key in sorted(held & known.keys())]
    for role in roles:
        require_to_hand_out(actor, role, Target(holder.target))
    return roles


def takes_two(actor: Actor, user: User, roles: Sequence[Role]) -> bool:
    """Whether one person alone may not come by this account: by these roles of it, or by those
    that wait for a second person.
    """
    if not wants_second(actor, Kind.GRANT_ADMIN):
        return False
    waiting = find_waiting(Kind.GRANT_ADMIN, person(user).target)
    return waiting is not None or any(role.is_powerful for role in roles)
