"""What it takes to share by a link: asked of whoever makes one, and of its maker ever after."""

from uuid import UUID

from portal.access.decision import decide, require
from portal.access.permissions import Permission
from portal.audit.actor import Actor
from portal.core.errors import NotFound
from portal.documents.links.kinds import Kind
from portal.documents.places import Place, get_live_place
from portal.documents.queries import find_anywhere


def require_to_share(
    actor: Actor, kind: str, document_id: UUID | None, folder_id: UUID | None
) -> Place:
    """Where the thing lies, if `actor` may share it by a link of that kind.

    Files that are sent in come in their name, so they must be allowed to upload there; for the
    other kinds, to read. Raises `NotFound`, for what is in the trash too, or `Forbidden`.
    """
    if document_id is not None:
        located = find_anywhere(document_id)
        if located.document.trashed_at is not None or not located.place.is_live:
            raise NotFound
        place, name = located.place, f"document:{document_id}"
    else:
        place, name = get_live_place(folder_id), f"folder:{folder_id}"
    for permission in _needed_for(kind):
        require(actor, permission, place.target(name))
    return place


def may_share(actor: Actor, kind: str, place: Place) -> bool:
    """Whether what lies there, and not in the trash, may be shared by them: the same, of lists."""
    return all(decide(actor, permission, place.target()) for permission in _needed_for(kind))


def _needed_for(kind: str) -> tuple[Permission, Permission]:
    does = Permission.DOCUMENT_UPLOAD if kind == Kind.REQUEST else Permission.DOCUMENT_READ
    return Permission.LINK_CREATE, does
