"""Taking a move back, by what the log tells of it: nothing else is kept of where things lay."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from portal.access.permissions import Permission
from portal.audit.actions import Action
from portal.audit.actor import Actor
from portal.audit.queries import list_own_acts
from portal.core import clock
from portal.core.errors import Conflict, NotFound
from portal.core.ids import made_at
from portal.documents.folders import move_folder
from portal.documents.moving import Move, can_move_all
from portal.documents.places import TOP, list_places
from portal.documents.queries import get_document, get_folder
from portal.documents.service import move_document

UNDONE_WITHIN = timedelta(hours=1)
MOVES = frozenset({Action.DOCUMENT_MOVED, Action.FOLDER_MOVED})


class MovedOn(Conflict):
    """What was moved does not lie where it was moved to."""

    message = "Some of this has been moved again since. Move it by hand."


@dataclass(frozen=True, slots=True)
class _Moved:
    """One of the things that were moved, from where and to where."""

    id: UUID
    is_folder: bool
    came_from: UUID | None
    folder_id: UUID | None

    @property
    def lies_in(self) -> UUID | None:
        """The nearest folder that decides who holds what on it: a folder does itself."""
        return self.id if self.is_folder else self.folder_id


def can_undo_move(actor: Actor, move_id: UUID) -> bool:
    """Whether the actor could take back what they have just moved by one request: where it lay they
    may hold less than where it lies. Takes five statements, however much was moved.
    """
    moved = _list_moved(actor, move_id)
    try:
        return bool(moved) and can_move_all(actor, _ways_back(moved))
    except NotFound:  # of a folder that was destroyed since
        return False


def undo_move(actor: Actor, move_id: UUID) -> UUID | None:
    """Put all of what the actor moved by one request back where it lay, or nothing.

    Gives the folder, of one of the things. It is moving like any other, so it takes the same rights
    and is recorded the same way. Raises `NotFound`, `Conflict`, or what moving raises.
    """
    if clock.now() - made_at(move_id) > UNDONE_WITHIN:
        raise Conflict("This was moved more than an hour ago. Move it by hand.")
    moved = _list_moved(actor, move_id)
    if not moved:
        raise NotFound
    for one in reversed(moved):
        _put_back(actor, one)
    return moved[0].came_from


def _list_moved(actor: Actor, move_id: UUID) -> Sequence[_Moved]:
    found = []
    for target, detail in list_own_acts(actor, move_id, MOVES):
        kind, _, name = target.partition(":")
        places = (detail["came_from"], detail["folder"])
        came_from, folder_id = (UUID(place) if place else None for place in places)
        found.append(_Moved(UUID(name), kind == "folder", came_from, folder_id))
    return found


def _ways_back(moved: Sequence[_Moved]) -> Sequence[Move]:
    folder_ids = {one.lies_in for one in moved} | {one.came_from for one in moved}
    places = list_places({one for one in folder_ids if one}) | {None: TOP}
    return [
        Move(
            places[one.lies_in],
            places[one.came_from],
            to_edit=Permission.FOLDER_EDIT if one.is_folder else Permission.DOCUMENT_EDIT,
            to_add=Permission.FOLDER_CREATE if one.is_folder else Permission.DOCUMENT_UPLOAD,
            moved_id=one.id if one.is_folder else None,
        )
        for one in moved
    ]


def _put_back(actor: Actor, one: _Moved) -> None:
    if one.is_folder:
        place = get_folder(actor, one.id, Permission.FOLDER_EDIT)
        lies_in = place.folders[0].parent_id
    else:
        lies_in = get_document(actor, one.id, Permission.DOCUMENT_EDIT).document.folder_id
    if lies_in != one.folder_id:
        raise MovedOn
    if one.is_folder:
        move_folder(actor, one.id, one.came_from)
    else:
        move_document(actor, one.id, one.came_from)
