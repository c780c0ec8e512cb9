"""Destinations as an officer keeps them: made, tested, started, stopped, changed and deleted.

Nothing goes to one that is not started, but a test. A change stops it, so that whatever the log is
sent to was started as it is.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

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
from portal.auth.destinations import messages
from portal.auth.destinations.chosen import Chosen, check
from portal.auth.destinations.kinds import Kind
from portal.auth.destinations.models import LogDestination
from portal.auth.destinations.places import written
from portal.auth.destinations.queries import get_own
from portal.auth.destinations.sending import receiver_of, send
from portal.auth.destinations.state import target_of
from portal.auth.destinations.taking import NotTaken
from portal.auth.destinations.ways import object_store, webhook
from portal.auth.fresh import require_fresh
from portal.core import clock
from portal.core.errors import Conflict, Invalid, Misconfigured
from portal.core.ids import new_id
from portal.tenancy.session import db

MOST_DESTINATIONS = 20


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of a test: `said` is a line of our own, `shown` what the destination said."""

    is_taken: bool
    said: str
    shown: str = ""


def create_destination(actor: Actor, chosen: Chosen) -> LogDestination:
    """Make a destination, which is not started yet. A webhook's secret is made with it.

    Raises `Forbidden`, `StepUpNeeded`, `Invalid` or `Conflict`.
    """
    _require(actor)
    _check(chosen)
    if len(db.session.scalars(select(LogDestination.id)).all()) >= MOST_DESTINATIONS:
        raise Conflict(f"There are {MOST_DESTINATIONS} already: delete one first.")
    if chosen.kind == Kind.OBJECT_STORE and not chosen.secret:
        raise Invalid("The secret of the access key is missing.")
    made = LogDestination(id=new_id(), kind=chosen.kind, created_by=actor.user_id)
    made.secret = webhook.new_secret() if chosen.kind == Kind.WEBHOOK else chosen.secret
    made.next_number = made.sent_number = (
        first_number() if chosen.from_beginning else count_leaves()
    )
    _fill_in(made, chosen)
    db.session.add(made)
    _flush()
    record(actor, Action.DESTINATION_CREATED, target_of(made.id), **_detail(made))
    return made


def change_destination(actor: Actor, destination_id: UUID, chosen: Chosen) -> LogDestination:
    """Have a destination be somewhere else, or get something else. It is stopped by that.

    Raises `Forbidden`, `StepUpNeeded`, `NotFound`, `Invalid` or `Conflict`.
    """
    _require(actor)
    found = get_own(destination_id)
    _check(chosen)
    if chosen.kind != found.kind:
        raise Invalid("A destination stays of its kind.")
    if chosen.secret and chosen.kind == Kind.OBJECT_STORE:
        found.secret = chosen.secret
    if chosen.entry_form and not found.entry_form:
        found.next_number = found.sent_number = count_leaves()
    _fill_in(found, chosen)
    _stop(found)
    _flush()
    record(actor, Action.DESTINATION_CHANGED, target_of(found.id), **_detail(found))
    return found


def renew_secret(actor: Actor, destination_id: UUID) -> LogDestination:
    """Make another secret for a webhook, under which everything is signed from now on.

    Raises `Forbidden`, `StepUpNeeded`, `NotFound` or `Conflict`.
    """
    _require(actor)
    found = get_own(destination_id)
    if found.kind != Kind.WEBHOOK:
        raise Conflict("Only what goes to a webhook is signed by a secret.")
    found.secret = webhook.new_secret()
    record(actor, Action.DESTINATION_CHANGED, target_of(found.id), what="secret")
    return found


def delete_destination(actor: Actor, destination_id: UUID) -> None:
    """Send nothing there any more, and forget it. Raises `Forbidden`, `StepUpNeeded` or
    `NotFound`.
    """
    _require(actor)
    found = get_own(destination_id)
    _stop(found)
    db.session.delete(found)
    record(actor, Action.DESTINATION_DELETED, target_of(found.id), **_detail(found))


def start_destination(actor: Actor, destination_id: UUID, reason: str = "") -> PendingAct | None:
    """Begin to send, or ask for a second person where entries are to go out and the tenant wants
    two for that.

    Raises `Forbidden`, `StepUpNeeded`, `NotFound`, `NobodyElse` or `Conflict`.
    """
    _require(actor)
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
    _require(actor)
    found = get_own(destination_id)
    if not found.is_started:
        raise Conflict("It is stopped already.")
    _stop(found)
    record(actor, Action.DESTINATION_STOPPED, target_of(found.id))


def restart_stream(actor: Actor, destination_id: UUID, number: int) -> bool:
    """Have a stream go on from an entry of this number; whether it still does so by itself.

    What is left out between is never sent; what was sent before is sent again. Where the tenant
    wants two people for sending entries, they agreed to those from a number on: to go back stops
    it, to be started anew.

    Raises `Forbidden`, `StepUpNeeded`, `NotFound`, `Invalid` or `Conflict`.
    """
    _require(actor)
    found = get_own(destination_id)
    if not found.entry_form:
        raise Conflict("It gets no entries.")
    if not first_number() <= number <= count_leaves():
        raise Invalid("The log has no entry of this number, or not any more.")
    before, found.next_number = found.next_number, number
    found.due_at, found.failures = clock.now(), 0
    if number < before and wants_second(actor, ActKind.EXPORT_LOG):
        _stop(found)
    lapse(ActKind.STREAM_LOG, target_of(found.id))
    record(actor, Action.DESTINATION_RESTARTED, target_of(found.id), before=before, after=number)
    return found.is_started


def try_destination(actor: Actor, destination_id: UUID) -> Tried:
    """Send something that tells nothing, and see what is answered.

    Raises `Forbidden`, `StepUpNeeded` or `NotFound`.
    """
    _require(actor)
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


def _require(actor: Actor) -> None:
    require(actor, Permission.AUDIT_EXPORT)
    require_fresh(actor, Act.EXPORTS)


def _check(chosen: Chosen) -> None:
    check(chosen)
    if chosen.kind == Kind.OBJECT_STORE:
        try:
            object_store.require_installed()
        except Misconfigured as error:
            raise Conflict(str(error)) from None


def _fill_in(destination: LogDestination, chosen: Chosen) -> None:
    destination.name = chosen.name.strip()
    destination.place_text = written(chosen.place)
    destination.rhythm = chosen.rhythm
    destination.entry_form = chosen.entry_form
    destination.wants_alerts = chosen.wants_alerts


def _start(actor: Actor, found: LogDestination, **agreed: Any) -> None:
    found.is_started = True
    found.next_number = max(found.next_number, first_number())  # what was pruned can't be sent
    found.due_at, found.failures = clock.now(), 0
    record(actor, Action.DESTINATION_STARTED, target_of(found.id), **agreed)


def _stop(found: LogDestination) -> None:
    """What waits for a second person was about what it was."""
    found.is_started = False
    lapse(ActKind.STREAM_LOG, target_of(found.id))


def _detail(found: LogDestination) -> dict[str, Any]:
    """Not where it is: an address may be somebody's, or a secret by itself."""
    return {
        "kind": found.kind,
        "checkpoints": found.rhythm,
        "form": found.entry_form,
        "alerts": found.wants_alerts,
    }


def _flush() -> None:
    try:
        db.session.flush()
    except IntegrityError:
        raise Conflict("There is a destination of this name already.") from None
