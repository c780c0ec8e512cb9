"""Who is in a group: people are added and removed, each with an entry of its own."""

from collections.abc import Collection, Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select

from portal.access.approvals.extent import extent
from portal.access.approvals.kinds import Kind
from portal.access.approvals.models import Consent
from portal.access.approvals.service import ask, require_alone, wants_second
from portal.access.decision import Target
from portal.access.exclusive import check_exclusive
from portal.access.groups.rules import (
    OwnGroup,
    gives_power,
    open_group,
    permissions_of,
    roles_of,
    target_of,
)
from portal.access.models import Group, GroupMembership
from portal.access.own_end import require_to_hold_until
from portal.access.permissions import MANAGEMENT, Permission
from portal.access.service import Way
from portal.audit.actions import Action
from portal.audit.actor import Actor
from portal.audit.service import record
from portal.core.errors import Conflict, Invalid, NotFound
from portal.tenancy.session import change, db
from portal.users.models import User

MOST_AT_ONCE = 500


class FilledByProvider(Conflict):
    """A group's people come by a provider's claim, and by nothing else."""

    message = "An identity provider decides who is in this group. It can't be changed by hand."


def add_to_group(
    actor: Actor, group_id: UUID, user_ids: Collection[UUID], *, way: Way = Way.PAGE
) -> int:
    """Put people into a group that is filled by hand; gives the number of those who are new.

    They hold what the group holds, so it wants the right to give them that. Where two people have
    to agree to that, it is asked for each of them, and 0 are in the group by now. Raises
    `Forbidden`, `OwnGroup`, `FilledByProvider`, `NotFound`, `Invalid`, `Conflict` or
    `ExclusiveRoles`.
    """
    group = require_to_add(actor, group_id, user_ids)
    if len(set(user_ids)) > MOST_AT_ONCE:
        raise Invalid(f"At most {MOST_AT_ONCE} people can be added at once.")
    added = _existing(user_ids) - members_of(group_id, among=user_ids)
    if not added:
        raise Conflict("Choose somebody who is not in the group yet.")
    check_exclusive(actor, added, roles_of(group_id), target_of(group_id))
    if gives_power(group_id) and wants_second(actor, Kind.GRANT_ADMIN):
        payload, gives = {"group": str(group_id), "way": way}, permissions_of(group_id)
        for user_id in sorted(added):
            reach = extent([user_id], gives)
            ask(actor, Kind.GRANT_ADMIN, f"user:{user_id}", payload | reach)
        return 0
    put_in(actor, group, added, way=way)
    return len(added)


def require_to_add(actor: Actor, group_id: UUID, user_ids: Collection[UUID]) -> Group:
    """A group filled by hand into which `actor` may put these people. Raises as `add_to_group`."""
    group = _open(actor, group_id)
    if actor.user_id is not None and actor.user_id in user_ids:
        raise OwnGroup(Permission.GROUP_EDIT, Target(target_of(group_id)))
    require_to_hold_until(actor, permissions_of(group_id) & MANAGEMENT, None)
    return group


def remove_from_group(actor: Actor, group_id: UUID, user_id: UUID) -> None:
    """Take somebody out of a group that is filled by hand.

    Raises `Forbidden`, `OwnGroup`, `FilledByProvider` or `NotFound`.
    """
    group = _open(actor, group_id)
    if not take_out(actor, group, [user_id], way=Way.PAGE):
        raise NotFound


def put_in(
    actor: Actor,
    group: Group,
    user_ids: Iterable[UUID],
    *,
    way: Way,
    consent: Consent | None = None,
    **detail: Any,
) -> None:
    """Have people be in a group, once it is decided that they may.

    Where two people have to agree to what the group gives, it needs the second one's `consent`.
    Raises `SecondPersonNeeded`.
    """
    if consent is not None:
        detail |= consent.detail()
    elif gives_power(group.id):
        require_alone(actor, Kind.GRANT_ADMIN, target_of(group.id))
    added_by = None if way == Way.CLAIM else actor.user_id
    for user_id in sorted(user_ids):
        db.session.add(GroupMembership(group_id=group.id, user_id=user_id, added_by=added_by))
        _record(actor, Action.GROUP_MEMBER_ADDED, group.id, user_id, way=way, **detail)
    db.session.flush()


def take_out(
    actor: Actor, group: Group, user_ids: Collection[UUID], *, way: Way, **detail: Any
) -> int:
    """Have people be in a group no more; gives the number of those who were."""
    gone = members_of(group.id, among=user_ids)
    change(
        delete(GroupMembership).where(
            GroupMembership.group_id == group.id, GroupMembership.user_id.in_(gone)
        )
    )
    for user_id in sorted(gone):
        _record(actor, Action.GROUP_MEMBER_REMOVED, group.id, user_id, way=way, **detail)
    return len(gone)


def empty(actor: Actor, group: Group, *, way: Way, **detail: Any) -> int:
    """Have nobody be in a group; gives the number of those who were."""
    gone = members_of(group.id)
    change(delete(GroupMembership).where(GroupMembership.group_id == group.id))
    for user_id in sorted(gone):
        _record(actor, Action.GROUP_MEMBER_REMOVED, group.id, user_id, way=way, **detail)
    return len(gone)


def record_left(actor: Actor, left: GroupMembership, *, way: Way, reason: str) -> None:
    """Tell the log of a membership that has ended."""
    detail = {"membership": str(left.id), "reason": reason}
    action = Action.GROUP_MEMBER_REMOVED
    _record(actor, action, left.group_id, left.user_id, way=way, **detail)


def members_of(group_id: UUID, *, among: Collection[UUID] | None = None) -> frozenset[UUID]:
    """The ids of the people in a group, of all or of those that are asked about."""
    inside = select(GroupMembership.user_id).where(GroupMembership.group_id == group_id)
    if among is not None:
        inside = inside.where(GroupMembership.user_id.in_(set(among)))
    return frozenset(db.session.scalars(inside))


def _open(actor: Actor, group_id: UUID) -> Group:
    group = open_group(actor, group_id)
    if group.provider_id is not None:
        raise FilledByProvider
    return group


def _existing(user_ids: Collection[UUID]) -> frozenset[UUID]:
    wanted = set(user_ids)
    found = frozenset(db.session.scalars(select(User.id).where(User.id.in_(wanted))))
    if found != wanted:
        raise NotFound
    return found


def _record(actor: Actor, action: Action, group_id: UUID, user_id: UUID, **detail: Any) -> None:
    record(actor, action, target_of(group_id), person=str(user_id), **detail)
