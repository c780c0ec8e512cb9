"""Reading groups: all of them, one with its people, and those that somebody is in."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlalchemy import func, select

from portal.access.decision import Target, require
from portal.access.groups.members import members_of
from portal.access.groups.rules import (
    OwnGroup,
    find_group,
    is_inside,
    may_open,
    require_to_hand_out_all,
    target_of,
)
from portal.access.holdings import Holding
from portal.access.models import Group, GroupMembership, RoleAssignment
from portal.access.names import group_key
from portal.access.permissions import Permission
from portal.audit.actor import Actor
from portal.core.errors import NotFound
from portal.tenancy.paging import cut_page
from portal.tenancy.session import db
from portal.users.models import User
from portal.users.queries import matches

PAGE_SIZE = 50

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Some rows of a list, with the number of all that match."""

    rows: Sequence[Row]
    page: int
    pages: int
    total: int


@dataclass(frozen=True, slots=True)
class ListedGroup:
    """A group in the list: how many people are in it, and the roles that it gives them."""

    group: Group
    people: int
    assignments: Sequence[RoleAssignment]

    def get_assignment(self, assignment_id: UUID) -> RoleAssignment:
        """One of the group's roles. Raises `NotFound`."""
        for assignment in self.assignments:
            if assignment.id == assignment_id:
                return assignment
        raise NotFound


@dataclass(frozen=True, slots=True)
class ShownGroup(ListedGroup):
    """A group for its own page, with what the reader may do about it."""

    is_own: bool
    can_change: bool

    @property
    def holdings(self) -> Sequence[Holding]:
        """The group's roles with what their ends mean now."""
        return [Holding(assignment, None) for assignment in self.assignments]

    @property
    def can_fill(self) -> bool:
        """Whether the reader may add people and remove them."""
        return self.can_change and self.group.provider_id is None


@dataclass(frozen=True, slots=True)
class HeldGroup:
    """A group that somebody is in, since when and by whom, and the roles that it gives."""

    group: Group
    membership: GroupMembership
    assignments: Sequence[RoleAssignment]


def search_groups(actor: Actor, text: str = "", page: int = 1) -> Page[ListedGroup]:
    """A page of the groups whose name has `text` in it, by name. Raises `Forbidden`."""
    require(actor, Permission.MEMBER_READ)
    matching = select(Group)
    if text.strip():
        matching = matching.where(Group.name_key.contains(group_key(text), autoescape=True))
    found = _page(matching.order_by(Group.name_key, Group.id), page)
    listed = _listed([row[0] for row in found.rows])
    return Page(listed, found.page, found.pages, found.total)


def list_groups_fed_by(actor: Actor, provider_id: UUID) -> Sequence[ListedGroup]:
    """The groups that a provider fills, by name. Raises `Forbidden`."""
    require(actor, Permission.SSO_EDIT)
    fed = select(Group).where(Group.provider_id == provider_id)
    return _listed(db.session.scalars(fed.order_by(Group.name_key, Group.id)).all())


def get_group(actor: Actor, group_id: UUID) -> ShownGroup:
    """One group. Raises `Forbidden` or `NotFound`."""
    require(actor, Permission.MEMBER_READ)
    group = find_group(group_id)
    [listed] = _listed([group])
    is_own = is_inside(actor, group_id)
    held = {assignment.role for assignment in listed.assignments}
    return ShownGroup(
        group,
        listed.people,
        listed.assignments,
        is_own=is_own,
        can_change=not is_own and may_open(actor, group_id, held),
    )


def get_changeable_group(actor: Actor, group_id: UUID) -> Group:
    """A group that `actor` may rename. Raises `Forbidden`, `OwnGroup` or `NotFound`."""
    shown = get_group(actor, group_id)
    if shown.is_own:
        raise OwnGroup(Permission.GROUP_EDIT, Target(target_of(group_id)))
    require(actor, Permission.GROUP_EDIT, Target(target_of(group_id)))
    require_to_hand_out_all(actor, group_id, {held.role for held in shown.assignments})
    return shown.group


