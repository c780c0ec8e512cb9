"""Giving roles and taking them away."""

from collections.abc import Set
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, select

from portal.access.approvals.extent import extent
from portal.access.approvals.kinds import Kind
from portal.access.approvals.models import Consent, PendingAct
from portal.access.approvals.service import ask, require_alone_to_give, wants_second
from portal.access.decision import ORGANISATION, Forbidden, Member, Target, decide, require
from portal.access.exclusive import check_exclusive
from portal.access.holders import Holder, holder_of, read_again, require_others
from portal.access.last_admin import require_another_admin
from portal.access.locking import lock_access, lock_access_as
from portal.access.models import RoleAssignment
from portal.access.own_end import require_to_hold_until
from portal.access.permissions import ADMIN, MANAGEMENT, ORGANISATION_WIDE, Permission, Role
from portal.access.queries import get_assignment, has_ended
from portal.access.roles import find_live_role, get_role
from portal.audit.actions import Action
from portal.audit.actor import Actor
from portal.audit.service import record
from portal.core import clock
from portal.core.errors import Conflict, Invalid, NotFound
from portal.tenancy.session import change, db


class Way(StrEnum):
    """By what way somebody came to hold a role, or lost it."""

    CLAIM = "claim"
    CLI = "cli"
    DELETION = "deletion"  # of the group
    ERASURE = "erasure"  # of the account
    FEED = "feed"  # what fills a group has changed, or ended
    IMPORT = "import"
    INVITATION = "invitation"
    PAGE = "page"
    PROVISIONING = "provisioning"
    REQUEST = "request"
    RETIREMENT = "retirement"
    REVIEW = "review"
    SHARE = "share"


def assign_role(
    actor: Actor,
    holder: Holder,
    role_key: str,
    folder_id: UUID | None = None,
    *,
    way: Way = Way.PAGE,
    reason: str = "",
    expires_at: datetime | None = None,
) -> RoleAssignment | PendingAct:
    """Give a person or a group a role.

    Where two people have to agree to it, nothing is given yet: gives the act that waits for the
    second one. Raises `Forbidden`, `Invalid` or `Conflict`.
    """
    role = find_live_role(role_key)
    if role is None:
        raise Invalid("There is no such role.")
    require_to_assign(actor, holder, role)
    require_to_hold_until(actor, role.permissions & MANAGEMENT, expires_at)
    if role.is_powerful and wants_second(actor, Kind.GRANT_ADMIN):
        role = _check_grant(actor, holder, role, folder_id, expires_at)
        payload = {"role": role.key, "way": way, "expires_at": _iso(expires_at)}
        payload |= extent(read_again(holder).people, role.permissions)
        return ask(actor, Kind.GRANT_ADMIN, holder.target, payload, reason)
    return grant_role(actor, holder, role, folder_id, way=way, reason=reason, expires_at=expires_at)


def waits(given: RoleAssignment | PendingAct) -> bool:
    """Whether what was to be given waits for a second person."""
    return isinstance(given, PendingAct)


def remove_role(actor: Actor, holder: Holder, assignment_id: UUID, *, reason: str = "") -> None:
    """Take a role away from a person or a group, as pages do.

    Raises `Forbidden`, `NotFound` or `LastAdmin`.
    """
    require(actor, Permission.ROLE_ASSIGN, Target(holder.target))
    actor = lock_access_as(actor)
    assignment = get_assignment_of(holder, assignment_id)
    require_to_hand_out(actor, get_role(assignment.role), Target(holder.target))
    require_others(actor, read_again(holder), Permission.ROLE_ASSIGN)
    revoke_role(actor, assignment, way=Way.PAGE, reason=reason)


def grant_role(
    actor: Actor,
    holder: Holder,
    role: Role,
    folder_id: UUID | None = None,
    *,
    way: Way,
    reason: str = "",
    expires_at: datetime | None = None,
    consent: Consent | None = None,
) -> RoleAssignment:
    """Put a role in place once it is decided that `actor` may give it.

    The rules that are kept here hold by whatever way a role comes. One that two people have to
    agree to needs the second one's `consent`. Raises `Invalid`, `Conflict`, `ExclusiveRoles` or
    `SecondPersonNeeded`.
    """
    role = _check_grant(actor, holder, role, folder_id, expires_at)
    if consent is None:
        require_alone_to_give(actor, [role], holder.target)
    assignment = RoleAssignment(
        user_id=holder.user_id,
        group_id=holder.group_id,
        role=role.key,
        folder_id=folder_id,
        reason=reason,
        granted_by=actor.user_id,
        way=way,
        is_from_claim=way == Way.CLAIM,
        expires_at=expires_at,
    )
    db.session.add(assignment)
    db.session.flush()  # so that the entry can name it, and what follows finds it
    record(
        actor,
        Action.ROLE_ASSIGNED,
        holder.target,
        **new_assignment_detail(assignment, way, reason),
        **(consent.detail() if consent else {}),
    )
    return assignment


