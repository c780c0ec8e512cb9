"""Doing the same with several folders and documents: with all of them, or with none.

Whoever chose ten things and is refused one would else have to find out which nine are done. What
refuses one refuses all, and the transaction takes back what came before it.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from portal.access.decision import require
from portal.access.permissions import Permission
from portal.audit.actor import Actor
from portal.core.errors import Conflict, NotFound
from portal.documents.folders import delete_folder, move_folder, restore_folder
from portal.documents.models import Document
from portal.documents.moving import Move, Outlook, foresee
from portal.documents.places import TOP, Place, list_places
from portal.documents.service import delete_document, move_document, restore_document
from portal.documents.things import ChosenGone, NotRestorable, ids_of_things
from portal.tenancy.session import db


@dataclass(frozen=True, slots=True)
class Chosen:
    """One of the things that were chosen: its name, and where it lies."""

    id: UUID
    name: str
    is_folder: bool
    place: Place


def list_chosen(actor: Actor, things: Collection[str]) -> Sequence[Chosen]:
    """What was chosen, by name, folders first, in two statements.

    Raises `Invalid`, `ChosenGone` or `Forbidden`.
    """
    try:
        return _list_chosen(actor, things)
    except NotFound:
        raise ChosenGone from None


def _list_chosen(actor: Actor, things: Collection[str]) -> Sequence[Chosen]:
    folder_ids, document_ids = ids_of_things(things)
    columns = (Document.id, Document.folder_id, Document.name_sealed)
    rows = db.session.execute(
        select(*columns).where(Document.id.in_(document_ids), Document.trashed_at.is_(None))
    ).all()
    if len(rows) < len(document_ids):
        raise NotFound
    places = list_places({*folder_ids, *(row[1] for row in rows if row[1])}) | {None: TOP}
    for place in places.values():
        if not place.is_live:
            raise NotFound
    for place in {row[1]: places[row[1]] for row in rows}.values():
        require(actor, Permission.DOCUMENT_READ, place.target())
    for folder_id in folder_ids:
        require(actor, Permission.DOCUMENT_READ, places[folder_id].target())
    folders = [places[folder_id].folders for folder_id in folder_ids]
    chosen = [
        Chosen(folder.id, folder.name, True, Place(tuple(above))) for folder, *above in folders
    ]
    chosen += [
        Chosen(row[0], Document.name.open(row[0], row[2]), False, places[row[1]]) for row in rows
    ]
    return sorted(chosen, key=lambda one: (not one.is_folder, one.name.casefold()))


def foresee_move(actor: Actor, things: Collection[str], folder_id: UUID | None) -> Outlook:
    """What moving all of them there would come to. Raises `Invalid` or `NotFound`."""
    folder_ids, document_ids = ids_of_things(things)
    lie_in = set(
        db.session.scalars(
            select(Document.folder_id).where(Document.id.in_(document_ids)).distinct()
        )
    )
    places = list_places({one for one in (*folder_ids, *lie_in, folder_id) if one}) | {None: TOP}
    to = places[folder_id]
    moves = [
        Move(places[at], to, Permission.DOCUMENT_EDIT, Permission.DOCUMENT_UPLOAD) for at in lie_in
    ]
    moves += [
        Move(places[one], to, Permission.FOLDER_EDIT, Permission.FOLDER_CREATE, moved_id=one)
        for one in folder_ids
    ]
    return foresee(actor, moves)


def move_things(actor: Actor, things: Collection[str], folder_id: UUID | None) -> None:
    """Put all of them into another folder. Raises what moving one of them raises."""
    folder_ids, document_ids = ids_of_things(things)
    for document_id in document_ids:
        move_document(actor, document_id, folder_id)
    for moved_id in folder_ids:
        move_folder(actor, moved_id, folder_id)


def delete_things(actor: Actor, things: Collection[str]) -> None:
    """Put all of them into the trash. Raises what deleting one of them raises."""
    folder_ids, document_ids = ids_of_things(things)
    for document_id in document_ids:
        delete_document(actor, document_id)
    for folder_id in folder_ids:
        delete_folder(actor, folder_id)


def restore_things(actor: Actor, things: Collection[str]) -> None:
    """Take all of them out of the trash. Raises `Invalid`, `ChosenGone`, `NotRestorable` or
    `Forbidden`.
    """
    try:
        _restore_things(actor, things)
    except NotFound:
        raise ChosenGone from None
    except Conflict as error:
        raise NotRestorable(f"{error} Nothing has changed.") from None


def _restore_things(actor: Actor, things: Collection[str]) -> None:
    """Folders first, the outer before the inner: what lay in one comes back once it is there."""
    folder_ids, document_ids = ids_of_things(things)
    depths = {folder_id: len(place.folders) for folder_id, place in list_places(folder_ids).items()}
    for folder_id in sorted(folder_ids, key=lambda one: (depths[one], one)):
        restore_folder(actor, folder_id)
        db.session.flush()
    for document_id in document_ids:
        restore_document(actor, document_id)
