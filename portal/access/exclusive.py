"""Separation of duties: roles that one person may not hold together."""

from collections.abc import Collection, Set
from uuid import UUID

from portal.access.permissions import EXCLUSIVE
from portal.access.queries import roles_held_by
from portal.access.roles import get_role
from portal.audit.service import RecordedRefusal
from portal.users.queries import names_of

Pair = frozenset[str]


class ExclusiveRoles(RecordedRefusal):
    """Two roles that one person may not hold together."""

    status = 409


def list_exclusive_pairs() -> frozenset[Pair]:
    """The pairs of roles, by their keys, that nobody may hold together."""
    return EXCLUSIVE


def check_exclusive(people: Collection[UUID], roles: Set[str], target: str) -> None:
    """Raises `ExclusiveRoles` where one of these people can't hold `roles` with what they hold.

    What is held counts by whatever way it came, through groups too, and while it is expired.
    Call `lock_access` first.
    """
    pairs = [pair for pair in list_exclusive_pairs() if pair & roles]
    if not pairs:
        return
    held_by = roles_held_by(people)
    for user_id in sorted(people):
        for pair in pairs:
            if pair <= held_by.get(user_id, frozenset()) | roles:
                raise _conflict(user_id, pair, roles, target)


def _conflict(user_id: UUID, pair: Pair, roles: Set[str], target: str) -> ExclusiveRoles:
    first, second = sorted(get_role(key).name for key in pair)
    who = names_of([user_id]).get(user_id, "Somebody")
    return ExclusiveRoles(
        target,
        f"Nobody can be {first} and {second} at the same time, and {who} would be.",
        role=min(pair & roles),
        person=str(user_id),
    )
