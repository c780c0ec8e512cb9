"""Beginning to close an organisation, unless something of it is held: a legal hold wins over
everybody's wish, and once it closes nothing can be held any more.
"""

from portal.access.approvals.models import PendingAct
from portal.audit.actor import Actor
from portal.auth.closing import service
from portal.core.errors import Conflict
from portal.documents.retention.facts import list_live_holds
from portal.documents.retention.locking import lock_retention


class SomethingHeld(Conflict):
    """A legal hold is in force, which says no more to those who may not know of it."""

    message = "The organisation can't be closed at the moment. Ask its compliance officers."


def close_agreed(actor: Actor, act: PendingAct) -> None:
    """Begin the closing that two admins agree to. Raises `SomethingHeld` or `Conflict`."""
    _require_nothing_held()
    service.close_agreed(actor, act)


def agree_with_operator(actor: Actor) -> None:
    """Begin the closing that the operator asks for. Raises `SomethingHeld`, and as the service."""
    service.require_care(actor)
    _require_nothing_held()
    service.agree_with_operator(actor)


def _require_nothing_held() -> None:
    lock_retention()
    if list_live_holds():
        raise SomethingHeld
