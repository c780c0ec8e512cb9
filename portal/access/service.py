"""Giving roles and taking them away."""

from collections.abc import Set
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from portal.access.decision import (
    ORGANISATION,
    Forbidden,
    Member,
    Target,
    decide,
    require,
)
from portal.access.models import RoleAssignment
from portal.access.permissions import ADMIN, EXCLUSIVE, MANAGEMENT, ROLES, Permission, Role
from portal.access.queries import assignments_of, get_assignment
from portal.audit.actions import Action
from portal.audit.actor import Actor
from portal.audit.service import RecordedRefusal, record
from portal.core.errors import Conflict, Invalid, NotFound
from portal.tenancy.session import db
from portal.users.models import User, UserState
from portal.users.queries import get_user


class OwnRights(Forbidden):
    """Nobody changes what they hold themselves."""

    message = "Nobody changes their own roles or account. Ask another admin."


class LastAdmin(RecordedRefusal):
    """The organisation would be left with nobody to run it."""

    status = 409
    message = "This is the last active admin. Make somebody else an admin first."


class ExclusiveRoles(RecordedRefusal):
    """Two roles that one person may not hold together."""

    status = 409


def assign_role(
    actor: Actor,
    user_id: UUID,
    role_key: str,
    folder_id: UUID | None = None,
    *,
    reason: str = "",
    expires_at: datetime | None = None,
) -> RoleAssignment:
    """Give a person a role. Raises `Forbidden`, `NotFound`, `Invalid` or `Conflict`."""
    user = get_user(user_id)
    role = ROLES.get(role_key)
    if role is None:
        raise Invalid("There is no such role.")
    _require_to_hand_out(actor, role, user)
    if role.is_scoped and folder_id is None:
        raise Invalid(f"{role.name} can only be given on a folder.")
    if folder_id is not None and role.permissions & MANAGEMENT:
        raise Invalid(f"{role.name} can't be given on a folder, only for the whole organisation.")
    lock_roles_of(user)
    held = assignments_of([user.id]).get(user.id, ())
    check_exclusive(user, role, {a.role for a in held})
    if any(a.role == role.key and a.folder_id == folder_id for a in held):
        raise Conflict(f"{user.name} has this role already.")
    assignment = RoleAssignment(
        user_id=user.id,
        role=role.key,
        folder_id=folder_id,
        reason=reason,
        granted_by=actor.user_id,
        expires_at=expires_at,
    )
    db.session.add(assignment)
    record(
        actor,
        Action.ROLE_ASSIGNED,
        f"user:{user.id}",
        role=role.key,
        folder=str(folder_id) if folder_id else None,
        reason=reason,
    )
    return assignment


def remove_role(actor: Actor, user_id: UUID, assignment_id: UUID) -> None:
    """Take a role away from a person. Raises `Forbidden`, `NotFound` or `LastAdmin`."""
    assignment = get_assignment(assignment_id)
    if assignment.user_id != user_id:
        raise NotFound
    user = get_user(user_id)
    role = ROLES[assignment.role]
    _require_to_hand_out(actor, role, user)
    if role is ADMIN:
        require_another_admin(user)
    db.session.delete(assignment)
    record(
        actor,
        Action.ROLE_REMOVED,
        f"user:{user.id}",
        role=role.key,
        folder=str(assignment.folder_id) if assignment.folder_id else None,
    )


def require_another_admin(user: User) -> None:
    """Raises `LastAdmin` if `user` is the only active admin.

    All admins' rows are locked first and in one order, so of two admins who demote each other at
    once the second waits, and then finds that nobody else is left. Admins for a while don't count:
    their time ends without anybody looking.
    """
    admins = db.session.scalars(
        select(User.id)
        .join(RoleAssignment, RoleAssignment.user_id == User.id)
        .where(
            RoleAssignment.role == ADMIN.key,
            RoleAssignment.expires_at.is_(None),
            User.state == UserState.ACTIVE,
        )
        .order_by(User.id)
        .with_for_update()
    ).all()
    if user.id in admins and set(admins) == {user.id}:
        raise LastAdmin(f"user:{user.id}")


def require_other_person(actor: Actor, user: User, permission: Permission) -> None:
    """Raises `OwnRights` where somebody turns a management act on themselves."""
    if isinstance(actor, Member) and actor.user_id == user.id:
        raise OwnRights(permission, Target(f"user:{user.id}"))


def require_to_hand_out(actor: Actor, role: Role, target: Target = ORGANISATION) -> None:
    """Raises `Forbidden` unless `actor` may have others hold `role`.

    Roles that carry management are handed out only by those who hold all of it themselves.
    Documents and the audit log are another matter: an admin decides who works with them without
    holding either (docs/decisions/0004).
    """
    require(actor, Permission.ROLE_ASSIGN, target)
    if isinstance(actor, Member):
        for permission in sorted(role.permissions & MANAGEMENT):
            if not decide(actor, permission):
                raise Forbidden(permission, target)


def lock_roles_of(user: User) -> None:
    """Have two assignments to one person happen one after the other."""
    db.session.execute(select(User.id).where(User.id == user.id).with_for_update())


def check_exclusive(user: User, role: Role, held: Set[str]) -> None:
    """Raises `ExclusiveRoles` where `role` doesn't go with what is held."""
    for pair in EXCLUSIVE:
        if role.key in pair and (others := (pair - {role.key}) & held):
            other = ROLES[next(iter(others))]
            raise ExclusiveRoles(
                f"user:{user.id}",
                f"Nobody can be {role.name} and {other.name} at the same time.",
                role=role.key,
            )


def _require_to_hand_out(actor: Actor, role: Role, user: User) -> None:
    require_to_hand_out(actor, role, Target(f"user:{user.id}"))
    require_other_person(actor, user, Permission.ROLE_ASSIGN)
