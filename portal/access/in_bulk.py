"""Roles taken and given in one go, however many: a review that closes, a role that is retired.

The rules are those of `access.service`. They are looked at once, on all of it together, and rows
are written many at a time; each that is taken or given has its entry all the same.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from sqlalchemy import delete, select

from portal.access.approvals.service import require_alone_to_give
from portal.access.exclusive import check_exclusive
from portal.access.last_admin import list_lasting_admins
from portal.access.locking import lock_access
from portal.access.models import GroupMembership, RoleAssignment
from portal.access.permissions import ADMIN, Role
from portal.access.service import (
    Way,
    assignment_detail,
    check_place,
    new_assignment_detail,
)
from portal.audit.actions import Action
from portal.audit.actor import Actor
from portal.audit.service import record
from portal.core import clock
from portal.core.ids import new_id
from portal.tenancy.session import db

T = TypeVar("T")

AT_ONCE = 500  # rows that one statement names

Spot = tuple[UUID | None, UUID | None, UUID | None]  # a holder, and where


@dataclass(frozen=True, slots=True)
class Revocation:
    """A role that is to be taken away: in whose name, and why."""

    actor: Actor
    assignment: RoleAssignment
    reason: str


@dataclass(frozen=True, slots=True)
class Revoked:
    """The assignments that are gone by it, and those that stay as somebody has to be admin."""

    gone: frozenset[UUID]
    last_admin: frozenset[UUID]


def revoke_roles(revocations: Sequence[Revocation], *, way: Way) -> Revoked:
    """Take roles away once it is decided that their actors may.

    Of the admins the last in this order stays. What somebody else was faster to take is neither
    gone by this nor stays.
    """
    lock_access()
    stays = _last_admin(revocations)
    ids = [one.assignment.id for one in revocations if one.assignment.id not in stays]
    gone = frozenset(_delete(RoleAssignment, ids))
    for one in revocations:
        if one.assignment.id in gone:
            detail = assignment_detail(one.assignment, way, one.reason)
            record(one.actor, Action.ROLE_REMOVED, _target_of(one.assignment), **detail)
    return Revoked(gone, stays)


def end_memberships(membership_ids: Collection[UUID]) -> frozenset[UUID]:
    """End memberships of groups; gives those that are gone by it. The entries are the caller's."""
    lock_access()
    return frozenset(_delete(GroupMembership, membership_ids))


def grant_instead(
    actor: Actor, left: Iterable[RoleAssignment], role: Role, *, way: Way, target: str
) -> int:
    """Give `role` to those who held something else, where they held it and with the same end.

    Call `lock_access` first. `left` is what they hold no more; of it nothing is given again that
    was over, or that they hold already. Gives how many got it. Raises `Invalid`, `ExclusiveRoles`
    or `SecondPersonNeeded`, about `target`.
    """
    wanted = {_spot(each): each for each in left if not _is_over(each)}
    if not wanted:
        return 0
    for folder_id in {each.folder_id for each in wanted.values()}:
        check_place(role, folder_id)
    check_exclusive(actor, _people_of(wanted.values()), {role.key}, target)
    require_alone_to_give(actor, [role], target)
    held = _clear(role, wanted.keys())
    made = [_copy(actor, each, role, way) for spot, each in wanted.items() if spot not in held]
    db.session.add_all(made)
    for each in made:
        detail = new_assignment_detail(each, way, each.reason)
        record(actor, Action.ROLE_ASSIGNED, _target_of(each), **detail)
    db.session.flush()
    return len(made)


def batches(all_of_them: Sequence[T]) -> Iterator[Sequence[T]]:
    """A long list in parts that one statement can name."""
    for start in range(0, len(all_of_them), AT_ONCE):
        yield all_of_them[start : start + AT_ONCE]


def _last_admin(revocations: Iterable[Revocation]) -> frozenset[UUID]:
    admins, stays = set(list_lasting_admins()), set()
    for one in revocations:
        user_id = one.assignment.user_id
        if one.assignment.role != ADMIN.key or user_id is None:
            continue
        if admins == {user_id}:
            stays.add(one.assignment.id)
        else:
            admins.discard(user_id)
    return frozenset(stays)


def _delete(
    model: type[RoleAssignment] | type[GroupMembership], ids: Iterable[UUID]
) -> Iterator[UUID]:
    for some in batches(list(ids)):
        statement = delete(model).where(model.id.in_(some)).returning(model.id)
        # By the ids that come back: else each row would be looked for among all that are loaded.
        yield from db.session.scalars(
            statement, execution_options={"synchronize_session": "fetch"}
        ).all()


def _clear(role: Role, wanted: Collection[Spot]) -> frozenset[Spot]:
    """The spots among those wanted where `role` is held. What has ended there makes room."""
    rows = db.session.scalars(select(RoleAssignment).where(RoleAssignment.role == role.key)).all()
    there = [row for row in rows if _spot(row) in wanted]
    over = frozenset(_delete(RoleAssignment, [row.id for row in there if _is_over(row)]))
    return frozenset(_spot(row) for row in there if row.id not in over)


def _copy(actor: Actor, left: RoleAssignment, role: Role, way: Way) -> RoleAssignment:
    return RoleAssignment(
        id=new_id(),
        user_id=left.user_id,
        group_id=left.group_id,
        role=role.key,
        folder_id=left.folder_id,
        reason=left.reason,
        granted_by=actor.user_id,
        way=way,
        is_from_claim=left.is_from_claim,  # such a one ends with the claim
        expires_at=left.expires_at,
    )


def _people_of(assignments: Iterable[RoleAssignment]) -> frozenset[UUID]:
    """All whom roles come down to, be it through groups."""
    given = list(assignments)
    groups = sorted({each.group_id for each in given if each.group_id})
    inside: set[UUID] = set()
    for some in batches(groups):
        statement = select(GroupMembership.user_id).where(GroupMembership.group_id.in_(some))
        inside.update(db.session.scalars(statement))
    return frozenset(inside | {each.user_id for each in given if each.user_id})


def _spot(assignment: RoleAssignment) -> Spot:
    return assignment.user_id, assignment.group_id, assignment.folder_id


def _is_over(assignment: RoleAssignment) -> bool:
    return assignment.expires_at is not None and assignment.expires_at <= clock.now()


def _target_of(assignment: RoleAssignment) -> str:
    holder = assignment.user_id or assignment.group_id
    return f"user:{holder}" if assignment.user_id else f"group:{holder}"
