"""One at a time: whoever changes what people hold in a tenant."""

from dataclasses import replace

from portal.access.decision import Member
from portal.access.people import still_held
from portal.audit.actor import Actor
from portal.tenancy.turns import take_turn


def lock_access() -> None:
    """Have every other change of roles, groups and their rules in this tenant wait for this one.

    The rules that hold between rows (somebody stays admin, no two exclusive roles, nothing twice)
    are then checked against what is there and stays there. Such changes are rare, so one lock for
    all of them costs nothing, and no order of locks can be got wrong.
    """
    take_turn("access")


def lock_access_as(actor: Actor) -> Actor:
    """Take the lock, and give `actor` with what they hold then: it decides what they may do.

    What they came with was read before they waited, and may have been taken away meanwhile.
    """
    lock_access()
    return as_held_now(actor)


def as_held_now(actor: Actor) -> Actor:
    """`actor` with what is still theirs of what they came with: for who has waited for a lock."""
    return replace(actor, grants=still_held(actor)) if isinstance(actor, Member) else actor
