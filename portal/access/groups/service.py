"""Making groups, renaming them, and deleting them with all that they gave."""

from typing import Any
from uuid import UUID

from sqlalchemy import delete, select

from portal.access.decision import require
from portal.access.groups.members import empty
from portal.access.groups.rules import open_group, target_of
from portal.access.in_bulk import Revocation, revoke_roles
from portal.access.locking import lock_access_as
from portal.access.models import Group, RoleAssignment
from portal.access.names import group_key, require_own_look
from portal.access.permissions import Permission
from portal.access.service import Way
from portal.audit.actions import Action
from portal.audit.actor import Actor
from portal.audit.service import record
from portal.core.errors import Conflict, Invalid, NotFound
from portal.core.ids import new_id
from portal.core.texts import is_one_line
from portal.tenancy.session import change, db

NAME_LENGTH, SENTENCE_LENGTH = 60, 200


def create_group(actor: Actor, name: str, sentence: str = "") -> Group:
    """Make a group with nobody in it, to be filled by hand.

    Raises `Forbidden`, `Invalid` or `Conflict`.
    """
    actor = lock_access_as(actor)
    require(actor, Permission.GROUP_EDIT)
    group = Group(id=new_id(), created_by=actor.user_id)
    _call(group, name, sentence)
    db.session.add(group)
    db.session.flush()
    record(actor, Action.GROUP_CREATED, target_of(group.id), **_detail(group))
    return group


def rename_group(actor: Actor, group_id: UUID, name: str, sentence: str = "") -> Group:
    """Call a group otherwise, by the rules of letting people in: folders are shared with a group by
    its name, so whoever can move a name to another group decides who is let in.

    Raises `Forbidden`, `OwnGroup`, `NotFound`, `Invalid` or `Conflict`.
    """
    group = open_group(actor, group_id)
    _call(group, name, sentence)
    record(actor, Action.GROUP_CHANGED, target_of(group.id), **_detail(group))
    return group


def delete_group(actor: Actor, group_id: UUID) -> None:
    """Delete a group: nobody is in it any more, and what it was given is taken away.

    Raises `Forbidden`, `OwnGroup` or `NotFound`.
    """
    group = open_group(actor, group_id)
    empty(actor, group, way=Way.DELETION)
    given = select(RoleAssignment).where(RoleAssignment.group_id == group.id)
    held = db.session.scalars(given.order_by(RoleAssignment.id)).all()
    revoke_roles([Revocation(actor, each, "") for each in held], way=Way.DELETION)
    record(actor, Action.GROUP_DELETED, target_of(group.id), **_detail(group))
    if not change(delete(Group).where(Group.id == group.id)):
        raise NotFound


def _call(group: Group, name: str, sentence: str) -> None:
    name, sentence = name.strip(), sentence.strip()
    key = group_key(name)
    if not name or max(len(name), len(key)) > NAME_LENGTH or len(sentence) > SENTENCE_LENGTH:
        raise Invalid(f"A group has a name of at most {NAME_LENGTH} characters.")
    if not is_one_line(name) or not is_one_line(sentence):
        raise Invalid("This contains invisible characters.")
    require_own_look(name)
    same = select(Group.id).where(Group.name_key == key, Group.id != group.id)
    if db.session.execute(same).first() is not None:
        raise Conflict("There is a group of this name already.")
    group.name, group.name_key, group.sentence = name, key, sentence


def _detail(group: Group) -> dict[str, Any]:
    return {"name": group.name, "sentence": group.sentence}
