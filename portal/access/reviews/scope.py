"""What a review is about: the choice that was made, and what it comes down to at a moment."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, true

from portal.access.models import Group, GroupMembership, RoleAssignment
from portal.access.permissions import Role
from portal.access.reviews.models import Kind
from portal.access.roles import list_roles
from portal.core import clock
from portal.tenancy.session import db
from portal.users.models import User
from portal.users.queries import names_of

# Rows of tables, not of models: a review may be about ten thousand of them.
_role, _membership, _group, _user = (
    model.__table__ for model in (RoleAssignment, GroupMembership, Group, User)
)

FolderIds = Select[tuple[UUID]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Which holdings are reviewed. What is left empty limits nothing; the limits combine."""

    roles: frozenset[str] = frozenset()
    folder_id: UUID | None = None  # with all beneath it
    people: frozenset[UUID] = frozenset()
    groups: frozenset[UUID] = frozenset()

    def stored(self) -> dict[str, Any]:
        """As it is kept with the review, and told in the audit log."""
        return {
            "roles": sorted(self.roles),
            "folder": str(self.folder_id) if self.folder_id else None,
            "people": sorted(map(str, self.people)),
            "groups": sorted(map(str, self.groups)),
        }

    @classmethod
    def from_stored(cls, stored: Mapping[str, Any]) -> Self:
        """What `stored` gave."""
        return cls(
            roles=frozenset(stored["roles"]),
            folder_id=UUID(stored["folder"]) if stored["folder"] else None,
            people=frozenset(map(UUID, stored["people"])),
            groups=frozenset(map(UUID, stored["groups"])),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One thing that somebody holds: a role that was given, or a place in a group that has some."""

    kind: Kind
    subject_id: UUID
    user_id: UUID | None
    group_id: UUID | None
    holder_name: str
    group_name: str
    role: str | None
    role_names: tuple[str, ...]
    folder_id: UUID | None
    held_since: datetime
    expires_at: datetime | None
    granted_by: UUID | None
    granter_name: str
    reason: str
    is_fed: bool


def find_subjects(scope: Scope, folders: FolderIds | None) -> Sequence[Subject]:
    """What `scope` comes down to now, by the names of the holders.

    `folders` are the ids of its folder and all beneath it; None where it has no folder.
    """
    roles = list_roles()
    in_scope = _assignments_in(scope, folders)
    assignments = db.session.execute(_held(in_scope, scope)).all()
    memberships = db.session.execute(_being_in(in_scope, scope)).all()
    carried = _carried_by_groups(in_scope, roles) if memberships else {}
    granters = names_of({row.granted_by for row in (*assignments, *memberships) if row.granted_by})
    found = [*_from_assignments(assignments, roles, granters)]
    found += _from_memberships(memberships, carried, granters)
    return sorted(found, key=lambda one: (one.holder_name.casefold(), one.subject_id))


def list_group_names() -> Mapping[UUID, str]:
    """What the groups are called that a review can be limited to, by name."""
    rows = db.session.execute(select(_group.c.id, _group.c.name).order_by(_group.c.name_key))
    return dict(rows.all())


def _assignments_in(scope: Scope, folders: FolderIds | None) -> ColumnElement[bool]:
    """The roles and places of a scope, whoever holds them. What has ended gives nothing."""
    limits = [or_(_role.c.expires_at.is_(None), _role.c.expires_at > clock.now())]
    if scope.roles:
        limits.append(_role.c.role.in_(scope.roles))
    if folders is not None:
        limits.append(_role.c.folder_id.in_(folders))
    return and_(*limits)


def _among(scope: Scope, person: Any, group: Any) -> ColumnElement[bool]:
    """The people and groups of a scope."""
    if not (scope.people or scope.groups):
        return true()
    return or_(person.in_(scope.people), group.in_(scope.groups))


def _held(in_scope: ColumnElement[bool], scope: Scope) -> Select[Any]:
    return (
        select(
            _role.c.id,
            _role.c.user_id,
            _role.c.group_id,
            func.coalesce(_user.c.name, _group.c.name).label("holder_name"),
            _role.c.role,
            _role.c.folder_id,
            _role.c.created_at,
            _role.c.expires_at,
            _role.c.granted_by,
            _role.c.reason,
            _role.c.is_from_claim,
        )
        .join_from(_role, _user, _user.c.id == _role.c.user_id, isouter=True)
        .join(_group, _group.c.id == _role.c.group_id, isouter=True)
        .where(in_scope, _among(scope, _role.c.user_id, _role.c.group_id))
    )


def _being_in(in_scope: ColumnElement[bool], scope: Scope) -> Select[Any]:
    carrying = select(_role.c.group_id).where(in_scope, _role.c.group_id.is_not(None))
    return (
        select(
            _membership.c.id,
            _membership.c.user_id,
            _membership.c.group_id,
            _user.c.name.label("holder_name"),
            _group.c.name.label("group_name"),
            _group.c.provider_id,
            _membership.c.added_at,
            _membership.c.added_by.label("granted_by"),
        )
        .join_from(_membership, _user, _user.c.id == _membership.c.user_id)
        .join(_group, _group.c.id == _membership.c.group_id)
        .where(
            _membership.c.group_id.in_(carrying),
            _among(scope, _membership.c.user_id, _membership.c.group_id),
        )
    )


def _carried_by_groups(
    in_scope: ColumnElement[bool], roles: Mapping[str, Role]
) -> Mapping[UUID, tuple[str, ...]]:
    """The names of the roles in scope that each group has."""
    found: dict[UUID, set[str]] = defaultdict(set)
    statement = select(_role.c.group_id, _role.c.role).where(
        in_scope, _role.c.group_id.is_not(None)
    )
    for group_id, key in db.session.execute(statement):
        found[group_id].add(_name_of(key, roles))
    return {group_id: tuple(sorted(names)) for group_id, names in found.items()}


def _from_assignments(
    rows: Sequence[Any], roles: Mapping[str, Role], granters: Mapping[UUID, str]
) -> Iterator[Subject]:
    for row in rows:
        yield Subject(
            kind=Kind.ASSIGNMENT,
            subject_id=row.id,
            user_id=row.user_id,
            group_id=row.group_id,
            holder_name=row.holder_name,
            group_name="",
            role=row.role,
            role_names=(_name_of(row.role, roles),),
            folder_id=row.folder_id,
            held_since=row.created_at,
            expires_at=row.expires_at,
            granted_by=row.granted_by,
            granter_name=granters.get(row.granted_by, ""),
            reason=row.reason,
            is_fed=row.is_from_claim,
        )


def _from_memberships(
    rows: Sequence[Any],
    carried: Mapping[UUID, tuple[str, ...]],
    granters: Mapping[UUID, str],
) -> Iterator[Subject]:
    for row in rows:
        yield Subject(
            kind=Kind.MEMBERSHIP,
            subject_id=row.id,
            user_id=row.user_id,
            group_id=row.group_id,
            holder_name=row.holder_name,
            group_name=row.group_name,
            role=None,
            role_names=carried.get(row.group_id, ()),
            folder_id=None,
            held_since=row.added_at,
            expires_at=None,
            granted_by=row.granted_by,
            granter_name=granters.get(row.granted_by, ""),
            reason="",
            is_fed=row.provider_id is not None,
        )


def _name_of(key: str, roles: Mapping[str, Role]) -> str:
    return roles[key].name if key in roles else key
