"""Writing to the audit log."""

from typing import Any
from uuid import UUID

from portal.audit.actions import Action, Outcome
from portal.audit.actor import Actor
from portal.audit.tlog.adding import add_entry
from portal.core import clock
from portal.core.errors import PortalError
from portal.core.ids import new_id


def record(
    actor: Actor,
    action: Action,
    target: str,
    outcome: Outcome = Outcome.SUCCESS,
    **detail: Any,
) -> UUID:
    """Add an entry to the bound tenant's log, in the transaction of the change it tells of; gives
    its id.

    `target` is `kind:id`. `detail` holds plain JSON values, never a secret, a code, a name of a
    document or any of its content; what of it is personal (`tlog.bodies.PERSONAL`) and the address
    can be erased later. Raises `EntryTooLong`.
    """
    entry_id = new_id()
    entry = {
        "id": entry_id,
        "at": clock.now(),
        "action": str(action),
        "outcome": str(outcome),
        "actor_kind": str(actor.kind),
        "actor_id": actor.recorded_id,
        "target": target,
        "request_id": actor.request_id,
    }
    add_entry(entry, detail, actor.address)
    return entry_id


class RecordedRefusal(PortalError):
    """A refusal that brings its audit entry along.

    What was refused is rolled back, and an entry added before would go with it: so the error
    carries it out, and whoever turns the error into an answer records it in a transaction of its
    own (`web.lifecycle`, `cli`).
    """

    action = Action.ACCESS_REFUSED
    outcome = Outcome.REFUSED

    def __init__(self, target: str, message: str | None = None, **detail: Any) -> None:
        super().__init__(message)
        self.target = target
        self.detail = detail

    def record(self, actor: Actor) -> None:
        """Add the entry."""
        record(actor, self.action, self.target, self.outcome, **self.detail)
