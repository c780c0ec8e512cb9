"""Separation of duties: roles that one person may not hold together."""

from collections.abc import Collection, Iterable, Iterator, Set
from uuid import UUID

from sqlalchemy import Row, select

from portal.access.decision import Member, decide
from portal.access.models import ExclusiveRolePair
from portal.access.permissions import EXCLUSIVE, OVERSIGHT, POWER, Permission, Role
from portal.access.queries import find_group_giving, roles_held_by
from portal.access.roles import get_role, list_live_roles
from portal.audit.actor import Actor
from portal.audit.service import RecordedRefusal
from portal.tenancy.session import db
from portal.users.queries import names_of

Pair = frozenset[str]

NOT_TOLD = (
    "Together with what is held already, this would break a rule about roles that nobody may hold "
    "at the same time. Ask an admin."
)


class ExclusiveRoles(RecordedRefusal):
    """Two roles that one person may not hold together."""

    status = 409


def list_exclusive_pairs() -> frozenset[Pair]:
    """The pairs of roles, by their keys, that nobody may hold together.

    The built-in ones, the tenant's own, and those of its own roles that would let somebody watch
    over their own acts: a copy of Auditor is as far from an admin as Auditor itself.
    """
    chosen = db.session.execute(select(ExclusiveRolePair.first_role, ExclusiveRolePair.second_role))
    own = {frozenset({first, second}) for first, second in chosen}
    return EXCLUSIVE | own | frozenset(_by_what_they_allow(list_live_roles().values()))


def check_exclusive(actor: Actor, people: Collection[UUID], roles: Set[str], target: str) -> None:
    """Raises `ExclusiveRoles` where one of these people can't hold `roles` with what they hold.

    What is held counts by whatever way it came, through groups too, and while it is expired. Who
    it is and what they hold is told to an `actor` who may see that; else the log alone tells.
    Call `lock_access` first.
    """
    pairs = sorted((pair for pair in list_exclusive_pairs() if pair & roles), key=sorted)
    if not pairs or not people:
        return
    held_by = roles_held_by(people)
    for user_id in sorted(people):
        for pair in pairs:
            if pair <= held_by.get(user_id, frozenset()) | roles:
                raise _conflict(actor, user_id, pair, roles, target)


def _by_what_they_allow(roles: Iterable[Role]) -> Iterator[Pair]:
    """Among roles of which none does it alone: see `role_rules`."""
    roles = list(roles)
    powerful = [role for role in roles if role.permissions & POWER]
    for watching in (role for role in roles if role.permissions & OVERSIGHT):
        yield from (frozenset({watching.key, other.key}) for other in powerful)


def _conflict(
    actor: Actor, user_id: UUID, pair: Pair, roles: Set[str], target: str
) -> ExclusiveRoles:
    giving = find_group_giving(user_id, pair - roles)
    may_see = not isinstance(actor, Member) or decide(actor, Permission.MEMBER_READ)
    return ExclusiveRoles(
        target,
        _in_words(user_id, pair, giving) if may_see else NOT_TOLD,
        role=min(pair & roles),
        conflicts_with=max(pair - roles or pair),
        person=str(user_id),
        group=str(giving.id) if giving else None,
    )


def _in_words(user_id: UUID, pair: Pair, giving: Row[UUID, str, str] | None) -> str:
    named = {key: get_role(key).name for key in pair}
    first, second = sorted(named.values())
    who = names_of([user_id]).get(user_id, "Somebody")
    message = f"Nobody can be {first} and {second} at the same time, and {who} would be."
    if giving is not None:
        message += f" {named[giving.role]} comes through the group “{giving.name}”."
    return message
