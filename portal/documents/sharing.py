"""Letting others into a folder, and out again: for its owners, within what they hold there.

Who may assign roles may give any that works on a folder, as everywhere (docs/decisions/0004). A
folder owner gives what they hold on the folder themselves, and takes back what they could give.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from portal.access.decision import ORGANISATION, Forbidden, decide, require
from portal.access.ends import is_later, move_end
from portal.access.holders import Holder, find_holder, holder_of, read_again, require_others
from portal.access.locking import lock_access_as
from portal.access.models import RoleAssignment
from portal.access.own_end import require_to_hold_until
from portal.access.permissions import ORGANISATION_WIDE, Permission, Role
from portal.access.queries import get_assignment
from portal.access.roles import find_live_role, get_role, list_roles
from portal.access.service import Way, grant_role, require_to_hand_out, revoke_role
from portal.audit.actor import Actor
from portal.audit.service import RecordedRefusal
from portal.auth.assurance import Act
from portal.auth.fresh import require_fresh
from portal.core.errors import Invalid, NotFound
from portal.documents.places import Place, get_live_place


class NobodyFound(RecordedRefusal):
    """No person or group to share with. It is recorded, so that trying many shows in the log."""

    status = 400
    message = "There is nobody here with this e-mail, and no group of this name."


def share_folder(
    actor: Actor,
    folder_id: UUID,
    holder: Holder,
    role_key: str,
    *,
    reason: str = "",
    expires_at: datetime | None = None,
) -> RoleAssignment:
    """Give a person or a group a role on a folder.

    Raises `NotFound`, `Forbidden`, `StepUpNeeded`, `Invalid`, `Conflict` or `ExclusiveRoles`.
    """
    place = get_live_place(folder_id)
    # What a role allows, and who is in a group, stays what is looked at here.
    actor = lock_access_as(actor)
    _require_to_share(actor, place)
    require_fresh(actor, Act.ROLES)
    role = find_live_role(role_key)
    if role is None:
        raise Invalid("There is no such role.")
    _require_to_give(actor, place, role)
    require_to_give_until(actor, place, role, expires_at)
    require_others(actor, read_again(holder), Permission.FOLDER_SHARE)
    return grant_role(
        actor, holder, role, folder_id, way=Way.SHARE, reason=reason, expires_at=expires_at
    )


def share_folder_with(
    actor: Actor,
    folder_id: UUID,
    whom: str,
    role_key: str,
    *,
    reason: str = "",
    expires_at: datetime | None = None,
) -> RoleAssignment:
    """The same for whoever has exactly this e-mail, or the group of exactly this name.

    Nobody is looked for where the actor may not share. Raises `NobodyFound` besides.
    """
    _require_to_share(actor, get_live_place(folder_id))
    holder = find_holder(whom)
    if holder is None:
        raise NobodyFound(f"folder:{folder_id}", reason="nobody-found")
    return share_folder(actor, folder_id, holder, role_key, reason=reason, expires_at=expires_at)


def unshare_folder(actor: Actor, folder_id: UUID, assignment_id: UUID, *, reason: str = "") -> None:
    """Take a role back that was given on this very folder. Raises as `share_folder`."""
    require_fresh(actor, Act.ROLES)
    actor = lock_access_as(actor)
    assignment, _ = get_share(actor, folder_id, assignment_id)
    revoke_role(actor, assignment, way=Way.SHARE, reason=reason)


def change_share_end(
    actor: Actor,
    folder_id: UUID,
    assignment_id: UUID,
    expires_at: datetime | None,
    *,
    reason: str = "",
) -> None:
    """Let a role on this very folder be held for longer or shorter. Raises as `share_folder`."""
    require_fresh(actor, Act.ROLES)
    actor = lock_access_as(actor)
    assignment, _ = get_share(actor, folder_id, assignment_id)
    if is_later(expires_at, assignment.expires_at):
        place, role = get_live_place(folder_id), get_role(assignment.role)
        require_to_give_until(actor, place, role, expires_at)
    move_end(actor, assignment, expires_at, way=Way.SHARE, reason=reason)


def get_share(actor: Actor, folder_id: UUID, assignment_id: UUID) -> tuple[RoleAssignment, Holder]:
    """A role on this very folder that the actor may take back, and whose it is.

    Raises `NotFound` or `Forbidden`.
    """
    place = get_live_place(folder_id)
    _require_to_share(actor, place)
    assignment = get_assignment(assignment_id)
    if assignment.folder_id != folder_id:
        raise NotFound
    _require_to_give(actor, place, get_role(assignment.role))
    holder = holder_of(assignment)
    require_others(actor, holder, Permission.FOLDER_SHARE)
    return assignment, holder


def offer_roles(actor: Actor, folder_id: UUID) -> Sequence[Role]:
    """The roles that the actor may give on a folder. Raises `NotFound` or `Forbidden`."""
    place = get_live_place(folder_id)
    _require_to_share(actor, place)
    return list_shareable_roles(actor, place, list_roles().values())


def list_shareable_roles(actor: Actor, place: Place, roles: Iterable[Role]) -> Sequence[Role]:
    """Those of `roles` that the actor may give on a folder."""
    if not can_share(actor, place):
        return ()
    return [role for role in roles if not role.is_retired and can_give(actor, place, role)]


def can_share(actor: Actor, place: Place) -> bool:
    """Whether the actor may let others into a folder at all."""
    return bool(place.folders) and (
        decide(actor, Permission.ROLE_ASSIGN)
        or decide(actor, Permission.FOLDER_SHARE, place.target())
    )


def can_give(actor: Actor, place: Place, role: Role) -> bool:
    """Whether the actor may give, or take, this role on a folder."""
    if role.permissions & ORGANISATION_WIDE:
        return False
    return decide(actor, Permission.ROLE_ASSIGN) or all(
        decide(actor, permission, place.target()) for permission in role.permissions
    )


def require_to_give_until(
    actor: Actor, place: Place, role: Role, expires_at: datetime | None
) -> None:
    """Raises `BeyondOwnEnd` where a folder owner would give a role for longer than they hold it."""
    if not decide(actor, Permission.ROLE_ASSIGN):
        require_to_hold_until(actor, role.permissions, expires_at, place.target())


def _require_to_share(actor: Actor, place: Place) -> None:
    if not can_share(actor, place):
        raise Forbidden(Permission.FOLDER_SHARE, place.target())


def _require_to_give(actor: Actor, place: Place, role: Role) -> None:
    if decide(actor, Permission.ROLE_ASSIGN, ORGANISATION):
        require_to_hand_out(actor, role, place.target())
        return
    for permission in sorted(role.permissions):
        require(actor, permission, place.target())
