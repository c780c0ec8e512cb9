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
class Led:
    """A link and where the thing lies that it leads to."""

    link: SharingLink
    place: Place


def find_led(link_id: UUID) -> Led:
    """A link; access is the caller's to decide. Raises `NotFound`."""
    link = db.session.get(SharingLink, (bound_tenant_id(), link_id), populate_existing=True)
    if link is None:
        raise NotFound
    return Led(link, place_of(link))


def place_of(link: SharingLink) -> Place:
    """Where the thing lies, in the trash or not. Raises `NotFound`."""
    if link.document_id is not None:
        return find_anywhere(link.document_id).place
    return get_place(link.folder_id)


def get_seen(actor: Actor, link_id: UUID) -> Led:
    """A link that the actor may see. Raises `NotFound`."""
    led = find_led(link_id)
    if not (manages(actor, led) or decide(actor, Permission.LINK_READ)):
        raise NotFound
    return led


def get_managed(actor: Actor, link_id: UUID) -> Led:
    """A link that the actor may revoke. Raises `NotFound`; `Forbidden` where they only see it."""
    led = get_seen(actor, link_id)
    if not manages(actor, led):
        require(actor, Permission.LINK_REVOKE, led.place.target(f"link:{link_id}"))
    return led


def manages(actor: Actor, led: Led) -> bool:
    """Whether a link is the actor's own, or leads into what they may share."""
    if actor.user_id == led.link.created_by or decide(actor, Permission.LINK_REVOKE):
        return True
    return bool(led.place.folders) and decide(actor, Permission.FOLDER_SHARE, led.place.target())
