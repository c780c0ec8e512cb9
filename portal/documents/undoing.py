"""Taking a move back, by what the log tells of it: nothing else is kept of where things lay."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from portal.access.permissions import Permission
from portal.audit.actions import Action
from portal.audit.actor import Actor
from portal.audit.queries import list_own_acts
from portal.core import clock
from portal.core.errors import Conflict, NotFound
from portal.core.ids import made_at
from portal.documents.folders import move_folder
from portal.documents.queries import get_document, get_folder
from portal.documents.service import move_document

UNDONE_WITHIN = timedelta(hours=1)
MOVES = frozenset({Action.DOCUMENT_MOVED, Action.FOLDER_MOVED})


class MovedOn(Conflict):
    """What was moved does not lie where it was moved to."""

    message = "Some of this was moved on since. Move it by hand."


def undo_move(actor: Actor, move_id: UUID) -> UUID | None:
    """Put all of what the actor moved by one request back where it lay, or nothing.

    Gives the folder, of one of the things. It is moving like any other, so it takes the same rights
    and is recorded the same way. Raises `NotFound`, `Conflict`, or what moving raises.
    """
    if clock.now() - made_at(move_id) > UNDONE_WITHIN:
        raise Conflict("This was moved more than an hour ago. Move it by hand.")
    moved = list_own_acts(actor, move_id, MOVES)
    if not moved:
        raise NotFound
    for target, told in reversed(moved):
        _put_back(actor, target, told)
    return _folder(moved[0][1], "came_from")


def _put_back(actor: Actor, target: str, told: Mapping[str, Any]) -> None:
    kind, _, name = target.partition(":")
    moved_id, came_from = UUID(name), _folder(told, "came_from")
    if kind == "document":
        lies_in = get_document(actor, moved_id, Permission.DOCUMENT_EDIT).document.folder_id
    else:
        lies_in = get_folder(actor, moved_id, Permission.FOLDER_EDIT).folders[0].parent_id
    if lies_in != _folder(told, "folder"):
        raise MovedOn
    if kind == "document":
        move_document(actor, moved_id, came_from)
    else:
        move_folder(actor, moved_id, came_from)


def _folder(told: Mapping[str, Any], name: str) -> UUID | None:
    return UUID(told[name]) if told[name] else None
