"""Writing to the audit log."""

import secrets
from collections.abc import Mapping
from typing import Any

from portal.audit.actions import Action, Outcome
from portal.audit.actor import Actor
from portal.audit.models import AuditAside, AuditEntry
from portal.audit.tlog.bodies import SALT_BYTES, body_of, commitment_to, part
from portal.audit.tlog.numbering import add_leaf, note_grave, numbers_at_once
from portal.core import clock
from portal.core.errors import PortalError
from portal.core.ids import new_id
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
    document or any of its content; what of it is personal (`tlog.bodies.PERSONAL`) and the address
    can be erased later. Raises `EntryTooLong`.
    """
    entry = AuditEntry(
        id=new_id(),
        at=clock.now(),
        action=action,
        outcome=outcome,
        actor_kind=actor.kind,
        actor_id=actor.recorded_id,
        target=target,
        request_id=actor.request_id,
    )
    append(entry, detail, actor.address)


def append(entry: AuditEntry, detail: Mapping[str, Any], address: str | None) -> None:
    """Add an entry with what it tells besides, and with its number where that can be."""
    entry.told, personal = part(detail, address)
    aside = AuditAside(id=entry.id, is_waiting=not numbers_at_once())
    if personal:
        aside.salt, aside.personal = secrets.token_bytes(SALT_BYTES), personal
        entry.commitment = commitment_to(aside.salt, personal)
    body = body_of(entry)
    db.session.add_all([entry, aside])
    if aside.is_waiting:
        note_grave(entry)
    else:
        add_leaf(entry, body)


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
