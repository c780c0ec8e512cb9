"""Whoever decides what is destroyed and whoever changes what that is decided on take turns.

A hold that is placed while the worker deletes must find the document kept or gone, never half; and
what is moved out of a held folder at that moment must not slip through. Moves and restorings are
many and don't disturb each other, so they share the lock; it is taken before any row. Where roles
change in the same transaction, the lock of all changes of access is taken before this one.
"""

from portal.access.locking import as_held_now
from portal.audit.actor import Actor
from portal.tenancy.turns import share_turn, take_turn

RETENTION = "retention"


def lock_retention() -> None:
    """Have all others wait until the present transaction ends."""
    take_turn(RETENTION)


def lock_retention_as(actor: Actor) -> Actor:
    """Take the lock, and give `actor` with what they hold then: it decides what they may do.

    What they came with was read before they waited, maybe for a run, and may have been taken away.
    """
    lock_retention()
    return as_held_now(actor)


def share_retention() -> None:
    """Wait for whoever holds `lock_retention`, and keep them waiting; not one's like."""
    share_turn(RETENTION)
