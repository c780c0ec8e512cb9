"""People who hold something on a folder, made past the pages."""

from datetime import datetime
from typing import Any
from uuid import UUID

from portal.access.models import CustomRole, Group, GroupMembership, RoleAssignment
from portal.access.permissions import Permission
from portal.core.ids import new_id
from tests.installation import Organisation


def give(
    to: Organisation,
    who: str | UUID,
    role: str,
    folder: str | UUID | None = None,
    *,
    group: bool = False,
    expires_at: datetime | None = None,
) -> UUID:
    """Give a person (by the name that tests use) or a group (by its id) a role."""
    holder = to[who].id if isinstance(who, str) else who
    folder_id = to.folders[folder] if isinstance(folder, str) else folder
    with to.bound(writes=True) as session:
        made = RoleAssignment(id=new_id(), role=role, folder_id=folder_id, expires_at=expires_at)
        if group:
            made.group_id = holder
        else:
            made.user_id = holder
        session.add(made)
        return made.id


def make_group(to: Organisation, name: str, *people: str) -> UUID:
    with to.bound(writes=True) as session:
        group = Group(id=new_id(), name=name, name_key=name.casefold())
        session.add(group)
        session.flush()
        for who in people:
            session.add(GroupMembership(group_id=group.id, user_id=to[who].id))
        return group.id


def make_role(to: Organisation, key: str, *permissions: Permission) -> str:
    with to.bound(writes=True) as session:
        session.add(
            CustomRole(
                key=key, name=key.title(), sentence="-", permissions=sorted(map(str, permissions))
            )
        )
    return key


def make_folder(to: Organisation, name: str, parent: str | UUID) -> UUID:
    """A folder in another, made by its member."""
    parent_id = to.folders[parent] if isinstance(parent, str) else parent
    made = to.visit("member").post("/folders", {"name": name, "parent": str(parent_id)})
    return UUID(made.location.rpartition("/")[2])


def held_by(to: Organisation, who: str | UUID) -> list[dict[str, Any]]:
    """The assignments of a person, or of a group."""
    holder = to[who].id if isinstance(who, str) else who
    return [
        row
        for row in to.portal.rows("role_assignment")
        if holder in (row["user_id"], row["group_id"])
    ]
