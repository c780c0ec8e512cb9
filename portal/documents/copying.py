"""Making a content anew from one that is there: a copy of a document, an older version restored.

What is sealed is bound to its document and version, so it is opened and sealed again under a key of
its own, as it streams: nothing lies in clear anywhere, and memory stays the same for any size.
"""

from collections.abc import Iterator
from pathlib import PurePosixPath
from uuid import UUID

from portal.access.decision import Member, require
from portal.access.permissions import Permission
from portal.audit.actions import Action
from portal.audit.actor import Actor
from portal.audit.service import record
from portal.auth.live_sessions import read_again
from portal.core.errors import Conflict
from portal.core.ids import new_id
from portal.documents.adding import add_document, add_version
from portal.documents.contents import StoredContent, take_in
from portal.documents.copied_once import CopiedMeanwhile, copying_of, find_copied, note_copied
from portal.documents.downloads import Download, open_content
from portal.documents.models import Document, DocumentVersion
from portal.documents.names import MAX_LENGTH
from portal.documents.places import get_live_place
from portal.documents.queries import get_document, lock_document
from portal.documents.quotas import settling
from portal.documents.uploads import person_behind
from portal.documents.versions import get_version

SUFFIX = " (copy)"


def copy_document(
    actor: Actor, document_id: UUID, folder_id: UUID | None, page_id: UUID
) -> Document:
    """Put a copy of a document's newest version into a folder: a document of the actor's own.

    Sent twice from one page, it gives what was made the first time. It takes what downloading it
    and uploading it there would. Raises what `upload_document` and `open_download` raise.
    """
    _require_copy(actor, document_id, folder_id)
    copying_id = copying_of(actor, page_id, document_id, folder_id)
    try:
        return find_copied(copying_id) or _copy(actor, copying_id, document_id, folder_id)
    except CopiedMeanwhile:
        made = find_copied(copying_id)
        if made is None:
            raise Conflict("This was copied already, and the copy was deleted.") from None
        return made


def _copy(actor: Actor, copying_id: UUID, document_id: UUID, folder_id: UUID | None) -> Document:
    located, version = get_version(actor, document_id, None, Permission.DOCUMENT_READ)
    name, number = located.document.name, version.number
    if located.document.folder_id == folder_id:
        name = name_of_copy(name)
    with open_content(located.document, version) as content:
        stored = _take_again(actor, content, new_id(), name)
    with settling(stored.room):
        _require_copy(_as_of_now(actor), document_id, folder_id)
        document = add_document(stored, folder_id, name)
        note_copied(copying_id, document)
        record(
            actor,
            Action.DOCUMENT_COPIED,
            f"document:{document.id}",
            source=f"document:{document_id}",
            version=number,
            folder=str(folder_id) if folder_id else None,
            size_bytes=stored.sealed.size_bytes,
            sealed_sha256=stored.sealed.sealed_sha256.hex(),
        )
    return document


def restore_version(actor: Actor, document_id: UUID, version_id: UUID) -> DocumentVersion:
    """Make the content of an older version the newest one; both stay.

    Raises `Conflict` for the newest one, and what `upload_version` and `open_download` raise.
    """
    located, version = get_version(actor, document_id, version_id, Permission.DOCUMENT_EDIT)
    number = version.number
    if number == located.document.version_number:
        raise Conflict("This is the newest version.")
    with open_content(located.document, version) as content:
        stored = _take_again(actor, content, document_id, content.name)
    with settling(stored.room):
        located = lock_document(_as_of_now(actor), document_id, Permission.DOCUMENT_EDIT)
        restored = add_version(located.document, stored, f"Restored from version {number}")
        record(
            actor,
            Action.VERSION_RESTORED,
            f"document:{document_id}",
            came_from=number,
            number=restored.number,
            size_bytes=stored.sealed.size_bytes,
            sealed_sha256=stored.sealed.sealed_sha256.hex(),
        )
    return restored


def name_of_copy(name: str) -> str:
    """What a copy is called that lies beside its original: `Plan (copy).txt`."""
    ending = PurePosixPath(name).suffix
    stem = name.removesuffix(ending)
    return stem[: MAX_LENGTH - len(SUFFIX) - len(ending)] + SUFFIX + ending


def _require_copy(actor: Actor, document_id: UUID, folder_id: UUID | None) -> None:
    get_document(actor, document_id, Permission.DOCUMENT_READ)
    require(actor, Permission.DOCUMENT_UPLOAD, get_live_place(folder_id).target())


def _take_again(actor: Actor, content: Download, document_id: UUID, name: str) -> StoredContent:
    body, size_bytes = _Reopened(content.read(0, content.size_bytes)), content.size_bytes
    owner_id = person_behind(actor)
    return take_in(document_id, name, body, owner_id=owner_id, announced_bytes=size_bytes)


class _Reopened:
    """What is read of one content, as the body of another."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces

    def read(self, _size: int, /) -> bytes:
        """One block as it was proved: as large as the pieces in which contents are taken in."""
        return next(self._pieces, b"")


def _as_of_now(actor: Actor) -> Actor:
    return read_again(actor) if isinstance(actor, Member) else actor
