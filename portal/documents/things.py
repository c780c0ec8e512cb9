"""Folders and documents as the audit log, requests and questions name them."""

from uuid import UUID

from portal.core.errors import Invalid, NotFound
from portal.documents.places import Place, get_live_place
from portal.documents.queries import find_anywhere


def thing_named(target: str) -> tuple[str, UUID]:
    """The kind and id in `folder:…` or `document:…`. Raises `Invalid`."""
    kind, _, thing = target.partition(":")
    if kind not in ("folder", "document"):
        raise Invalid("A thing is named like folder:0198… or document:0198….")
    try:
        return kind, UUID(thing)
    except ValueError:
        raise Invalid("This is no folder or document.") from None


def get_place_of(target: str) -> Place:
    """Where a live folder or document lies. Raises `Invalid` or `NotFound`."""
    kind, thing_id = thing_named(target)
    if kind == "folder":
        return get_live_place(thing_id)
    located = find_anywhere(thing_id)
    if located.document.trashed_at is not None or not located.place.is_live:
        raise NotFound
    return located.place
