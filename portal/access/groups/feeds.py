"""Groups that a provider fills: who is in them follows from what it says at each sign-in.

Nothing is kept of somebody's own making: whoever has a claim fill a group, gives it a role, has
that last longer or has the role allow more does not come in by the claim themselves.
"""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import select

from portal.access.approvals.service import SecondPersonNeeded
from portal.access.decision import Target
from portal.access.exclusive import ExclusiveRoles, check_exclusive
from portal.access.groups.members import empty, put_in, take_out
from portal.access.groups.rules import (
    OwnGroup,
    is_inside,
    open_group,
    require_to_hand_out_all,
    roles_of,
    target_of,
)
from portal.access.locking import lock_access, lock_access_as
from portal.access.models import CustomRole, Group, GroupMembership, RoleAssignment
from portal.access.permissions import Permission
from portal.access.service import Way
from portal.audit.actions import Action, Outcome
from portal.audit.actor import Actor
from portal.audit.service import record
from portal.core.errors import Conflict, Invalid
from portal.core.texts import is_one_line
from portal.tenancy.session import db
from portal.users.models import User

CLAIM_LENGTH = 200


def feed_group(actor: Actor, group_id: UUID, provider_id: UUID, claim: str) -> None:
    """Have a provider fill a group with those for whom its groups claim holds `claim`.

    Whoever is in it leaves; who belongs comes in when they next sign in. Raises `Forbidden`,
    `OwnGroup`, `NotFound`, `Invalid` or `Conflict`.
    """
    group, claim = open_group(actor, group_id), claim.strip()
    if not claim or len(claim) > CLAIM_LENGTH or not is_one_line(claim):
        raise Invalid("Enter the group as the provider calls it, on one line.")
    same = select(Group.name).where(Group.provider_id == provider_id, Group.claim == claim)
    if name := db.session.scalars(same).first():
        raise Conflict(f"The group {name} is filled by this already.")
    _change_source(actor, group, provider_id, claim)


def fill_by_hand(actor: Actor, group_id: UUID) -> None:
    """Have no provider fill a group any more. Whoever is in it leaves.

    Raises `Forbidden`, `OwnGroup`, `NotFound` or `Conflict`.
    """
    group = open_group(actor, group_id)
    if group.provider_id is None:
        raise Conflict("This group is filled by hand already.")
    _change_source(actor, group, None, None)


def end_feeds(actor: Actor, provider_id: UUID) -> None:
    """Have a provider that goes fill nothing any more: its groups stay, with nobody in them.

    What it vouched for is vouched for by nobody then, so this takes no right beyond the provider's.
    """
    lock_access()
    for group in _fed_by(provider_id):
        _change_source(actor, group, None, None)


def answer_for_feeds(actor: Actor, provider_id: UUID) -> None:
    """Have `actor`, who changes whose word a provider's is, decide anew about all that it fills.

    Raises `Forbidden` or `OwnGroup`.
    """
    actor = lock_access_as(actor)
    for group in _fed_by(provider_id):
        if is_inside(actor, group.id):
            raise OwnGroup(Permission.GROUP_EDIT, Target(target_of(group.id)))
        require_to_hand_out_all(actor, group.id, roles_of(group.id))
        group.fed_by = actor.user_id


def leave_unclaimed(
    actor: Actor, user: User, provider_id: UUID, claims: Collection[str] = ()
) -> None:
    """Take somebody out of the groups that the provider fills and does not name any more."""
    if not _to_leave(user, provider_id, claims):
        return  # so that a sign-in by which nothing changes waits for nobody
    lock_access()
    for group in _to_leave(user, provider_id, claims):
        take_out(actor, group, [user.id], way=Way.CLAIM, provider=str(provider_id))


def join_claimed(actor: Actor, user: User, provider_id: UUID, claims: Collection[str]) -> None:
    """Put somebody into the groups that the provider names.

    One that would break a rule is left out, and that is recorded.
    """
    if not _to_join(user, provider_id, claims):
        return
    lock_access()
    for group in _to_join(user, provider_id, claims):
        if user.id in _deciders(group):
            _record_refusal(actor, group, user, "own-decision")
            continue
        try:
            check_exclusive(actor, [user.id], roles_of(group.id), target_of(group.id))
            put_in(actor, group, [user.id], way=Way.CLAIM, provider=str(provider_id))
        except ExclusiveRoles:
            _record_refusal(actor, group, user, "exclusive")
        except SecondPersonNeeded:
            _record_refusal(actor, group, user, "needs-two")


def _change_source(actor: Actor, group: Group, provider_id: UUID | None, claim: str | None) -> None:
    before = str(group.provider_id) if group.provider_id else None
    empty(actor, group, way=Way.FEED, provider=before)
    group.provider_id, group.claim = provider_id, claim
    group.fed_by = actor.user_id if provider_id else None
    db.session.flush()  # before the provider itself may go
    record(
        actor,
        Action.GROUP_CHANGED,
        target_of(group.id),
        provider=str(provider_id) if provider_id else None,
        claim=claim,
    )


def _fed_by(provider_id: UUID) -> Sequence[Group]:
    fed = select(Group).where(Group.provider_id == provider_id)
    return db.session.scalars(
        fed.order_by(Group.id).execution_options(populate_existing=True)
    ).all()


def _to_leave(user: User, provider_id: UUID, claims: Collection[str]) -> Sequence[Group]:
    seen = _seen_by(user, provider_id)
    return [group for group, is_in in seen if is_in and group.claim not in claims]


def _to_join(user: User, provider_id: UUID, claims: Collection[str]) -> Sequence[Group]:
    seen = _seen_by(user, provider_id)
    return [group for group, is_in in seen if not is_in and group.claim in claims]


def _seen_by(user: User, provider_id: UUID) -> Sequence[tuple[Group, bool]]:
    """The groups that a provider fills, and whether somebody is in them.

    Claims are compared here: a token may hold more of them than a statement can.
    """
    rows = db.session.execute(
        select(Group, GroupMembership.id)
        .outerjoin(
            GroupMembership,
            (GroupMembership.group_id == Group.id) & (GroupMembership.user_id == user.id),
        )
        .where(Group.provider_id == provider_id)
        .order_by(Group.id)
        .execution_options(populate_existing=True)  # it is asked again after waiting
    )
    return [(group, membership is not None) for group, membership in rows]


def _deciders(group: Group) -> frozenset[UUID | None]:
    """Who has decided what the group gives to whom."""
    rows = db.session.execute(
        select(RoleAssignment.granted_by, CustomRole.widened_by)
        .outerjoin(CustomRole, CustomRole.key == RoleAssignment.role)
        .where(RoleAssignment.group_id == group.id)
    )
    return frozenset(decider for row in rows for decider in row) | {group.fed_by}


def _record_refusal(actor: Actor, group: Group, user: User, reason: str) -> None:
    record(
        actor,
        Action.GROUP_MEMBER_REFUSED,
        target_of(group.id),
        Outcome.REFUSED,
        person=str(user.id),
        provider=str(group.provider_id),
        reason=reason,
    )
