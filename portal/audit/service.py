"""Writing to the audit log."""

from typing import Any

from portal.audit.actions import Action, Outcome
from portal.audit.actor import Actor
from portal.audit.models import AuditEntry
from portal.core.errors import PortalError
from portal.tenancy.session import db


def record(
    actor: Actor,
    action: Action,
    target: str,
    outcome: Outcome = Outcome.SUCCESS,
    **detail: Any,
) -> None:
    """Add an entry to the bound tenant's log, in the transaction of the change it tells of.

    `target` is `kind:id`. `detail` holds plain JSON values, never a secret, a code, a name of a
    document or any of its content.
    """
    db.session.add(
        AuditEntry(
            action=action,
            outcome=outcome,
            actor_kind=actor.kind,
            actor_id=actor.recorded_id,
            target=target,
            address=actor.address,
            request_id=actor.request_id,
            detail=detail,
        )
    )


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
