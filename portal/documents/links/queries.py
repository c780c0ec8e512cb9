"""Reading links: the lists of them, one with what was done by it, and how many lead to a thing."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select, true

from portal.access.decision import ORGANISATION, Forbidden, Member, decide, holds_anywhere, require
from portal.access.people import find_actors
from portal.access.permissions import Permission
from portal.audit.actor import Actor
from portal.core import clock
from portal.documents.gone import is_gone
from portal.documents.links.kinds import Kind
from portal.documents.links.managing import get_visible_link, manages
from portal.documents.links.models import LinkUse, SharingLink
from portal.documents.links.policy import get_rules
from portal.documents.links.rights import may_share
from portal.documents.models import Document
from portal.documents.places import TOP, Place, list_places
from portal.tenancy.session import db
from portal.users.queries import names_of

PAGE_SIZE = 50


class State(StrEnum):
    """Whether a link works; and why it doesn't, for good or as things are."""

    LIVE = "live"
    IN_TRASH = "in-trash"
    NOT_SHARED = "not-shared"  # by its maker, who may not any more, or is deactivated
    USED_UP = "used-up"
    EXPIRED = "expired"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class ListedLink:
    """A link as lists show it; `name` is empty where the reader may not know it."""

    link: SharingLink
    name: str
    state: State
    maker: str


@dataclass(frozen=True, slots=True)
class Links:
    """A page of links, newest first, and the id after which to go on."""

    rows: Sequence[ListedLink]
    older: UUID | None


@dataclass(frozen=True, slots=True)
class ListedUse:
    """Something that was done by a link; `name` is the document's, where the reader may know it,
    or that of a file that was refused.
    """

    use: LinkUse
    name: str


@dataclass(frozen=True, slots=True)
class _Thing:
    """What a link leads to, or what was got by it."""

    name: str
    place: Place
    is_trashed_itself: bool

    @property
    def is_trashed(self) -> bool:
        """Whether it is in the trash, by itself or with a folder."""
        return self.is_trashed_itself or not self.place.is_live


GONE = _Thing("", TOP, is_trashed_itself=True)  # its link goes with the next run


@dataclass(frozen=True, slots=True)
class ShownLink:
    """A link's page."""

    listed: ListedLink
    place: Place
    uses: Sequence[ListedUse]
    older: UUID | None
    revoked_by: str
    can_revoke: bool
    can_change: bool
    latest_end: datetime


def list_own_links(actor: Actor, before: UUID | None = None) -> Links:
    """What the actor has shared. Raises `Forbidden`."""
    if not holds_anywhere(actor, Permission.LINK_CREATE):
        raise Forbidden(Permission.LINK_CREATE, ORGANISATION)
    return _list(actor, before, created_by=actor.user_id)


def list_all_links(actor: Actor, user_id: UUID | None = None, before: UUID | None = None) -> Links:
    """What everybody has shared, or one person. Raises `Forbidden`."""
    require(actor, Permission.LINK_READ)
    return _list(actor, before, **({"created_by": user_id} if user_id else {}))


def count_links_to(place: Place, document_id: UUID | None = None) -> int:
    """By how many links a thing is read now; to be told to whoever may see who can open it.

    A link to a folder leads to all beneath it.
    """
    ways: list[ColumnElement[bool]] = [
        SharingLink.folder_id.in_([folder.id for folder in place.folders])
    ]
    if document_id is not None:
        ways.append(SharingLink.document_id == document_id)
    counted = select(func.count()).select_from(SharingLink).where(or_(*ways), *_is_read_by())
    return db.session.scalars(counted).one()


def list_linked(folder_ids: Collection[UUID]) -> Collection[UUID]:
    """Those of the folders that are read now by a link to them."""
    linked = select(SharingLink.folder_id).where(
        SharingLink.folder_id.in_(folder_ids), *_is_read_by()
    )
    return {folder_id for folder_id in db.session.scalars(linked) if folder_id}


def _is_read_by() -> Sequence[ColumnElement[bool]]:
    return (
        SharingLink.kind != Kind.REQUEST,
        SharingLink.revoked_at.is_(None),
        SharingLink.expires_at > clock.now(),
    )