def search_group_members(
    actor: Actor, group_id: UUID, text: str = "", page: int = 1
) -> Page[tuple[User, GroupMembership]]:
    """A page of the people in a group, by name. Raises `Forbidden`."""
    require(actor, Permission.MEMBER_READ)
    inside = select(User, GroupMembership).join(
        GroupMembership,
        (GroupMembership.user_id == User.id) & (GroupMembership.group_id == group_id),
    )
    return _page(inside.where(matches(text)).order_by(*_BY_NAME), page)


def search_candidates(
    actor: Actor, group_id: UUID, text: str = "", page: int = 1
) -> tuple[Page[tuple[User]], frozenset[UUID]]:
    """A page of all people, by name, and the ids of those of them who are in the group already.

    Raises `Forbidden`.
    """
    require(actor, Permission.GROUP_EDIT)
    require(actor, Permission.MEMBER_READ)
    everybody = select(User).where(matches(text)).order_by(*_BY_NAME)
    found: Page[tuple[User]] = _page(everybody, page)
    return found, members_of(group_id, among=[user.id for (user,) in found.rows])


def list_groups_of(actor: Actor, user_id: UUID) -> Sequence[HeldGroup]:
    """The groups that somebody is in, by name. Raises `Forbidden`."""
    if actor.user_id != user_id:
        require(actor, Permission.MEMBER_READ)
    rows = db.session.execute(
        select(Group, GroupMembership, RoleAssignment)
        .join(GroupMembership, GroupMembership.group_id == Group.id)
        .outerjoin(RoleAssignment, RoleAssignment.group_id == Group.id)
        .where(GroupMembership.user_id == user_id)
        .order_by(Group.name_key, Group.id, RoleAssignment.id)
    ).all()
    assignments: dict[UUID, list[RoleAssignment]] = defaultdict(list)
    for group, _, assignment in rows:
        if assignment is not None:
            assignments[group.id].append(assignment)
    first = {group.id: (group, membership) for group, membership, _ in rows}
    return [HeldGroup(*held, assignments.get(group_id, ())) for group_id, held in first.items()]


def get_membership(actor: Actor, group_id: UUID, user_id: UUID) -> GroupMembership:
    """Somebody's being in a group. Raises `Forbidden` or `NotFound`."""
    require(actor, Permission.MEMBER_READ)
    membership = db.session.scalars(
        select(GroupMembership).where(
            GroupMembership.group_id == group_id, GroupMembership.user_id == user_id
        )
    ).one_or_none()
    if membership is None:
        raise NotFound
    return membership


_BY_NAME = (func.lower(User.name), User.id)


def _page(ordered: Any, page: int) -> Page[Any]:
    found = cut_page(ordered, page, PAGE_SIZE)
    return Page(db.session.execute(found.rows).all(), found.page, found.pages, found.total)


def _listed(groups: Sequence[Group]) -> Sequence[ListedGroup]:
    ids = [group.id for group in groups]
    people, assignments = _count_people(ids), _assignments_of(ids)
    return [
        ListedGroup(group, people.get(group.id, 0), assignments.get(group.id, ()))
        for group in groups
    ]


def _count_people(group_ids: Collection[UUID]) -> Mapping[UUID, int]:
    rows = db.session.execute(
        select(GroupMembership.group_id, func.count())
        .where(GroupMembership.group_id.in_(group_ids))
        .group_by(GroupMembership.group_id)
    )
    return dict(rows.all())


def _assignments_of(group_ids: Collection[UUID]) -> Mapping[UUID, Sequence[RoleAssignment]]:
    found: dict[UUID, list[RoleAssignment]] = defaultdict(list)
    given = select(RoleAssignment).where(RoleAssignment.group_id.in_(group_ids))
    for assignment in db.session.scalars(given.order_by(RoleAssignment.id)):
        if assignment.group_id is not None:
            found[assignment.group_id].append(assignment)
    return found
