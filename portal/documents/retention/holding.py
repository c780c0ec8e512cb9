"""Placing legal holds, and releasing them.

A hold changes nothing that anybody else sees: deleting works as ever, and what is deleted is gone
from every page. It is just not destroyed. So no entry of the log says what a hold is on, and no
refusal comes from one.
"""

from typing import Any
from uuid import UUID

from sqlalchemy import select, update

from portal.access.approvals.kinds import Kind
from portal.access.approvals.models import PendingAct
from portal.access.approvals.service import ask, wants_second
from portal.access.decision import Forbidden, Target, require
from portal.access.permissions import Permission
from portal.audit.actions import Action
from portal.audit.actor import Actor
from portal.audit.service import record
from portal.auth.assurance import Act
from portal.auth.closing.queries import find_end
from portal.auth.fresh import require_fresh
from portal.core import clock
from portal.core.errors import Conflict, Invalid
from portal.core.ids import new_id
from portal.documents.places import get_place
from portal.documents.queries import find_anywhere
from portal.documents.retention.holds import anchors_of, get_hold, is_on
from portal.documents.retention.locking import lock_retention_as
from portal.documents.retention.models import Anchor, AnchorKind, LegalHold
from portal.documents.retention.things import Thing
from portal.tenancy.session import change, db
from portal.users.queries import get_user

MAX_MATTER, MAX_REASON = 200, 2000


class OwnHold(Forbidden):
    """Nobody releases what holds themselves."""

    message = "This hold is on you. Somebody else has to release it."


def place_hold(actor: Actor, thing: Thing, matter: str, reason: str) -> LegalHold:
    """Keep all that a person has to do with, a folder with all beneath it, or a document.

    Raises `Forbidden`, `StepUpNeeded`, `NotFound`, `Invalid`, or `Conflict` where it is held for
    that matter already, or the organisation closes: it may have begun to while this waited for its
    turn.
    """
    actor = lock_retention_as(actor)
    require(actor, Permission.HOLD_EDIT)
    require_fresh(actor, Act.RETENTION)
    matter, reason = _said(matter, "the matter", MAX_MATTER), _said(reason, "why", MAX_REASON)
    if find_end() is not None:
        raise Conflict("This organisation is closing. Nothing can be held any more.")
    _check_there(thing)
    if matter in _matters_of(thing):
        raise Conflict("This is held for that matter already.")
    hold = LegalHold(
        id=new_id(), matter=matter, reason=reason, release_reason="", placed_by=actor.user_id
    )
    db.session.add(hold)
    db.session.flush()
    db.session.add(Anchor(hold_id=hold.id, kind=thing.kind, thing_id=thing.id, is_carried=False))
    record(actor, Action.HOLD_PLACED, f"hold:{hold.id}")
    return hold


def release_hold(actor: Actor, hold_id: UUID, reason: str) -> PendingAct | None:
    """Let go what a hold keeps. What was to be deleted meanwhile is destroyed by the next run.

    Where two people have to agree, it holds on until the second one does: gives the act that
    waits. Raises `Forbidden`, `OwnHold`, `StepUpNeeded`, `NotFound`, `Invalid` or `Conflict`.
    """
    _require_to_release(actor, hold_id)
    require_fresh(actor, Act.RETENTION)
    hold = _get_live(hold_id)
    hold.release_reason = _said(reason, "why", MAX_REASON)
    if wants_second(actor, Kind.RELEASE_HOLD):
        return ask(actor, Kind.RELEASE_HOLD, f"hold:{hold_id}", {})
    db.session.flush()
    _release(actor, hold_id)
    return None


def require_to_release(actor: Actor, act: PendingAct) -> None:
    """Raises `Forbidden` or `OwnHold` unless `actor` may release the hold of an act."""
    _require_to_release(actor, _hold_in(act))


def release_agreed(actor: Actor, act: PendingAct) -> None:
    """Release the hold that two people agreed to release. Raises `Conflict`."""
    _release(actor, _hold_in(act), **act.consent.detail())


def _release(actor: Actor, hold_id: UUID, **agreed: Any) -> None:
    released = change(
        update(LegalHold)
        .where(LegalHold.id == hold_id, LegalHold.released_at.is_(None))
        .values(released_at=clock.now(), released_by=actor.user_id)
        .execution_options(synchronize_session=False)
    )
    if not released:
        raise Conflict("This hold has been released already.")
    record(actor, Action.HOLD_RELEASED, f"hold:{hold_id}", **agreed)


def _require_to_release(actor: Actor, hold_id: UUID) -> None:
    target = Target(f"hold:{hold_id}")
    require(actor, Permission.HOLD_EDIT, target)
    if is_on(anchors_of(hold_id), actor):
        raise OwnHold(Permission.HOLD_EDIT, target)


def _matters_of(thing: Thing) -> set[str]:
    """For what a thing is held by itself, and not with a person or with a folder above."""
    own = select(Anchor.hold_id).where(
        Anchor.kind == thing.kind, Anchor.thing_id == thing.id, Anchor.is_carried.is_(False)
    )
    live = select(LegalHold).where(LegalHold.id.in_(own), LegalHold.released_at.is_(None))
    return {hold.matter for hold in db.session.scalars(live)}


def _check_there(thing: Thing) -> None:
    if thing.kind == AnchorKind.USER:
        get_user(thing.id)
    elif thing.kind == AnchorKind.FOLDER:
        get_place(thing.id)
    else:
        find_anywhere(thing.id)


def _said(text: str, what: str, longest: int) -> str:
    text = text.strip()
    if not text:
        raise Invalid(f"Say {what}.")
    if len(text) > longest:
        raise Invalid(f"Say {what} in {longest} characters at most.")
    return text


def _get_live(hold_id: UUID) -> LegalHold:
    hold = get_hold(hold_id)
    if hold.released_at is not None:
        raise Conflict("This hold has been released already.")
    return hold


def _hold_in(act: PendingAct) -> UUID:
    return UUID(act.target.partition(":")[2])
