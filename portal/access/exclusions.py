"""The pairs of roles that a tenant itself wants nobody to hold together."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import delete, select

from portal.access.decision import Target, decide, require
from portal.access.exclusive import list_exclusive_pairs
from portal.access.locking import lock_access_as
from portal.access.models import ExclusiveRolePair
from portal.access.permissions import Permission
from portal.access.queries import holders_of
from portal.access.roles import list_live_roles
from portal.audit.actions import Action
from portal.audit.actor import Actor
from portal.audit.service import record
from portal.core.errors import Conflict, Invalid, NotFound
from portal.core.ids import new_id
from portal.tenancy.binding import bound_tenant_id
from portal.tenancy.session import change, db
from portal.users.queries import names_of

MOST_NAMED = 5  # people, in a refusal


class HeldTogether(Conflict):
    """Somebody holds both roles, so they can't be forbidden together yet."""


def list_exclusions(actor: Actor) -> Sequence[ExclusiveRolePair]:
    """The tenant's own pairs, oldest first. Raises `Forbidden`."""
    require(actor, Permission.MEMBER_READ)
    return db.session.scalars(select(ExclusiveRolePair).order_by(ExclusiveRolePair.id)).all()


def get_exclusion(actor: Actor, pair_id: UUID) -> ExclusiveRolePair:
    """One of the tenant's own pairs. Raises `Forbidden` or `NotFound`."""
    require(actor, Permission.ROLE_EDIT, Target(f"exclusion:{pair_id}"))
    pair = db.session.get(ExclusiveRolePair, (bound_tenant_id(), pair_id))
    if pair is None:
        raise NotFound
    return pair


def add_exclusion(actor: Actor, first: str, second: str) -> ExclusiveRolePair:
    """Have nobody hold these two roles together from now on.

    Raises `Forbidden`, `Invalid`, `Conflict`, or `HeldTogether` where somebody does now.
    """
    actor = lock_access_as(actor)
    require(actor, Permission.ROLE_EDIT)
    roles = list_live_roles()
    if first not in roles or second not in roles or first == second:
        raise Invalid("Choose two different roles.")
    if frozenset({first, second}) in list_exclusive_pairs():
        raise Conflict("Nobody can hold these two together already.")
    both = _holding_both(first, second)
    if both:
        raise HeldTogether(
            f"{_named_with_verb(actor, both)} both {roles[first].name} and {roles[second].name}. "
            "Take one of the two away first."
        )
    keys = sorted((first, second))
    pair = ExclusiveRolePair(
        id=new_id(), first_role=keys[0], second_role=keys[1], created_by=actor.user_id
    )
    db.session.add(pair)
    record(actor, Action.EXCLUSION_ADDED, f"exclusion:{pair.id}", roles=keys)
    return pair


def remove_exclusion(actor: Actor, pair_id: UUID) -> None:
    """Let people hold two roles together again. The built-in pairs have no id, and stay.

    Raises `Forbidden` or `NotFound`.
    """
    pair = get_exclusion(lock_access_as(actor), pair_id)
    if not change(delete(ExclusiveRolePair).where(ExclusiveRolePair.id == pair.id)):
        raise NotFound  # somebody else was faster
    keys = [pair.first_role, pair.second_role]
    record(actor, Action.EXCLUSION_REMOVED, f"exclusion:{pair.id}", roles=keys)


def _holding_both(first: str, second: str) -> frozenset[UUID]:
    """By whatever way they came to hold them."""
    of_first, of_second = (
        frozenset(db.session.scalars(holders_of([role]))) for role in (first, second)
    )
    return of_first & of_second


def _named_with_verb(actor: Actor, people: frozenset[UUID]) -> str:
    """Who it is, for those who may see the members, with the verb."""
    if not decide(actor, Permission.MEMBER_READ):
        return "Somebody is" if len(people) == 1 else f"{len(people)} people are"
    named = sorted(names_of(people).values(), key=str.casefold)
    if len(named) == 1:
        return f"{named[0]} is"
    if len(named) > MOST_NAMED:
        named = [*named[:MOST_NAMED], f"{len(people) - MOST_NAMED} more"]
    return f"{', '.join(named[:-1])} and {named[-1]} are"
