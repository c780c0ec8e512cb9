"""What is done to documents that exist: renamed, moved, put into the trash and taken out."""

from uuid import UUID

from portal.access.decision import require
from portal.access.permissions import Permission
from portal.audit.actions import Action
from portal.audit.actor import Actor
from portal.audit.service import RecordedRefusal, record
from portal.core import clock
from portal.core.errors import Conflict
from portal.documents.adding import clean_note
from portal.documents.moving import require_to_move
from portal.documents.names import clean_name
from portal.documents.places import get_live_place, get_place
from portal.documents.policy import get_rules
from portal.documents.queries import find_anywhere, lock_document
from portal.documents.retention.carrying import carry_along
from portal.documents.retention.locking import share_retention
from portal.documents.retention.models import AnchorKind
from portal.documents.trash import put_in_trash, require_not_over, take_from_trash
from portal.documents.types import type_named
from portal.documents.versions import find_version


class NotRenamed(RecordedRefusal):
    """By another name it would be what the organisation does not take."""

    status = 415
    message = "Your organisation does not take documents of the kind that this name says."
    action = Action.DOCUMENT_RENAMED


def rename_document(actor: Actor, document_id: UUID, name: str) -> None:
    """Give a document another name. Raises `NotFound`, `Forbidden`, `Invalid` or `NotRenamed`."""
    document = lock_document(actor, document_id, Permission.DOCUMENT_EDIT).document
    name = clean_name(name)
    kind = type_named(name)
    if kind != type_named(document.name) and kind.family not in get_rules().families:
        raise NotRenamed(f"document:{document_id}", family=kind.family)
    document.name = name
    document.updated_at = clock.now()
    record(actor, Action.DOCUMENT_RENAMED, f"document:{document_id}")


def move_document(actor: Actor, document_id: UUID, folder_id: UUID | None) -> None:
    """Put a document into another folder, where one must be allowed to upload.

    Raises `NotFound`, `Forbidden`, `WouldShare` where the actor couldn't share it with all who
    would gain it, or `WouldDelete` where a rule would delete it and the actor could not.
    """
    share_retention()
    document = lock_document(actor, document_id, Permission.DOCUMENT_EDIT).document
    place = get_live_place(folder_id)
    require(actor, Permission.DOCUMENT_UPLOAD, place.target())
    source = get_place(document.folder_id)  # whole, also where the actor sees less of it
    require_to_move(actor, source, place, f"document:{document_id}")
    carry_along(AnchorKind.DOCUMENT, document_id, source, place)
    came_from, document.folder_id = document.folder_id, folder_id
    record(
        actor,
        Action.DOCUMENT_MOVED,
        f"document:{document_id}",
        came_from=str(came_from) if came_from else None,
        folder=str(folder_id) if folder_id else None,
    )


def change_note(actor: Actor, document_id: UUID, version_id: UUID, note: str) -> None:
    """Note something else about a version, or nothing.

    Raises `NotFound`, `Forbidden` or `Invalid`.
    """
    lock_document(actor, document_id, Permission.DOCUMENT_EDIT)
    version = find_version(document_id, version_id)
    note = clean_note(note)
    if note:
        version.note = note
    else:
        version.note_sealed = None
    record(actor, Action.VERSION_NOTED, f"document:{document_id}", number=version.number)


def delete_document(actor: Actor, document_id: UUID) -> None:
    """Move a document to the trash. Raises `NotFound` or `Forbidden`."""
    document = lock_document(actor, document_id, Permission.DOCUMENT_DELETE).document
    put_in_trash(actor, document)
    record(actor, Action.DOCUMENT_DELETED, f"document:{document_id}")


def restore_document(actor: Actor, document_id: UUID) -> None:
    """Take a document out of the trash. Raises `NotFound`, `Forbidden` or `Conflict`."""
    share_retention()
    located = find_anywhere(document_id)
    require_not_over(located.document, located.place)
    require(actor, Permission.DOCUMENT_DELETE, located.place.target(f"document:{document_id}"))
    take_from_trash(located.document, located.place)
    if not located.place.is_live:
        raise Conflict("The folder it lay in is in the trash. Restore the folder first.")
    record(actor, Action.DOCUMENT_RESTORED, f"document:{document_id}")
