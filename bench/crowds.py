"""Organisations of many people, groups and folders."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any
from uuid import UUID

from sqlalchemy import insert

from portal.access.models import Group, GroupMembership, RoleAssignment
from portal.access.permissions import AUDITOR, COMPLIANCE_OFFICER, FOLDER_OWNER, GUEST, MEMBER
from portal.core.ids import new_id
from portal.documents.models import Folder
from portal.keys.columns import seal
from portal.tenancy.session import db
from portal.users.models import User, UserState

SMALL, LARGE = (10, 10, 50), (10_000, 1_000, 50_000)  # members, groups, folders
TOP_FOLDERS, SUBFOLDERS = 5, 40  # at the top, and in each of the others, at most
PEOPLE_A_GROUP = 50
AT_ONCE = 5_000
EMAIL = "person{}@crowd.example"

Rows = Iterator[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Crowd:
    """What pages are about: somebody with some roles, a group, a folder deep in the tree."""

    officer: UUID
    person: UUID
    email: str
    group: UUID
    folder: UUID

    @property
    def named(self) -> dict[str, object]:
        """All of it by name, for addresses."""
        return {name: getattr(self, name) for name in self.__slots__}


def fill(members: int, groups: int, folders: int) -> Crowd:
    """Fill the bound tenant, past the services: by these it would take an hour."""
    people, teams, tree = ([new_id() for _ in range(n)] for n in (members, groups, folders))
    officer = new_id()
    _insert(User, _people([*people, officer]))
    _insert(Folder, _folders(tree, officer))
    _insert(Group, _groups(teams))
    _insert(GroupMembership, _memberships(people, teams))
    _insert(RoleAssignment, _roles(people, teams, tree))
    sees_all = (AUDITOR.key, COMPLIANCE_OFFICER.key)
    _insert(RoleAssignment, ({"user_id": officer, "role": role} for role in sees_all))
    return Crowd(officer, people[0], EMAIL.format(0), teams[0], tree[-1])


def _people(ids: Sequence[UUID]) -> Rows:
    for n, i in enumerate(ids):
        yield {"id": i, "email": EMAIL.format(n), "name": f"Person {n}", "state": UserState.ACTIVE}


def _groups(ids: Sequence[UUID]) -> Rows:
    for n, i in enumerate(ids):
        yield {"id": i, "name": f"Group {n}", "name_key": f"group {n}"}


def _folders(ids: Sequence[UUID], maker: UUID) -> Rows:
    for n, i in enumerate(ids):
        parent = None if n < TOP_FOLDERS else ids[(n - TOP_FOLDERS) // SUBFOLDERS]
        name = seal("folder", "name_sealed", i, f"Folder {n}")
        yield {"id": i, "parent_id": parent, "name_sealed": name, "created_by": maker}


def _memberships(people: Sequence[UUID], groups: Sequence[UUID]) -> Rows:
    for n, group_id in enumerate(groups):
        for k in range(min(PEOPLE_A_GROUP, len(people))):
            yield {"group_id": group_id, "user_id": people[(n * 7 + k) % len(people)]}


def _roles(people: Sequence[UUID], groups: Sequence[UUID], folders: Sequence[UUID]) -> Rows:
    """Everybody is a member; some hold something on folders, and so does each group."""
    yield from ({"user_id": i, "role": MEMBER.key} for i in people)
    for n, i in enumerate(people):
        folder = folders[n % len(folders)]
        yield {"user_id": i, "role": FOLDER_OWNER.key, "folder_id": folder}
    for n, i in enumerate(groups):
        yield {"group_id": i, "role": GUEST.key, "folder_id": folders[n % len(folders)]}


def _insert(model: Any, rows: Iterable[dict[str, Any]]) -> None:
    waiting = iter(rows)
    while some := list(islice(waiting, AT_ONCE)):
        db.session.execute(insert(model), some)