def revoke_role(actor: Actor, assignment: RoleAssignment, *, way: Way, reason: str = "") -> None:
    """Take a role away once it is decided that `actor` may. Raises `LastAdmin` or `NotFound`."""
    holder = holder_of(assignment)
    lock_access()
    if assignment.role == ADMIN.key and assignment.user_id is not None:
        require_another_admin(assignment.user_id)
    if not change(delete(RoleAssignment).where(RoleAssignment.id == assignment.id)):
        raise NotFound  # somebody else was faster
    record(actor, Action.ROLE_REMOVED, holder.target, **assignment_detail(assignment, way, reason))


def get_assignment_of(holder: Holder, assignment_id: UUID) -> RoleAssignment:
    """An assignment of this very holder. Raises `NotFound`."""
    assignment = get_assignment(assignment_id)
    if (assignment.user_id, assignment.group_id) != (holder.user_id, holder.group_id):
        raise NotFound
    return assignment


def require_to_assign(actor: Actor, holder: Holder, role: Role) -> None:
    """Raises `Forbidden` or `OwnRights` unless `actor` may give `role` to `holder` now.

    Takes the lock. Raises `Conflict` where the role has been retired.
    """
    actor = lock_access_as(actor)
    require_to_hand_out(actor, _as_it_is_now(role), Target(holder.target))
    require_others(actor, read_again(holder), Permission.ROLE_ASSIGN)


def require_to_hand_out(actor: Actor, role: Role, target: Target = ORGANISATION) -> None:
    """Raises `Forbidden` unless `actor` may have others hold `role`.

    Roles that carry management are handed out only by those who hold all of it themselves.
    Documents and the audit log are another matter: an admin decides who works with them without
    holding either (docs/decisions/0004).
    """
    require(actor, Permission.ROLE_ASSIGN, target)
    require_management(actor, role.permissions, target)


def require_management(
    actor: Actor, permissions: Set[Permission], target: Target = ORGANISATION
) -> None:
    """Raises `Forbidden` where a member lacks some of the management in `permissions`."""
    if isinstance(actor, Member):
        for permission in sorted(permissions & MANAGEMENT):
            if not decide(actor, permission):
                raise Forbidden(permission, target)


def check_place(role: Role, folder_id: UUID | None) -> None:
    """Raises `Invalid` where a role can't be held on this folder, or in the whole organisation."""
    if role.is_scoped and folder_id is None:
        raise Invalid(f"{role.name} can only be given on a folder.")
    if folder_id is not None and role.permissions & ORGANISATION_WIDE:
        raise Invalid(f"{role.name} can't be given on a folder, only for the whole organisation.")


def assignment_detail(assignment: RoleAssignment, way: Way, reason: str) -> dict[str, Any]:
    """What the log tells of an assignment, whatever becomes of it."""
    return {
        "assignment": str(assignment.id),
        "role": assignment.role,
        "folder": str(assignment.folder_id) if assignment.folder_id else None,
        "reason": reason,
        "way": way,
    }


def new_assignment_detail(assignment: RoleAssignment, way: Way, reason: str) -> dict[str, Any]:
    """What the log tells of an assignment that is made."""
    return {"expires_at": _iso(assignment.expires_at), **assignment_detail(assignment, way, reason)}


def _check_grant(
    actor: Actor,
    holder: Holder,
    role: Role,
    folder_id: UUID | None,
    expires_at: datetime | None,
) -> Role:
    """The role as it is now, under the lock, if it can be given."""
    if expires_at is not None and expires_at <= clock.now():
        raise Invalid("The end lies in the past.")
    lock_access()
    role, holder = _as_it_is_now(role), read_again(holder)
    check_place(role, folder_id)
    check_exclusive(actor, holder.people, {role.key}, holder.target)
    held = _held(holder, role, folder_id)
    db.session.execute(delete(RoleAssignment).where(held, has_ended()))
    if db.session.execute(select(RoleAssignment.id).where(held)).first():
        raise Conflict(f"{holder.name} has this role already.")
    return role


def _as_it_is_now(role: Role) -> Role:
    """A role read again under the lock: it may have been changed, or retired, a moment ago."""
    found = find_live_role(role.key)
    if found is None:
        raise Conflict(f"{role.name} has been retired and can't be given any more.")
    return found


def _held(holder: Holder, role: Role, folder_id: UUID | None) -> ColumnElement[bool]:
    """Which assignment it is, if there is one: nobody holds the same role twice on one place."""
    return and_(
        RoleAssignment.user_id == holder.user_id
        if holder.user_id
        else RoleAssignment.group_id == holder.group_id,
        RoleAssignment.role == role.key,
        RoleAssignment.folder_id == folder_id if folder_id else RoleAssignment.folder_id.is_(None),
    )


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
