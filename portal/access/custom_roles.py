"""A tenant's own roles: made, changed, brought back. `auth.retirement` retires them.

What a role allows is held by all who hold the role, so putting a permission into it counts as
giving that permission to each of them, and nobody changes a role that they hold themselves.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from portal.access.approvals.service import require_alone_to_give
from portal.access.decision import Member, Target, require
from portal.access.exclusive import check_exclusive
from portal.access.holders import OwnRights
from portal.access.locking import lock_access_as
from portal.access.models import CustomRole
from portal.access.permissions import Permission, Role
from portal.access.queries import holders_of, roles_held_by
from portal.access.role_rules import (
    Chosen,
    check_chosen,
    check_folders,
    is_given_on_folders,
    require_free_name,
)
from portal.access.roles import role_from
from portal.access.service import require_management
from portal.audit.actions import Action
from portal.audit.actor import Actor
from portal.audit.service import record
from portal.core import clock
from portal.core.errors import Conflict, NotFound
from portal.core.ids import new_id
from portal.tenancy.session import db


@dataclass(frozen=True, slots=True)
class Editable:
    """A role that somebody may change; `version` tells whether it is still the same later."""

    role: Role
    version: str


class OwnRole(OwnRights):
    """Nobody changes what a role allows that they hold, be it through a group."""

    message = "You have this role yourself, so another admin has to change it."


def create_role(actor: Actor, chosen: Chosen, *, is_scoped: bool) -> Role:
    """Make a role. Whether it is for folders alone stays as it is decided here.

    Raises `Forbidden`, `Invalid` or `Conflict`.
    """
    actor = lock_access_as(actor)
    require(actor, Permission.ROLE_EDIT)
    check_chosen(chosen, is_scoped=is_scoped)
    require_management(actor, chosen.permissions)
    require_free_name(chosen.name)
    made_id = new_id()
    row = CustomRole(id=made_id, key=str(made_id), is_scoped=is_scoped, created_by=actor.user_id)
    _fill_in(row, chosen)
    db.session.add(row)
    record(actor, Action.ROLE_CREATED, target_of(row.key).name, **role_detail(row))
    return role_from(row)


def change_role(actor: Actor, key: str, chosen: Chosen, *, version: str) -> None:
    """Have a role allow something else from the next request on, or be called something else.

    Raises `Forbidden`, `OwnRole`, `NotFound`, `Invalid`, `ExclusiveRoles`, `SecondPersonNeeded`
    where it would give those who hold it power that takes two people, or `Conflict` where the role
    is no more the one of that `version`.
    """
    actor = lock_access_as(actor)
    require(actor, Permission.ROLE_EDIT, target_of(key))
    row = get_editable(actor, key)
    if version_of(row) != version:
        raise Conflict("Somebody else has changed this role in the meantime. Look at it again.")
    check_change(actor, row, chosen)
    before = {name: role_detail(row)[name] for name in ("name", "sentence", "permissions")}
    is_wider = bool(chosen.permissions - role_from(row).permissions)
    _fill_in(row, chosen)
    if is_wider:
        row.widened_by = actor.user_id
    db.session.flush()  # so that the pairs are made of what it allows now
    if is_wider:
        people = frozenset(db.session.scalars(holders_of([key])))
        check_exclusive(actor, people, {key}, target_of(key).name)
        if people:
            require_alone_to_give(actor, [role_from(row)], target_of(key).name)
    record(actor, Action.ROLE_CHANGED, target_of(key).name, before=before, **role_detail(row))


def restore_role(actor: Actor, key: str) -> None:
    """Let a retired role be given again. Nobody gets back what they held.

    Raises `Forbidden`, `NotFound` or `Conflict`.
    """
    actor = lock_access_as(actor)
    require(actor, Permission.ROLE_EDIT, target_of(key))
    row = get_custom_role(key)
    if row.retired_at is None:
        raise Conflict(f"{row.name} is not retired.")
    require_management(actor, role_from(row).permissions, target_of(key))
    require_free_name(row.name)
    row.retired_at, row.changed_at = None, clock.now()
    record(actor, Action.ROLE_RESTORED, target_of(key).name, **role_detail(row))


def show_for_change(actor: Actor, key: str) -> Editable:
    """A role as it is, to be changed. Raises as `get_editable`."""
    row = get_editable(actor, key)
    return Editable(role_from(row), version_of(row))


def check_change(actor: Actor, row: CustomRole, chosen: Chosen) -> None:
    """Raises `Forbidden`, `Invalid` or `Conflict` where a role can't become what was chosen."""
    role, target = role_from(row), target_of(row.key)
    check_chosen(chosen, is_scoped=role.is_scoped)
    require_management(actor, chosen.permissions, target)
    if chosen.permissions != role.permissions:
        require(actor, Permission.ROLE_ASSIGN, target)  # it gives and takes as that does
    elif (chosen.name, chosen.sentence) == (row.name, row.sentence):
        raise Conflict("The role is like this already.")
    require_free_name(chosen.name, besides=row.key)
    if is_given_on_folders(row.key):
        check_folders(chosen.permissions)


def get_custom_role(key: str) -> CustomRole:
    """The row of one of the tenant's own roles, retired or not. Raises `NotFound`."""
    statement = select(CustomRole).where(CustomRole.key == key)
    row = db.session.scalars(statement.execution_options(populate_existing=True)).one_or_none()
    if row is None:
        raise NotFound
    return row


def get_editable(actor: Actor, key: str) -> CustomRole:
    """A live role of the tenant's own which the actor may change or retire.

    Raises `Forbidden`, `OwnRole`, `NotFound` or `Conflict`.
    """
    require(actor, Permission.ROLE_EDIT, target_of(key))
    row = get_custom_role(key)
    if row.retired_at is not None:
        raise Conflict(f"{row.name} is retired.")
    if is_held_by(actor, key):
        raise OwnRole(Permission.ROLE_EDIT, target_of(key))
    require_management(actor, role_from(row).permissions, target_of(key))
    return row


def is_held_by(actor: Actor, key: str) -> bool:
    """Whether somebody holds a role at this moment: what they came with may be older."""
    if not isinstance(actor, Member):
        return False
    return key in roles_held_by([actor.user_id]).get(actor.user_id, frozenset())


def version_of(row: CustomRole) -> str:
    """What tells whether the role is still the same later."""
    return row.changed_at.isoformat()


def target_of(key: str) -> Target:
    """How the audit log names a role."""
    return Target(f"role:{key}")


def role_detail(row: CustomRole) -> dict[str, Any]:
    """What an entry tells of a role: enough to know what it allowed at any time."""
    return {
        "key": row.key,
        "name": row.name,
        "sentence": row.sentence,
        "permissions": list(row.permissions),
        "is_scoped": row.is_scoped,
    }


def _fill_in(row: CustomRole, chosen: Chosen) -> None:
    row.name = " ".join(chosen.name.split())
    row.sentence = chosen.sentence.strip()
    row.permissions = sorted(map(str, chosen.permissions))
    row.changed_at = clock.now()
