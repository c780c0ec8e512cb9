"""What somebody gets by a link: a list, a content, or pictures of it with who they are burnt in."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select

from portal.access.decision import Forbidden, Member
from portal.access.permissions import Permission
from portal.audit.actions import Action
from portal.audit.actor import Actor
from portal.audit.service import record
from portal.auth.live_sessions import read_again
from portal.core import clock
from portal.core.errors import NotFound
from portal.documents.downloads import Download, open_content
from portal.documents.links.kinds import Audience, Deed, Kind
from portal.documents.links.models import SharingLink
from portal.documents.links.pictures import count_pages, draw_marked
from portal.documents.links.uses import LinkRefused, note_use
from portal.documents.links.validity import check_not_ended, maker_of, read_link_again, take_use
from portal.documents.links.visits import Visit, require_inside
from portal.documents.models import Document, DocumentVersion
from portal.documents.places import Place
from portal.documents.previews import Unshowable
from portal.documents.queries import After, Listing, find_anywhere, get_document, list_folder
from portal.tenancy.session import db


@dataclass(frozen=True, slots=True)
class Given:
    """One document of a link, as its page tells of it."""

    document_id: UUID
    name: str
    size_bytes: int
    media_type: str
    page_count: int = 0
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class _Told:
    """Of whom, and by which link, is told what is given. The link may be gone by then."""

    actor: Actor
    who: str
    link_id: UUID
    is_internal: bool

    def tell(self, action: Action, deed: Deed, document_id: UUID, **detail: Any) -> None:
        """Add the entry, and the line for the link's maker."""
        if self.is_internal:
            detail["link"] = str(self.link_id)  # the actor is whoever signed in
        record(self.actor, action, f"document:{document_id}", **detail)
        note_use(self.actor, self.link_id, deed, document_id=document_id, who=self.who)


def list_shared(visit: Visit, folder_id: UUID | None, after: After | None = None) -> Listing:
    """A page of a shared folder, or of one beneath it. Raises `NotFound` or `LinkRefused`."""
    _require_reading(visit)
    wanted = folder_id or visit.link.folder_id
    if wanted is None:
        raise NotFound
    listing = list_folder(visit.maker, wanted, after)
    if not _is_within(visit.link, listing.place):
        raise NotFound
    return listing


def describe_shared(visit: Visit, document_id: UUID) -> Given:
    """A document of the link; where it is to be viewed, of how many pictures, or why of none.

    Nothing of its content is told. Raises `NotFound`, `LinkRefused` or `TooBusy`.
    """
    _require_reading(visit)
    document, version = _find(visit.link, visit.maker, document_id)
    facts = (document.id, document.name, version.size_bytes, version.media_type)
    if visit.link.kind == Kind.DOWNLOAD:
        return Given(*facts)
    try:
        with open_content(document, version) as content:
            return Given(*facts, page_count=count_pages(content))
    except Unshowable as error:
        return Given(*facts, why_not=str(error))


def open_shared(visit: Visit, document_id: UUID, *, is_given: bool = True) -> Download:
    """Open a content to be downloaded. Its `tell` uses the link once and records it, and raises
    `LinkClosed` where it was used up meanwhile.

    Not `is_given`, it is only asked about by whoever could have it: nothing is counted. Raises
    `NotFound`, `LinkRefused`, or what `open_content` raises.
    """
    _require_reading(visit)
    if visit.link.kind != Kind.DOWNLOAD:
        raise LinkRefused(visit.link.id, "view-only", "This link shows, and gives no file.")
    document, version = _find(visit.link, visit.maker, document_id)
    told, number = _told_of(visit), version.number

    def give() -> None:
        require_still(visit.actor, told.link_id, document_id)  # seconds may have passed
        take_use(told.link_id)
        deed = Action.DOCUMENT_DOWNLOADED, Deed.DOWNLOADED
        told.tell(*deed, document_id, version=number)

    opened = open_content(document, version)
    return opened.told_by(give) if is_given else opened


def draw_shared(visit: Visit, document_id: UUID, page: int) -> bytes:
    """One page as a picture that says who was shown it and when; and record it.

    Of a link to be viewed alone: one that gives files counts these, and nothing counts pages.
    Raises `NotFound`, `LinkRefused`, `Unshowable` or `TooBusy`.
    """
    _require_reading(visit)
    if visit.link.kind != Kind.VIEW:
        raise LinkRefused(visit.link.id, "download-only", "This link gives files, and shows none.")
    document, version = _find(visit.link, visit.maker, document_id)
    told, number = _told_of(visit), version.number
    words = f"{visit.who or visit.actor.address or 'unknown'}  {clock.now():%Y-%m-%d %H:%M} UTC"
    with open_content(document, version) as content:
        picture = draw_marked(content, page, words)
    require_still(visit.actor, told.link_id, document_id)  # seconds have passed
    told.tell(Action.DOCUMENT_PREVIEWED, Deed.VIEWED, document_id, version=number, page=page)
    return picture


def require_still(actor: Actor, link_id: UUID, document_id: UUID) -> None:
    """Raises what would be raised if what is under way were begun now; uses are not counted."""
    if isinstance(actor, Member):
        read_again(actor)
    link = read_link_again(link_id)
    check_not_ended(link)
    maker, _ = maker_of(link)
    _find(link, maker, document_id)


def _require_reading(visit: Visit) -> None:
    require_inside(visit)
    if visit.link.kind == Kind.REQUEST:
        raise LinkRefused(visit.link.id, "request-only", "By this link files are sent in only.")


def _find(link: SharingLink, maker: Member, document_id: UUID) -> tuple[Document, DocumentVersion]:
    """A document that the link leads to, and the version of it. Raises `NotFound`.

    What its maker may not read is not there, whatever folder it lies in.
    """
    located = find_anywhere(document_id)
    is_meant = link.document_id == document_id or _is_within(link, located.place)
    if not is_meant:
        raise NotFound
    try:
        document = get_document(maker, document_id, Permission.DOCUMENT_READ).document
    except Forbidden:
        raise NotFound from None
    wanted = link.version_number or document.version_number
    version = db.session.scalars(
        select(DocumentVersion).where(
            DocumentVersion.document_id == document_id,
            DocumentVersion.number == wanted,
            DocumentVersion.gone_at.is_(None),
        )
    ).one_or_none()
    if version is None:
        raise NotFound
    return document, version


def _is_within(link: SharingLink, place: Place) -> bool:
    return link.folder_id is not None and link.folder_id in (f.id for f in place.folders)


def _told_of(visit: Visit) -> _Told:
    is_internal = visit.link.audience == Audience.MEMBERS
    return _Told(visit.actor, visit.who, visit.link.id, is_internal)
