"""Reading links: the lists of them, one with what was done by it, and how many lead to a thing."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select, true

from portal.access.decision import ORGANISATION, Forbidden, decide, holds_anywhere, require
from portal.access.permissions import Permission
from portal.audit.actor import Actor
from portal.core import clock
from portal.documents.gone import is_gone
from portal.documents.links.kinds import Kind
from portal.documents.links.managing import get_visible_link, manages
from portal.documents.links.models import LinkUse, SharingLink
from portal.documents.links.policy import get_rules
from portal.documents.models import Document
from portal.documents.places import TOP, Place, list_places
from portal.tenancy.session import db
from portal.users.queries import names_of

PAGE_SIZE = 50


class State(StrEnum):
    """Whether a link works."""

    LIVE = "live"
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
    names = _names(actor, {use.document_id for use in uses if use.document_id})
    [listed] = _listed(actor, [located.link])
    is_live, is_managed = listed.state in (State.LIVE, State.USED_UP), manages(actor, located)
    people = names_of([located.link.revoked_by] if located.link.revoked_by else [])
    return ShownLink(
        listed,
        located.place.seen_by(actor, Permission.DOCUMENT_READ),
        [ListedUse(use, _name_in(use, names)) for use in uses],
        uses[-1].id if len(rows) > PAGE_SIZE else None,
        people.get(located.link.revoked_by, "") if located.link.revoked_by else "",
        can_revoke=is_live and is_managed,
        can_change=is_live
        and is_managed
        and decide(actor, Permission.LINK_CREATE, located.place.target()),
        latest_end=get_rules().latest_end,
    )


def state_of(link: SharingLink) -> State:
    """Whether a link works, as far as the link itself says."""
    if link.revoked_at is not None:
        return State.REVOKED
    if link.expires_at <= clock.now():
        return State.EXPIRED
    is_used_up = link.max_uses is not None and link.uses >= link.max_uses
    return State.USED_UP if is_used_up else State.LIVE


def _list(actor: Actor, before: UUID | None, **which: UUID | None) -> Links:
    statement = select(SharingLink).filter_by(**which)
    if before is not None:
        statement = statement.where(SharingLink.id < before)
    rows = db.session.scalars(statement.order_by(SharingLink.id.desc()).limit(PAGE_SIZE + 1)).all()
    links = rows[:PAGE_SIZE]
    return Links(_listed(actor, links), links[-1].id if len(rows) > PAGE_SIZE else None)


def _listed(actor: Actor, links: Sequence[SharingLink]) -> Sequence[ListedLink]:
    names = _names(
        actor,
        {link.document_id for link in links if link.document_id},
        {link.folder_id for link in links if link.folder_id},
    )
    people = names_of({link.created_by for link in links})
    return [
        ListedLink(
            link,
            names.get(link.document_id or link.folder_id, ""),  # type: ignore[arg-type]
            state_of(link),
            people.get(link.created_by, ""),
        )
        for link in links
    ]


def _name_in(use: LinkUse, names: Mapping[UUID, str]) -> str:
    if use.file_name_sealed is not None:
        return use.file_name
    return names.get(use.document_id, "") if use.document_id else ""


def _names(
    actor: Actor, document_ids: set[UUID], folder_ids: set[UUID] | None = None
) -> Mapping[UUID, str]:
    """What those of them are called that the actor may know by name, in two statements. What is
    gone has no name any more, be it kept or not.
    """
    rows = (
        db.session.execute(
            select(Document.id, Document.name_sealed, Document.folder_id).where(
                Document.id.in_(document_ids), is_gone(clock.now()).is_not(true())
            )
        ).all()
        if document_ids
        else []
    )
    wanted = {row[2] for row in rows if row[2]} | (folder_ids or set())
    places = list_places(wanted)
    sees_all = decide(actor, Permission.AUDIT_READ)

    def is_known(place: Place) -> bool:
        return sees_all or decide(actor, Permission.DOCUMENT_READ, place.target())

    names = {
        folder_id: places[folder_id].folders[0].name
        for folder_id in folder_ids or ()
        if is_known(places[folder_id])
    }
    return names | {
        document_id: Document.name.open(document_id, sealed)
        for document_id, sealed, folder_id in rows
        if is_known(places[folder_id] if folder_id else TOP)
    }
