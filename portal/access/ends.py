"""The ends of roles that are held for a while: changed, announced, and cleared away at last."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, select, update

from portal.access.approvals.service import require_alone_to_give
from portal.access.decision import Target, require
from portal.access.exclusive import check_exclusive
from portal.access.holders import Holder, holder_of, read_again, require_others
from portal.access.last_admin import require_another_admin
from portal.access.locking import lock_access, lock_access_as
from portal.access.models import RoleAssignment
from portal.access.own_end import require_to_hold_until
from portal.access.permissions import ADMIN, MANAGEMENT, Permission
from portal.access.roles import find_live_role, get_role
from portal.access.service import (
    Way,
    assignment_detail,
    get_assignment_of,
    require_to_hand_out,
)
from portal.audit.actions import Action
from portal.audit.actor import Actor
from portal.audit.service import record
from portal.core import clock
from portal.core.errors import Conflict, Invalid
from portal.tenancy.session import change, db

ANNOUNCED_BEFORE = timedelta(days=7)
SHOWN_AFTER = timedelta(days=30)


def change_end(
    actor: Actor,
    holder: Holder,
    assignment_id: UUID,
    expires_at: datetime | None,
    *,
    reason: str = "",
) -> None:
    """Let a role be held for longer or shorter; None is for good. The rules are those of giving it.

    Raises `Forbidden`, `NotFound`, `Invalid`, `Conflict`, `ExclusiveRoles`, `LastAdmin` or
    `SecondPersonNeeded`.
    """
    require(actor, Permission.ROLE_ASSIGN, Target(holder.target))
    actor = lock_access_as(actor)
    assignment = get_assignment_of(holder, assignment_id)
    require_to_hand_out(actor, get_role(assignment.role), Target(holder.target))
    require_others(actor, read_again(holder), Permission.ROLE_ASSIGN)
    if is_later(expires_at, assignment.expires_at):
        require_to_hold_until(actor, get_role(assignment.role).permissions & MANAGEMENT, expires_at)
    move_end(actor, assignment, expires_at, way=Way.PAGE, reason=reason)


def move_end(
    actor: Actor,
    assignment: RoleAssignment,
    expires_at: datetime | None,
    *,
    way: Way,
    reason: str = "",
) -> None:
    """Put another end in place once it is decided that `actor` may. Raises as `change_end`.

    A role that two people have to agree to is not made to last longer by one: it is given anew.
    Whoever has it last longer is the one who gives it from then on.
    """
    before, granted_by = assignment.expires_at, assignment.granted_by
    _check_end(assignment, expires_at)
    lock_access()
    holder = holder_of(assignment)
    if is_later(expires_at, before):
        _check_longer(actor, holder, assignment.role)
        granted_by = actor.user_id
    elif assignment.role == ADMIN.key and before is None and holder.user_id:
        require_another_admin(holder.user_id)
    moved = change(
        update(RoleAssignment)
        .where(
            RoleAssignment.id == assignment.id,
            RoleAssignment.expires_at == before if before else RoleAssignment.expires_at.is_(None),
        )
        .values(expires_at=expires_at, noticed_at=None, granted_by=granted_by)
    )
    if not moved:
        raise Conflict  # somebody else was faster
    record(
        actor,
        Action.ROLE_END_CHANGED,
        holder.target,
        before=_text(before),
        expires_at=_text(expires_at),
        **assignment_detail(assignment, way, reason),
    )


def is_later(expires_at: datetime | None, before: datetime | None) -> bool:
    """Whether another end makes a role last longer; None is for good."""
    return before is not None and (expires_at is None or expires_at > before)


def take_unannounced() -> Sequence[RoleAssignment]:
    """The assignments whose end has come near and was not announced.

    Each is handed out once, also to two workers at once.
    """
    now = clock.now()
    near = db.session.scalars(
        select(RoleAssignment)
        .where(
            RoleAssignment.expires_at > now,
            RoleAssignment.expires_at <= now + ANNOUNCED_BEFORE,
            RoleAssignment.noticed_at.is_(None),
        )
        .order_by(RoleAssignment.id)
    ).all()
    return [assignment for assignment in near if _note_announced(assignment.id)]


def sweep_ended() -> None:
    """Delete what ended long ago.

    Nothing is recorded: it ended when the log says that it would, and gives nothing since then.
    """
    long_ago = clock.now() - SHOWN_AFTER
    db.session.execute(delete(RoleAssignment).where(RoleAssignment.expires_at <= long_ago))


def _note_announced(assignment_id: UUID) -> bool:
    waiting = RoleAssignment.id == assignment_id, RoleAssignment.noticed_at.is_(None)
    return bool(change(update(RoleAssignment).where(*waiting).values(noticed_at=clock.now())))


def _check_end(assignment: RoleAssignment, expires_at: datetime | None) -> None:
    if assignment.is_from_claim:
        raise Conflict("A provider's groups decide how long this role is held.")
    if expires_at is not None and expires_at <= clock.now():
        raise Invalid("The end lies in the past.")
    if expires_at == assignment.expires_at:
        raise Conflict("This is the end that it has.")


def _check_longer(actor: Actor, holder: Holder, role_key: str) -> None:
    role = find_live_role(role_key)
    if role is None:
        raise Invalid("This role can't be given any more.")
    check_exclusive(actor, holder.people, {role.key}, holder.target)
    require_alone_to_give(actor, [role], holder.target)


def _text(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
