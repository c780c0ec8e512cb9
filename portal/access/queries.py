"""Reading who holds what."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CompoundSelect, FromClause, Row, Select, select, union_all
from sqlalchemy.sql.elements import ColumnElement

from portal.access.decision import Grant
from portal.access.models import CustomRole, Group, GroupMembership, RoleAssignment
from portal.access.permissions import BUILT_IN, Permission
from portal.access.roles import permissions_from
from portal.core import clock
from portal.core.errors import NotFound
from portal.tenancy.binding import bound_tenant_id
from portal.tenancy.session import db
from portal.users.models import User

# Rows of tables, not of models: every request asks for them, and the ORM takes twice as long.
_role, _custom, _membership, _user = (
    model.__table__ for model in (RoleAssignment, CustomRole, GroupMembership, User)
)

MANY = 500  # ids in one statement: from there on its text costs more than the rows it saves

# What a grant is made of; a role of the tenant's own brings its permissions along.
GRANT_COLUMNS = (
    _role.c.id.label("assignment_id"),
    _role.c.role,
    _role.c.folder_id,
    _role.c.group_id,
    _role.c.expires_at,
    _custom.c.permissions,
)
# What is told of an assignment besides.
_TOLD = (_role.c.reason, _role.c.granted_by, _role.c.way, _role.c.created_at)


def held_by(rows: FromClause, user_id: ColumnElement[UUID]) -> tuple[FromClause, FromClause]:
    """`rows` joined to what their person holds: by name, and through groups.

    Two statements to be put together by UNION ALL: each finds its way by an index, which one with
    an OR in it does not. The first keeps the rows of those who hold nothing.
    """
    by_name = rows.outerjoin(_role, _role.c.user_id == user_id)
    by_group = rows.join(_membership, _membership.c.user_id == user_id).join(
        _role, _role.c.group_id == _membership.c.group_id
    )
    return with_custom_roles(by_name), with_custom_roles(by_group)


def with_custom_roles(rows: FromClause) -> FromClause:
    """Assignments joined to the tenant's own roles, for `GRANT_COLUMNS`."""
    return rows.outerjoin(_custom, (_custom.c.key == _role.c.role) & _custom.c.retired_at.is_(None))


def grants_from(rows: Iterable[Any], at: datetime) -> tuple[Grant, ...]:
    """What rows of `GRANT_COLUMNS` amount to at a moment. An unknown role gives nothing."""
    return grants_of_rows(
        row
        for row in rows
        if row.role is not None and (row.expires_at is None or row.expires_at > at)
    )


def grants_of_rows(rows: Iterable[Any]) -> tuple[Grant, ...]:
    """A grant for each row of `GRANT_COLUMNS`, whether it has ended or not."""
    return tuple(
        Grant(
            _permissions_of(row),
            row.folder_id,
            row.role,
            row.assignment_id,
            row.group_id,
            row.expires_at,
        )
        for row in rows
    )


def _permissions_of(row: Any) -> frozenset[Permission]:
    if row.role in BUILT_IN:
        return BUILT_IN[row.role].permissions
    return permissions_from(row.permissions or ())


def assignments_of(user_ids: Collection[UUID]) -> Mapping[UUID, Sequence[RoleAssignment]]:
    """The roles that each of these people was given by name, oldest first."""
    found: dict[UUID, list[RoleAssignment]] = defaultdict(list)
    statement = select(RoleAssignment).where(RoleAssignment.user_id.in_(set(user_ids)))
    for assignment in db.session.scalars(statement.order_by(RoleAssignment.id)):
        if assignment.user_id is not None:
            found[assignment.user_id].append(assignment)
    return found


def roles_held_by(user_ids: Collection[UUID] | None = None) -> Mapping[UUID, frozenset[str]]:
    """The keys of the roles that these people hold, or that anybody does.

    By name or through a group, expired or not; who holds none is missing. Of many people it is
    quicker to ask about everybody.
    """
    held: dict[UUID, set[str]] = defaultdict(set)
    wanted = None if user_ids is None else set(user_ids)
    asked = wanted if wanted is None or len(wanted) <= MANY else None
    for user_id, role in db.session.execute(union_all(*_holdings(asked))):
        if wanted is None or user_id in wanted:
            held[user_id].add(role)
    return {user_id: frozenset(roles) for user_id, roles in held.items()}


def holders_of(roles: Collection[str]) -> CompoundSelect[Any]:
    """The ids of those who hold one of these roles, by name or through a group, expired or not."""
    return union_all(
        *(
            statement.with_only_columns(statement.selected_columns.user_id).where(
                _role.c.role.in_(roles)
            )
            for statement in _holdings(None)
        )
    )


def _holdings(user_ids: Collection[UUID] | None) -> Sequence[Select[Any]]:
    """Person and role: by name, and through groups."""
    by_name = select(_role.c.user_id, _role.c.role).where(_role.c.user_id.is_not(None))
    by_group = select(_membership.c.user_id, _role.c.role).join_from(
        _membership, _role, _role.c.group_id == _membership.c.group_id
    )
    if user_ids is None:
        return by_name, by_group
    wanted = set(user_ids)
    return by_name.where(_role.c.user_id.in_(wanted)), by_group.where(
        _membership.c.user_id.in_(wanted)
    )


def holdings_of(user_id: UUID) -> Sequence[Any]:
    """All that somebody was given, ended or not: rows of `GRANT_COLUMNS` and what is told of it."""
    statements = (
        select(*GRANT_COLUMNS, *_TOLD)
        .select_from(rows)
        .where(_user.c.id == user_id, _role.c.id.is_not(None))
        for rows in held_by(_user, _user.c.id)
    )
    return db.session.execute(union_all(*statements)).all()


def names_of_groups(group_ids: Collection[UUID]) -> Mapping[UUID, str]:
    """The names of groups, by id; one that is gone is left out."""
    if not group_ids:
        return {}
    rows = db.session.execute(select(Group.id, Group.name).where(Group.id.in_(set(group_ids))))
    return dict(rows.all())


def list_group_names() -> Mapping[UUID, str]:
    """The names of all groups, in the order of the names."""
    rows = db.session.execute(select(Group.id, Group.name).order_by(Group.name_key, Group.id))
    return dict(rows.all())


def people_in(group_id: UUID) -> Select[UUID]:
    """A statement that gives the ids of who is in a group now."""
    return select(GroupMembership.user_id).where(GroupMembership.group_id == group_id)


def find_group_giving(user_id: UUID, roles: Collection[str]) -> Row[UUID, str, str] | None:
    """A group through which somebody holds one of these roles: its id and name, and the role."""
    statement = (
        select(Group.id, Group.name, _role.c.role)
        .join(_membership, _membership.c.group_id == Group.id)
        .join(_role, _role.c.group_id == Group.id)
        .where(_membership.c.user_id == user_id, _role.c.role.in_(roles))
        .order_by(Group.name_key)
    )
    return db.session.execute(statement).first()


def groups_of(user_id: UUID | None) -> frozenset[UUID]:
    """The groups that somebody is in."""
    statement = select(_membership.c.group_id).where(_membership.c.user_id == user_id)
    return frozenset(db.session.scalars(statement))


def get_assignment(assignment_id: UUID) -> RoleAssignment:
    """One assignment as it is now, whatever was read of it before. Raises `NotFound`."""
    key = (bound_tenant_id(), assignment_id)
    assignment = db.session.get(RoleAssignment, key, populate_existing=True)
    if assignment is None:
        raise NotFound
    return assignment


def has_ended() -> ColumnElement[bool]:
    """Which assignments are over."""
    return RoleAssignment.expires_at <= clock.now()
