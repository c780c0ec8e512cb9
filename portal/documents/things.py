"""Folders and documents as the audit log, requests and questions name them."""

from collections.abc import Collection, Sequence
from uuid import UUID

from portal.core.errors import Conflict, Invalid, NotFound
from portal.documents.places import Place, get_live_place
from portal.documents.queries import find_anywhere

MAX_THINGS = 100  # that are chosen in a list


class WrongChoice(Invalid):
    """Nothing was chosen in a list, or too much, or what the act is not for."""


class ChosenGone(WrongChoice):
    """Something that was chosen is gone since, or never was there."""

    status = NotFound.status
    message = "Something that you chose is not there any more. Nothing has changed: choose again."


class NotRestorable(WrongChoice):
    """Something that was chosen in the trash can't be taken out of it just now."""

    status = Conflict.status


def thing_named(target: str) -> tuple[str, UUID]:
    """The kind and id in `folder:…` or `document:…`. Raises `Invalid`."""
    kind, _, thing = target.partition(":")
    if kind not in ("folder", "document"):
        raise Invalid("A thing is named like folder:0198… or document:0198….")
    try:
        return kind, UUID(thing)
    except ValueError:
        raise Invalid("This is no folder or document.") from None


def ids_of_things(things: Collection[str]) -> tuple[Sequence[UUID], Sequence[UUID]]:
    """The folders and the documents, each once, in the one order in which rows are locked.

    Raises `Invalid`, and `WrongChoice` for none and for too many.
    """
    if not things:
        raise WrongChoice("Choose something first: tick what it is to be done to.")
    named = sorted({thing_named(thing) for thing in things})
    if len(named) > MAX_THINGS:
        raise WrongChoice(f"Choose {MAX_THINGS} items at most.")
    by_kind = {kind: [i for one, i in named if one == kind] for kind in ("folder", "document")}
    return by_kind["folder"], by_kind["document"]


def get_place_of(target: str) -> Place:
    """Where a live folder or document lies. Raises `Invalid` or `NotFound`."""
    kind, thing_id = thing_named(target)
    if kind == "folder":
        return get_live_place(thing_id)
    located = find_anywhere(thing_id)
    if located.document.trashed_at is not None or not located.place.is_live:
        raise NotFound
    return located.place
