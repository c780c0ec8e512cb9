"""Whether a link still works: by its own terms, and by what its maker may do now."""

from uuid import UUID

from sqlalchemy import or_, update

from portal.access.decision import Forbidden, Member
from portal.access.people import find_actor
from portal.core import clock
from portal.core.errors import NotFound
from portal.documents.links.kinds import Kind
from portal.documents.links.models import SharingLink
from portal.documents.links.rights import require_to_share
from portal.documents.links.uses import LinkRefused
from portal.documents.places import Place
from portal.tenancy.binding import bound_tenant_id
from portal.tenancy.session import change, db

NOTHING_HERE = "There is nothing here. Open the address that you were sent once more."
CLOSED = {
    "revoked": "This link was ended by whoever shared it, or by their organisation.",
    "expired": "This link has expired. Ask whoever sent it to you for another one.",
    "used-up": "This link was used as often as it may be.",
    "not-shared": "What this link led to is not shared any more.",
}


class LinkClosed(LinkRefused):
    """The link has ended, or leads to nothing any more. Told to who holds its secret alone."""

    status = 410


def _closed(link_id: UUID, reason: str) -> LinkClosed:
    """The refusal of a link that does not work any more."""
    return LinkClosed(link_id, reason, CLOSED[reason])


def check_open(link: SharingLink, *, is_inside: bool = False) -> None:
    """Raises `LinkClosed`. Whoever has come in by a link that is used up may go on looking, or sees
    that all has arrived; `take_use` gives them no more.
    """
    check_not_ended(link)
    is_used_up = link.max_uses is not None and link.uses >= link.max_uses
    if is_used_up and not (is_inside and link.kind in (Kind.VIEW, Kind.REQUEST)):
        raise _closed(link.id, "used-up")


def check_not_ended(link: SharingLink) -> None:
    """Raises `LinkClosed` where what a use was counted for may not go on."""
    if link.revoked_at is not None:
        raise _closed(link.id, "revoked")
    if link.expires_at <= clock.now():
        raise _closed(link.id, "expired")


def maker_of(link: SharingLink) -> tuple[Member, Place]:
    """Whoever made it, with what they hold now, and where the thing lies. Raises `LinkClosed`."""
    maker = find_actor(link.created_by)
    if maker is None:
        raise _closed(link.id, "not-shared")
    try:
        return maker, require_to_share(maker, link.kind, link.document_id, link.folder_id)
    except (NotFound, Forbidden):
        raise _closed(link.id, "not-shared") from None


def take_use(link_id: UUID) -> None:
    """Count one use for good, if there is one left: of many at once, exactly so many succeed.

    Raises `LinkClosed`, or `NotFound` where it is gone.
    """
    is_taken = change(
        update(SharingLink)
        .where(
            SharingLink.id == link_id,
            SharingLink.revoked_at.is_(None),
            SharingLink.expires_at > clock.now(),
            or_(SharingLink.max_uses.is_(None), SharingLink.uses < SharingLink.max_uses),
        )
        .values(uses=SharingLink.uses + 1)
        .execution_options(synchronize_session=False)
    )
    if not is_taken:
        check_open(read_link_again(link_id))
        raise _closed(link_id, "used-up")


def read_link_again(link_id: UUID) -> SharingLink:
    """The link as it is by now. Raises `NotFound` where it is gone, with what it led to."""
    link = db.session.get(SharingLink, (bound_tenant_id(), link_id), populate_existing=True)
    if link is None:
        raise NotFound(NOTHING_HERE)
    return link
