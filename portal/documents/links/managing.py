"""Who looks after a sharing link: whoever made it, whoever may share the folder that it leads to,
and those who see to all links.
"""

from dataclasses import dataclass
from uuid import UUID

from portal.access.decision import decide, require
from portal.access.permissions import Permission
from portal.audit.actor import Actor
from portal.core.errors import NotFound
from portal.documents.links.models import SharingLink
from portal.documents.places import Place, get_place
from portal.documents.queries import find_anywhere
from portal.tenancy.binding import bound_tenant_id
from portal.tenancy.session import db


@dataclass(frozen=True, slots=True)
class LocatedLink:
    """A link and where the thing lies that it leads to."""

    link: SharingLink
    place: Place


def get_link(link_id: UUID) -> LocatedLink:
    """A link; access is the caller's to decide. Raises `NotFound`."""
    link = db.session.get(SharingLink, (bound_tenant_id(), link_id), populate_existing=True)
    if link is None:
        raise NotFound
    return LocatedLink(link, place_of(link))


def place_of(link: SharingLink) -> Place:
    """Where the thing lies, in the trash or not. Raises `NotFound`."""
    if link.document_id is not None:
        return find_anywhere(link.document_id).place
    return get_place(link.folder_id)


def get_visible_link(actor: Actor, link_id: UUID) -> LocatedLink:
    """A link that the actor may see. Raises `NotFound`."""
    located = get_link(link_id)
    if not (manages(actor, located) or decide(actor, Permission.LINK_READ)):
        raise NotFound
    return located


def get_managed_link(actor: Actor, link_id: UUID) -> LocatedLink:
    """A link that the actor may revoke. Raises `NotFound`; `Forbidden` where they only see it."""
    located = get_visible_link(actor, link_id)
    if not manages(actor, located):
        require(actor, Permission.LINK_REVOKE, located.place.target(f"link:{link_id}"))
    return located


def manages(actor: Actor, located: LocatedLink) -> bool:
    """Whether a link is the actor's own, or leads into what they may share."""
    if actor.user_id == located.link.created_by or decide(actor, Permission.LINK_REVOKE):
        return True
    return bool(located.place.folders) and decide(
        actor, Permission.FOLDER_SHARE, located.place.target()
    )