def show_link(actor: Actor, link_id: UUID, before: UUID | None = None) -> ShownLink:
    """A link, and a page of what was done by it, latest first. Raises `NotFound`."""
    located = get_visible_link(actor, link_id)
    statement = select(LinkUse).where(LinkUse.link_id == link_id)
    if before is not None:
        statement = statement.where(LinkUse.id < before)
    rows = db.session.scalars(statement.order_by(LinkUse.id.desc()).limit(PAGE_SIZE + 1)).all()
    uses = rows[:PAGE_SIZE]
    things = _find_things({use.document_id for use in uses if use.document_id}, set())
    [listed] = _listed(actor, [located.link])
    has_ended, is_managed = listed.state in (State.REVOKED, State.EXPIRED), manages(actor, located)
    people = names_of([located.link.revoked_by] if located.link.revoked_by else [])
    return ShownLink(
        listed,
        located.place.seen_by(actor, Permission.DOCUMENT_READ),
        [ListedUse(use, _name_in(actor, use, things)) for use in uses],
        uses[-1].id if len(rows) > PAGE_SIZE else None,
        people.get(located.link.revoked_by, "") if located.link.revoked_by else "",
        can_revoke=is_managed and not has_ended,
        can_change=is_managed
        and listed.state == State.LIVE
        and decide(actor, Permission.LINK_CREATE, located.place.target()),
        latest_end=get_rules().latest_end,
    )


def _list(actor: Actor, before: UUID | None, **which: UUID | None) -> Links:
    statement = select(SharingLink).filter_by(**which)
    if before is not None:
        statement = statement.where(SharingLink.id < before)
    rows = db.session.scalars(statement.order_by(SharingLink.id.desc()).limit(PAGE_SIZE + 1)).all()
    links = rows[:PAGE_SIZE]
    return Links(_listed(actor, links), links[-1].id if len(rows) > PAGE_SIZE else None)


def _listed(actor: Actor, links: Sequence[SharingLink]) -> Sequence[ListedLink]:
    things = _find_things(
        {link.document_id for link in links if link.document_id},
        {link.folder_id for link in links if link.folder_id},
    )
    makers = {link.created_by for link in links}
    active = find_actors(makers)
    others = names_of(makers - active.keys())
    listed = []
    for link in links:
        thing = things.get(link.document_id or link.folder_id, GONE)  # type: ignore[arg-type]
        maker = active.get(link.created_by)
        maker_name = maker.name if maker else others.get(link.created_by, "")
        state, name = _state_of(link, thing, maker), _known_name(actor, thing)
        listed.append(ListedLink(link, name, state, maker_name))
    return listed


def _state_of(link: SharingLink, thing: _Thing, maker: Member | None) -> State:
    """What whoever opens it would be told, but that its thing is in the trash is kept from them."""
    if link.revoked_at is not None:
        return State.REVOKED
    if link.expires_at <= clock.now():
        return State.EXPIRED
    if link.max_uses is not None and link.uses >= link.max_uses:
        return State.USED_UP
    if thing.is_trashed:
        return State.IN_TRASH
    if maker is None or not may_share(maker, link.kind, thing.place):
        return State.NOT_SHARED
    return State.LIVE


def _name_in(actor: Actor, use: LinkUse, things: Mapping[UUID, _Thing]) -> str:
    if use.file_name_sealed is not None:
        return use.file_name
    thing = things.get(use.document_id) if use.document_id else None
    return _known_name(actor, thing) if thing else ""


def _known_name(actor: Actor, thing: _Thing) -> str:
    is_known = decide(actor, Permission.AUDIT_READ) or decide(
        actor, Permission.DOCUMENT_READ, thing.place.target()
    )
    return thing.name if is_known else ""


def _find_things(document_ids: set[UUID], folder_ids: set[UUID]) -> Mapping[UUID, _Thing]:
    """Documents and folders that are not gone, in two statements."""
    columns = (Document.id, Document.name_sealed, Document.folder_id, Document.trashed_at)
    is_there = is_gone(clock.now()).is_not(true())
    found = select(*columns).where(Document.id.in_(document_ids), is_there)
    rows = db.session.execute(found).all() if document_ids else []
    places = list_places({row[2] for row in rows if row[2]} | folder_ids)
    folders = (places[folder_id] for folder_id in folder_ids)
    things = {place.folders[0].id: _Thing(place.folders[0].name, place, False) for place in folders}
    for document_id, sealed, folder_id, trashed_at in rows:
        place = places[folder_id] if folder_id else TOP
        name = Document.name.open(document_id, sealed)
        things[document_id] = _Thing(name, place, trashed_at is not None)
    return things
