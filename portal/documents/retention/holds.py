"""Legal holds, for those who may know of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from portal.access.approvals.kinds import Kind
from portal.access.approvals.models import PendingAct
from portal.access.approvals.queries import find_waiting
from portal.access.decision import Target, require
from portal.access.permissions import Permission
from portal.audit.actor import Actor
from portal.core.errors import NotFound
from portal.documents.retention.models import Anchor, LegalHold
from portal.documents.retention.things import names_of_things
from portal.tenancy.binding import bound_tenant_id
from portal.tenancy.session import db
from portal.users.queries import names_of


@dataclass(frozen=True, slots=True)
class ListedHold:
    """A hold as the list shows it: `on` is what it was placed on, and what was carried away."""

    id: UUID
    matter: str
    on: Sequence[str]
    placed_at: datetime
    released_at: datetime | None


@dataclass(frozen=True, slots=True)
class ShownHold:
    """One hold in full, with the names of the people involved, and the release that waits; and
    whether it is on the reader, who can't release it then.
    """

    hold: LegalHold
    anchors: Sequence[Anchor]
    names: Mapping[UUID, str]
    people: Mapping[UUID, str]
    waiting: PendingAct | None
    is_own: bool


def list_holds(actor: Actor) -> Sequence[ListedHold]:
    """Every hold, those that hold first, the latest first. Raises `Forbidden`."""
    require(actor, Permission.HOLD_EDIT)
    holds = db.session.scalars(select(LegalHold).order_by(LegalHold.id.desc())).all()
    anchors = db.session.scalars(
        select(Anchor).where(Anchor.hold_id.is_not(None)).order_by(Anchor.id)
    ).all()
    names = names_of_things(anchors)
    on: dict[UUID | None, list[str]] = {}
    for anchor in anchors:
        on.setdefault(anchor.hold_id, []).append(names[anchor.thing_id])
    listed = [
        ListedHold(hold.id, hold.matter, on.get(hold.id, []), hold.placed_at, hold.released_at)
        for hold in holds
    ]
    return sorted(listed, key=lambda hold: hold.released_at is not None)


def show_hold(actor: Actor, hold_id: UUID) -> ShownHold:
    """One hold. Raises `Forbidden` or `NotFound`."""
    require(actor, Permission.HOLD_EDIT, Target(f"hold:{hold_id}"))
    hold = get_hold(hold_id)
    anchors = anchors_of(hold_id)
    people = names_of({id_ for id_ in (hold.placed_by, hold.released_by) if id_})
    waiting = find_waiting(Kind.RELEASE_HOLD, f"hold:{hold_id}")
    is_own = is_on(anchors, actor)
    return ShownHold(hold, anchors, names_of_things(anchors), people, waiting, is_own)


def get_hold(hold_id: UUID) -> LegalHold:
    """One hold; access is the caller's to decide. Raises `NotFound`."""
    hold = db.session.get(LegalHold, (bound_tenant_id(), hold_id))
    if hold is None:
        raise NotFound
    return hold


def is_on(anchors: Sequence[Anchor], actor: Actor) -> bool:
    """Whether a hold is on the actor themselves."""
    return actor.user_id in {anchor.thing_id for anchor in anchors}


def anchors_of(hold_id: UUID) -> Sequence[Anchor]:
    """What a hold is on, in the order in which it came to be."""
    return db.session.scalars(
        select(Anchor).where(Anchor.hold_id == hold_id).order_by(Anchor.id)
    ).all()
