"""How far an act that waits reaches: whom it comes to, and with what.

It is kept as it was when somebody asked. What gathers meanwhile, by one person's doing, is nothing
that a second one was shown.
"""

from collections.abc import Iterable, Set
from typing import Any
from uuid import UUID

from portal.access.approvals.models import PendingAct
from portal.access.permissions import Permission
from portal.core.errors import Conflict


class Grown(Conflict):
    """More would come of an act than was asked for."""

    message = (
        "It has changed since it was asked: more people would get something, or they would get "
        "more. Decline it; it can be asked for anew."
    )


def extent(people: Iterable[UUID], permissions: Iterable[Permission]) -> dict[str, Any]:
    """What an act keeps of whom it comes to, and with what."""
    return {"people": sorted(map(str, people)), "permissions": sorted(map(str, permissions))}


def require_not_grown(act: PendingAct, people: Set[UUID], permissions: Set[Permission]) -> None:
    """Raises `Grown` where the act would come to somebody, or to something, that it did not."""
    for name, now in extent(people, permissions).items():
        if not set(now) <= set(act.payload.get(name, ())):
            raise Grown
