"""Who holds what on one place, and through what: the access of everybody, not of one actor.

`reach` is pure, so that it answers for the rows of now and for those of a past time alike.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CompoundSelect, and_, func, or_, select, union_all
from sqlalchemy.sql.elements import ColumnElement

from portal.access.decision import Grant, Target
from portal.access.explanation import is_about
from portal.access.models import Group, GroupMembership, RoleAssignment
from portal.access.permissions import Permission, Role
from portal.access.queries import GRANT_COLUMNS, grants_from, with_custom_roles
from portal.core import clock
from portal.core.paging import page_within
from portal.tenancy.session import db
from portal.users.models import User, UserState

PAGE_SIZE = 50

# Rows of tables, not of models: the ORM takes twice as long.
_role, _group, _membership = (model.__table__ for model in (RoleAssignment, Group, GroupMembership))


class Can(StrEnum):
    """What people ask of a place: who can read it, change it, let others in?"""

    READ = "read"
    CHANGE = "change"
    SHARE = "share"

    @property
    def permissions(self) -> frozenset[Permission]:
        """Those of which any one is enough."""
        return _MEANS[self]


_MEANS = {
    Can.READ: frozenset({Permission.DOCUMENT_READ}),
    Can.CHANGE: frozenset(
        {
            Permission.DOCUMENT_DELETE,
            Permission.DOCUMENT_EDIT,
            Permission.DOCUMENT_UPLOAD,
            Permission.FOLDER_CREATE,
            Permission.FOLDER_DELETE,
            Permission.FOLDER_EDIT,
        }
    ),
    Can.SHARE: frozenset({Permission.FOLDER_SHARE, Permission.ROLE_ASSIGN}),
}


@dataclass(frozen=True, slots=True)
class Granted:
    """A grant as it was made: to a person, or to the group that it names."""

    grant: Grant
    user_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Reach:
    """All that one person holds on a place."""

    grants: tuple[Grant, ...] = ()

    @property
    def permissions(self) -> frozenset[Permission]:
        """What it amounts to: for a member exactly what `decide` allows on that place."""
        return frozenset().union(*(grant.permissions for grant in self.grants))

    @property
    def can(self) -> Sequence[Can]:
        """What it amounts to in words."""
        return [can for can in Can if self.permissions & can.permissions]

    @property
    def ways(self) -> Sequence[Grant]:
        """The grants by which it can be done; others are of no account here."""
        return [grant for grant in self.grants if Reach((grant,)).can]


@dataclass(frozen=True, slots=True)
class Reaching:
    """A person who reaches a place."""

    user_id: UUID
    name: str
    email: str
    reach: Reach


@dataclass(frozen=True, slots=True)
class ReachPage:
    """People by name, of all `total` who can now; and how many could, if they could sign in."""

    people: Sequence[Reaching]
    page: int
    pages: int
    total: int
    invited: int
    deactivated: int
    groups: Mapping[UUID, str]


def reach(
    target: Target, given: Iterable[Granted], groups_of: Mapping[UUID, Collection[UUID]]
) -> Mapping[UUID, Reach]:
    """What people hold on `target` by what was given, and through what.

    `groups_of` names the groups that people are in. Who holds nothing is missing.
    """
    by_name: dict[UUID, list[Grant]] = defaultdict(list)
    by_group: dict[UUID, list[Grant]] = defaultdict(list)
    for one in given:
        grant = one.grant
        if not grant.permissions or not is_about(grant, target.folders):
            continue
        if one.user_id is not None:
            by_name[one.user_id].append(grant)
        elif grant.group_id is not None:
            by_group[grant.group_id].append(grant)
    reached = {}
    for user_id in by_name.keys() | groups_of.keys():
        grants = list(by_name.get(user_id, ()))
        for group_id in groups_of.get(user_id, ()):
            grants += by_group.get(group_id, ())
        if grants:
            reached[user_id] = Reach(tuple(grants))
    return reached


def search_reach(
    target: Target, roles: Collection[Role], text: str = "", page: int = 1
) -> ReachPage:
    """A page of the people who hold one of `roles` on `target`, with everything they hold there.

    Four statements, however many people there are. Whether the asker may know is the caller's to
    decide.
    """
    matching = [User.id.in_(_holders(target, roles)), *_named(text)]
    counted = db.session.execute(
        select(User.state, func.count()).where(*matching).group_by(User.state)
    )
    counts: dict[str, int] = dict(counted.all())
    total = counts.get(UserState.ACTIVE, 0)
    page, pages = page_within(page, total, PAGE_SIZE)
    rows = db.session.execute(
        select(User.id, User.name, User.email)
        .where(*matching, User.state == UserState.ACTIVE)
        .order_by(func.lower(User.name), User.id)
        .limit(PAGE_SIZE)
        .offset((page - 1) * PAGE_SIZE)
    ).all()
    reached, groups = _reach_of([row.id for row in rows], target)
    return ReachPage(
        [Reaching(*row, reached.get(row.id, Reach())) for row in rows],
        page,
        pages,
        total,
        counts.get(UserState.INVITED, 0),
        counts.get(UserState.DEACTIVATED, 0),
        groups,
    )


def roles_that(can: Collection[Can], roles: Iterable[Role]) -> Sequence[Role]:
    """Those of the roles by which somebody can do one of these things; a retired one gives none."""
    wanted = frozenset().union(*(one.permissions for one in can))
    return [role for role in roles if role.permissions & wanted and not role.is_retired]


def _reach_of(
    user_ids: Sequence[UUID], target: Target
) -> tuple[Mapping[UUID, Reach], Mapping[UUID, str]]:
    """What these people hold on a place, and the names of the groups they are in."""
    memberships = db.session.execute(
        select(_membership.c.user_id, _membership.c.group_id, _group.c.name)
        .join_from(_membership, _group, _group.c.id == _membership.c.group_id)
        .where(_membership.c.user_id.in_(user_ids))
    ).all()
    groups_of: dict[UUID, list[UUID]] = defaultdict(list)
    for user_id, group_id, _ in memberships:
        groups_of[user_id].append(group_id)
    names = {group_id: name for _, group_id, name in memberships}
    return reach(target, _given_to(user_ids, names.keys(), target), groups_of), names


def _given_to(
    user_ids: Collection[UUID], group_ids: Collection[UUID], target: Target
) -> Iterable[Granted]:
    rows = db.session.execute(
        select(_role.c.user_id, *GRANT_COLUMNS)
        .select_from(with_custom_roles(_role))
        .where(
            or_(_role.c.user_id.in_(user_ids), _role.c.group_id.in_(group_ids)),
            _on(target),
        )
        .order_by(_role.c.id)
    )
    at = clock.now()
    return [Granted(grant, row.user_id) for row in rows for grant in grants_from([row], at)]


def _holders(target: Target, roles: Collection[Role]) -> CompoundSelect[Any]:
    """The ids of those who hold one of the roles on a place now, by name or through a group."""
    which = and_(
        _role.c.role.in_([role.key for role in roles]),
        _on(target),
        or_(_role.c.expires_at.is_(None), _role.c.expires_at > clock.now()),
    )
    by_name = select(_role.c.user_id).where(which, _role.c.user_id.is_not(None))
    by_group = (
        select(_membership.c.user_id)
        .join_from(_membership, _role, _role.c.group_id == _membership.c.group_id)
        .where(which)
    )
    return union_all(by_name, by_group)


def _on(target: Target) -> ColumnElement[bool]:
    return or_(_role.c.folder_id.is_(None), _role.c.folder_id.in_(target.folders))


def _named(text: str) -> Sequence[ColumnElement[bool]]:
    """Only by name: an e-mail is nothing that everybody here may find out."""
    pattern = text.strip().lower()
    return [func.lower(User.name).contains(pattern, autoescape=True)] if pattern else []
