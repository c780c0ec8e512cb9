"""What is done to folders: created, renamed, moved, put into the trash and taken out."""

from uuid import UUID

from sqlalchemy import select, true

from portal.access.decision import require
from portal.access.permissions import Permission
from portal.audit.actions import Action
from portal.audit.actor import Actor
from portal.audit.service import record
from portal.core import clock
from portal.core.errors import Conflict, Invalid, NotFound
from portal.core.ids import new_id
from portal.documents.gone import gone_folders, is_gone
from portal.documents.models import Document, Folder
from portal.documents.moving import require_to_move
from portal.documents.names import clean_name
from portal.documents.places import MAX_DEPTH, chains_to, get_live_place, get_place, subtree_of
from portal.documents.retention.carrying import carry_along
from portal.documents.retention.locking import share_retention
from portal.documents.retention.models import AnchorKind
from portal.documents.trash import put_in_trash, require_not_over, take_from_trash
from portal.tenancy.binding import bound_tenant_id
from portal.tenancy.session import db


def create_folder(actor: Actor, parent_id: UUID | None, name: str) -> Folder:
    """Make a folder. Raises `NotFound`, `Forbidden` or `Invalid`."""
    place = get_live_place(parent_id)
    require(actor, Permission.FOLDER_CREATE, place.target())
    if len(place.folders) >= MAX_DEPTH:
        raise Invalid(f"Folders can be nested {MAX_DEPTH} deep at most.")
    folder = Folder(
        id=new_id(), parent_id=parent_id, name=clean_name(name), created_by=actor.user_id
    )
    db.session.add(folder)
    record(actor, Action.FOLDER_CREATED, f"folder:{folder.id}", folder=_id(parent_id))
    return folder


def rename_folder(actor: Actor, folder_id: UUID, name: str) -> None:
    """Give a folder another name. Raises `NotFound`, `Forbidden` or `Invalid`."""
    folder = _live_folder(actor, folder_id, Permission.FOLDER_EDIT)
    folder.name = clean_name(name)
    record(actor, Action.FOLDER_RENAMED, f"folder:{folder_id}")


def move_folder(actor: Actor, folder_id: UUID, parent_id: UUID | None) -> None:
    """Put a folder into another one, as far as the actor could share it with all who gain it.

    Raises `NotFound`, `Forbidden`, `WouldShare`, `WouldDelete`, `Invalid` or `Conflict`.

    The rows that decide whether the tree stays a tree are locked, in one order, before they are
    read for good: two folders moved into each other at once would else both be lost.
    """
    share_retention()
    _live_folder(actor, folder_id, Permission.FOLDER_EDIT)
    _lock(folder_id, parent_id)
    folder = _get(folder_id, is_to_change=True)
    place = get_live_place(parent_id)
    require(actor, Permission.FOLDER_CREATE, place.target())
    source = get_live_place(folder_id)
    require_to_move(actor, source, place, moved_id=folder_id)
    if folder_id in (above.id for above in place.folders):
        raise Invalid("A folder can't be moved into itself or one of its own folders.")
    if len(place.folders) + _height(folder_id) > MAX_DEPTH:
        raise Invalid(f"Folders can be nested {MAX_DEPTH} deep at most.")
    carry_along(AnchorKind.FOLDER, folder_id, source, place)
    came_from, folder.parent_id = folder.parent_id, parent_id
    record(
        actor,
        Action.FOLDER_MOVED,
        f"folder:{folder_id}",
        came_from=_id(came_from),
        folder=_id(parent_id),
    )


def delete_folder(actor: Actor, folder_id: UUID) -> None:
    """Move a folder with all in it to the trash. Raises `NotFound` or `Forbidden`.

    In the end the documents in it are destroyed: where there are any it takes that right as well.
    """
    folder = _get(folder_id, is_to_change=True)
    target = get_live_place(folder_id).target()
    require(actor, Permission.FOLDER_DELETE, target)
    if _holds_documents(folder_id):
        require(actor, Permission.DOCUMENT_DELETE, target)
    put_in_trash(actor, folder)
    record(actor, Action.FOLDER_DELETED, f"folder:{folder_id}")


def restore_folder(actor: Actor, folder_id: UUID) -> None:
    """Take a folder out of the trash. Raises `NotFound`, `Forbidden` or `Conflict`."""
    share_retention()
    place, folder = get_place(folder_id), _get(folder_id)
    require_not_over(folder, place)
    require(actor, Permission.FOLDER_DELETE, place.target())
    take_from_trash(folder, place)
    if any(above.is_trashed for above in place.folders[1:]):
        raise Conflict("The folder it lay in is in the trash itself. Restore that one first.")
    record(actor, Action.FOLDER_RESTORED, f"folder:{folder_id}")


def _live_folder(actor: Actor, folder_id: UUID, permission: Permission) -> Folder:
    require(actor, permission, get_live_place(folder_id).target())
    return _get(folder_id)


def _get(folder_id: UUID, *, is_to_change: bool = False) -> Folder:
    """A folder; one that is to change is locked, and read as it is by then."""
    identity, anew = (bound_tenant_id(), folder_id), is_to_change
    folder = db.session.get(Folder, identity, with_for_update=anew or None, populate_existing=anew)
    if folder is None:
        raise NotFound
    return folder


def _lock(folder_id: UUID, parent_id: UUID | None) -> None:
    involved = [folder_id]
    if parent_id is not None:
        involved += db.session.scalars(select(chains_to([parent_id]).c.id))
    db.session.execute(
        select(Folder.id).where(Folder.id.in_(involved)).order_by(Folder.id).with_for_update()
    )


def _holds_documents(folder_id: UUID) -> bool:
    """What is gone counts as destroyed, as everywhere."""
    inside = Document.folder_id.in_(select(subtree_of([folder_id]).c.id))
    there = select(Document.id).where(inside, is_gone(clock.now()).is_not(true()))
    return db.session.execute(there.limit(1)).first() is not None


def _height(folder_id: UUID) -> int:
    tree, gone = subtree_of([folder_id]), gone_folders(clock.now())
    depths = select(tree.c.depth).where(tree.c.id.not_in(select(gone.c.id)))
    return max(db.session.scalars(depths), default=0) + 1


def _id(folder_id: UUID | None) -> str | None:
    return str(folder_id) if folder_id else None
