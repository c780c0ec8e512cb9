"""Destinations as an officer keeps them: made, changed and deleted.

A change stops one, so that whatever the log is sent to was started as it is.
"""

from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from portal.audit.actions import Action
from portal.audit.actor import Actor
from portal.audit.pruning import first_number
from portal.audit.service import record
from portal.audit.tlog.tiles import count_leaves
from portal.core.errors import Conflict, Invalid, Misconfigured
from portal.core.ids import new_id
from portal.destinations.chosen import Chosen, check
from portal.destinations.kinds import Kind
from portal.destinations.models import LogDestination
from portal.destinations.places import written
from portal.destinations.queries import get_own
from portal.destinations.starting import halt, require_to_manage
from portal.destinations.state import target_of
from portal.destinations.ways import object_store, webhook
from portal.tenancy.session import db

MOST_DESTINATIONS = 20


def create_destination(actor: Actor, chosen: Chosen) -> LogDestination:
    """Make a destination, which is not started yet. A webhook's secret is made with it.

    Raises `Forbidden`, `StepUpNeeded`, `Invalid` or `Conflict`.
    """
    require_to_manage(actor)
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
    require_to_manage(actor)
    found = get_own(destination_id)
    _check(chosen)
    if chosen.kind != found.kind:
        raise Invalid("A destination stays of its kind.")
    if chosen.secret and chosen.kind == Kind.OBJECT_STORE:
        found.secret = chosen.secret
    if chosen.entry_form and not found.entry_form:
        found.next_number = found.sent_number = count_leaves()
    _fill_in(found, chosen)
    halt(found)
    _flush()
    record(actor, Action.DESTINATION_CHANGED, target_of(found.id), **_detail(found))
    return found


def renew_secret(actor: Actor, destination_id: UUID) -> LogDestination:
    """Make another secret for a webhook, under which everything is signed from now on.

    Raises `Forbidden`, `StepUpNeeded`, `NotFound` or `Conflict`.
    """
    require_to_manage(actor)
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
    require_to_manage(actor)
    found = get_own(destination_id)
    halt(found)
    db.session.delete(found)
    record(actor, Action.DESTINATION_DELETED, target_of(found.id), **_detail(found))


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
