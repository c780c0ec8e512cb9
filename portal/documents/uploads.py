"""Taking a document in: encrypted as it arrives, in constant memory, never in clear on a disk."""

import mimetypes
from typing import Protocol
from uuid import UUID

from portal.access.decision import Member, require
from portal.access.permissions import Permission
from portal.audit.actions import Action, Outcome
from portal.audit.actor import Actor
from portal.audit.service import RecordedRefusal, record
from portal.auth.sessions import read_again
from portal.core.errors import Invalid
from portal.core.ids import new_id
from portal.core.settings import active
from portal.documents import cipher
from portal.documents.cipher import ContentId, Encryptor, Sealed
from portal.documents.models import Document, DocumentVersion
from portal.documents.names import clean_name
from portal.documents.places import get_live_place
from portal.keys.data_keys import NewDataKey, new_data_key, wrap_again
from portal.storage.blobs import BlobWriter
from portal.storage.chosen import blobs
from portal.tenancy.binding import bound_tenant_id
from portal.tenancy.session import db, release

PIECE_BYTES = 256 * 1024
UNKNOWN_TYPE = "application/octet-stream"


class Body(Protocol):
    """Where the content comes from. It raises or gives less than announced when it breaks off."""

    def read(self, size: int, /) -> bytes: ...


class UploadAbandoned(RecordedRefusal):
    """The content broke off before its end; nothing of it was kept."""

    message = "The upload broke off. Nothing was kept; please try again."
    action = Action.UPLOAD_ABANDONED
    outcome = Outcome.FAILURE


class TooLarge(Invalid):
    """The content is larger than the installation takes."""

    status = 413


def upload_document(
    actor: Actor, folder_id: UUID | None, name: str, body: Body, *, announced_bytes: int | None
) -> Document:
    """Take in a new document of a folder.

    The blob is durable before the rows are written; until the rows are committed nobody sees it,
    and if they never are, the sweep takes it away. No transaction is open while the content
    arrives, so access is decided twice: before the first byte, and before the rows, on what the
    person holds by then.

    Raises `SessionEnded`, `NotFound`, `Forbidden`, `Invalid`, `TooLarge` or `UploadAbandoned`.
    """
    name = clean_name(name)
    _check_size(announced_bytes)
    _require_upload(actor, folder_id)
    content = ContentId(bound_tenant_id(), new_id(), new_id())
    key = new_data_key(content.document_id, content.version_id)
    release()
    sealed = _store(content, key, body, announced_bytes)
    _require_upload(read_again(actor) if isinstance(actor, Member) else actor, folder_id)
    document = Document(
        id=content.document_id, folder_id=folder_id, name=name, created_by=actor.user_id
    )
    db.session.add(document)
    db.session.flush()  # the version's foreign key
    key = wrap_again(key, content.document_id, content.version_id, content.mode)
    db.session.add(_version(actor, content, key, sealed, name))
    record(
        actor,
        Action.DOCUMENT_UPLOADED,
        f"document:{document.id}",
        folder=str(folder_id) if folder_id else None,
        size_bytes=sealed.size_bytes,
        sealed_sha256=sealed.sealed_sha256.hex(),
    )
    return document


def _require_upload(actor: Actor, folder_id: UUID | None) -> None:
    require(actor, Permission.DOCUMENT_UPLOAD, get_live_place(folder_id).target())


def _store(content: ContentId, key: NewDataKey, body: Body, announced_bytes: int | None) -> Sealed:
    with blobs().create(content.tenant_id, content.version_id) as writer:
        sealed = _seal(content, key, body, writer, announced_bytes)
        writer.commit()
    return sealed


def _seal(
    content: ContentId, key: NewDataKey, body: Body, writer: BlobWriter, announced_bytes: int | None
) -> Sealed:
    encryptor = Encryptor(writer, key.dek, content)
    taken = 0
    while piece := _next_piece(content, body, taken):
        taken += len(piece)
        _check_size(taken)
        encryptor.write(piece)
    if announced_bytes is not None and taken != announced_bytes:
        raise UploadAbandoned(f"document:{content.document_id}", taken_bytes=taken)
    return encryptor.finish()


def _next_piece(content: ContentId, body: Body, taken: int) -> bytes:
    try:
        return body.read(PIECE_BYTES)
    except (OSError, EOFError) as error:
        raise UploadAbandoned(f"document:{content.document_id}", taken_bytes=taken) from error


def _check_size(size_bytes: int | None) -> None:
    limit_gib = active().max_upload_gib
    if size_bytes is not None and size_bytes > limit_gib * 2**30:
        raise TooLarge(f"A document may have {limit_gib} GiB at most.")


def _version(
    actor: Actor, content: ContentId, key: NewDataKey, sealed: Sealed, name: str
) -> DocumentVersion:
    return DocumentVersion(
        id=content.version_id,
        document_id=content.document_id,
        number=1,
        format=cipher.FORMAT,
        mode=content.mode,
        size_bytes=sealed.size_bytes,
        sealed_bytes=sealed.sealed_bytes,
        sealed_sha256=sealed.sealed_sha256,
        media_type=mimetypes.guess_type(name)[0] or UNKNOWN_TYPE,
        wrapped_key=key.wrapped,
        key_version=key.key_version,
        created_by=actor.user_id,
    )
