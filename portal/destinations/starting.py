"""Destinations started and stopped, and from where in the log they go on.

Nothing goes to one that is not started, but a test. Where entries are to go out, the tenant may
want two people for that.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from portal.access.approvals.kinds import Kind as ActKind
from portal.access.approvals.models import PendingAct
from portal.access.approvals.service import ask, lapse, wants_second
from portal.access.decision import require
from portal.access.permissions import Permission
from portal.audit.actions import Action, Outcome
from portal.audit.actor import Actor
from portal.audit.pruning import first_number
from portal.audit.service import record
from portal.audit.tlog.tiles import count_leaves
from portal.auth.assurance import Act
from portal.auth.fresh import require_fresh
from portal.core import clock
from portal.core.errors import Conflict, Invalid
from portal.core.ids import new_id
from portal.destinations import messages
from portal.destinations.models import LogDestination
from portal.destinations.queries import get_own
from portal.destinations.sending import receiver_of, send
from portal.destinations.state import target_of
from portal.destinations.taking import NotTaken


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of a test: `said` is a line of our own, `shown` what the destination said."""

    is_taken: bool
    said: str
    shown: str = ""


def start_destination(actor: Actor, destination_id: UUID, reason: str = "") -> PendingAct | None:
    """Begin to send, or ask for a second person where entries are to go out and the tenant wants
    two for that.

    Raises `Forbidden`, `StepUpNeeded`, `NotFound`, `NobodyElse` or `Conflict`.
    """
    require_to_manage(actor)
    found = get_own(destination_id)
    if found.is_started:
        raise Conflict("It is started already.")
    if found.entry_form and wants_second(actor, ActKind.EXPORT_LOG):
        payload = {"form": found.entry_form, "first": found.next_number}
        return ask(actor, ActKind.STREAM_LOG, target_of(found.id), payload, reason)
    _start(actor, found)
    return None


def stop_destination(actor: Actor, destination_id: UUID) -> None:
    """Send nothing until it is started again; a stream then goes on where it stopped.

    Raises `Forbidden`, `StepUpNeeded`, `NotFound` or `Conflict`.
    """
    require_to_manage(actor)
    found = get_own(destination_id)
    if not found.is_started:
        raise Conflict("It is stopped already.")
    halt(found)
    record(actor, Action.DESTINATION_STOPPED, target_of(found.id))


def restart_stream(actor: Actor, destination_id: UUID, number: int) -> bool:
    """Have a stream go on from an entry of this number; whether it still does so by itself.

    What is left out between is never sent; what was sent before is sent again. Where the tenant
    wants two people for sending entries, they agreed to those from a number on: to go back stops
    it, to be started anew.

    Raises `Forbidden`, `StepUpNeeded`, `NotFound`, `Invalid` or `Conflict`.
    """
    require_to_manage(actor)
    found = get_own(destination_id)
    if not found.entry_form:
        raise Conflict("It gets no entries.")
    if not first_number() <= number <= count_leaves():
        raise Invalid("The log has no entry of this number, or not any more.")
    before, found.next_number = found.next_number, number
    found.due_at, found.failures = clock.now(), 0
    if number < before and wants_second(actor, ActKind.EXPORT_LOG):
        halt(found)
    lapse(ActKind.STREAM_LOG, target_of(found.id))
    record(actor, Action.DESTINATION_RESTARTED, target_of(found.id), before=before, after=number)
    return found.is_started


def try_destination(actor: Actor, destination_id: UUID) -> Tried:
    """Send something that tells nothing, and see what is answered.

    Raises `Forbidden`, `StepUpNeeded` or `NotFound`.
    """
    require_to_manage(actor)
    found = get_own(destination_id)
    target, receiver = target_of(found.id), receiver_of(found)
    try:
        tried = Tried(True, send(receiver, messages.of_test(new_id())))
    except NotTaken as error:
        tried = Tried(False, str(error), error.shown)
    outcome = Outcome.SUCCESS if tried.is_taken else Outcome.FAILURE
    record(actor, Action.DESTINATION_TESTED, target, outcome, said=tried.said)
    return tried


def require_to_stream(actor: Actor, _act: PendingAct) -> None:
    """Raises `Forbidden` unless `actor` may take the log out."""
    require(actor, Permission.AUDIT_EXPORT)


def start_agreed(actor: Actor, act: PendingAct) -> None:
    """Start what somebody asked to start, unless it was changed since. Raises `NotFound` or
    `Conflict`.
    """
    found = get_own(UUID(act.target.partition(":")[2]))
    if found.is_started:
        raise Conflict("It is started already.")
    _start(actor, found, **act.consent.detail())


def require_to_manage(actor: Actor) -> None:
    """Raises `Forbidden` or `StepUpNeeded` unless `actor` may say where the log goes."""
    require(actor, Permission.AUDIT_EXPORT)
    require_fresh(actor, Act.EXPORTS)


def _start(actor: Actor, found: LogDestination, **agreed: Any) -> None:
    found.is_started = True
    found.next_number = max(found.next_number, first_number())  # what was pruned can't be sent
    found.due_at, found.failures = clock.now(), 0
    record(actor, Action.DESTINATION_STARTED, target_of(found.id), **agreed)


def halt(found: LogDestination) -> None:
    """Send nothing there. What waits for a second person was about the destination as it was."""
    found.is_started = False
    lapse(ActKind.STREAM_LOG, target_of(found.id))
