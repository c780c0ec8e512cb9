"""Uploading: a new document, or a new version of one.

The blob is durable before the rows are written; until the rows are committed nobody sees it. No
transaction is open while the content arrives, so access is decided twice: before the first byte,
and before the rows, on what the person holds by then.
"""

from uuid import UUID

from portal.access.decision import ORGANISATION, Forbidden, Member, require
from portal.access.permissions import Permission
from portal.audit.actions import Action
from portal.audit.actor import Actor
from portal.audit.service import record
from portal.auth.live_sessions import read_again
from portal.core.ids import new_id
from portal.documents.adding import add_document, add_version, clean_note
from portal.documents.contents import Body, StoredContent, take_in
from portal.documents.models import Document, DocumentVersion
from portal.documents.names import clean_name
from portal.documents.places import get_live_place
from portal.documents.queries import get_document, lock_document
from portal.documents.quotas import settling


def upload_document(
    actor: Actor,
    folder_id: UUID | None,
    name: str,
    body: Body,
    *,
    announced_bytes: int | None,
) -> Document:
    """Take in a new document of a folder.

    Raises `SessionEnded`, `NotFound`, `Forbidden`, `Invalid`, and whatever `take_in` does.
    """
    name = clean_name(name)
    require_upload(actor, folder_id)
    owner_id = person_behind(actor)
    stored = take_in(new_id(), name, body, owner_id=owner_id, announced_bytes=announced_bytes)
    with settling(stored.room):
        return complete_document(actor, stored, folder_id, name, note="")


def complete_document(
    actor: Actor, stored: StoredContent, folder_id: UUID | None, name: str, note: str
) -> Document:
    """Make a content that is stored a new document, if the actor may still do so."""
    require_upload(_as_of_now(actor), folder_id)
    document = add_document(stored, folder_id, name, note)
    record(
        actor,
        Action.DOCUMENT_UPLOADED,
        f"document:{document.id}",
        folder=str(folder_id) if folder_id else None,
        size_bytes=stored.sealed.size_bytes,
        sealed_sha256=stored.sealed.sealed_sha256.hex(),
    )
    return document


def upload_version(
    actor: Actor, document_id: UUID, body: Body, *, announced_bytes: int | None, note: str = ""
) -> DocumentVersion:
    """Take in a new version of a document, which becomes the one that everybody reads.

    It takes the right to edit: to upload is to add, and changes nothing that others rely on.
    Raises `SessionEnded`, `NotFound`, `Forbidden`, `Invalid`, and whatever `take_in` does.
    """
    note = clean_note(note)
    name = get_document(actor, document_id, Permission.DOCUMENT_EDIT).document.name
    owner_id = person_behind(actor)
    stored = take_in(document_id, name, body, owner_id=owner_id, announced_bytes=announced_bytes)
    with settling(stored.room):
        return complete_version(actor, stored, note)


def complete_version(actor: Actor, stored: StoredContent, note: str) -> DocumentVersion:
    """Make a content that is stored a document's newest version, if the actor may still do so."""
    document_id = stored.content.document_id
    located = lock_document(_as_of_now(actor), document_id, Permission.DOCUMENT_EDIT)
    version = add_version(located.document, stored, note)
    record(
        actor,
        Action.VERSION_UPLOADED,
        f"document:{document_id}",
        number=version.number,
        size_bytes=stored.sealed.size_bytes,
        sealed_sha256=stored.sealed.sealed_sha256.hex(),
    )
    return version


def require_upload(actor: Actor, folder_id: UUID | None) -> None:
    """Raises `NotFound` or `Forbidden` where the actor may add nothing to a folder."""
    require(actor, Permission.DOCUMENT_UPLOAD, get_live_place(folder_id).target())


def person_behind(actor: Actor) -> UUID:
    """Whose documents they become, and whose room they take. Raises `Forbidden` for nobody."""
    if actor.user_id is None:
        raise Forbidden(Permission.DOCUMENT_UPLOAD, ORGANISATION)
    return actor.user_id


def _as_of_now(actor: Actor) -> Actor:
    return read_again(actor) if isinstance(actor, Member) else actor
