"""A content on its way in: whatever comes becomes a sealed, durable blob, in constant memory and
never in clear on a disk. The one way in for everybody: pages, links, copies.
"""

import mimetypes
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from portal.audit.actions import Action, Outcome
from portal.audit.service import RecordedRefusal
from portal.core.errors import Invalid
from portal.core.ids import new_id
from portal.core.settings import active
from portal.documents.cipher import ContentId, Encryptor, Sealed
from portal.keys.data_keys import NewDataKey, new_data_key
from portal.storage.blobs import BlobWriter
from portal.storage.chosen import blobs
from portal.tenancy.binding import bound_tenant_id
from portal.tenancy.session import release

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


@dataclass(frozen=True, slots=True)
class StoredContent:
    """A content that is durable and nobody sees: the row of its version is still to be written.

    If it never is, the sweep takes the blob away.
    """

    content: ContentId
    key: NewDataKey
    sealed: Sealed
    media_type: str


def take_in(
    document_id: UUID, name: str, body: Body, *, announced_bytes: int | None
) -> StoredContent:
    """Store a new content of a document that is called `name`.

    Ends the present transaction: none is open while the content arrives, so whoever calls decides
    access before, and again afterwards. Raises `TooLarge` or `UploadAbandoned`.
    """
    check_size(announced_bytes)
    content = ContentId(bound_tenant_id(), document_id, new_id())
    key = new_data_key(content.document_id, content.version_id)
    release()
    sealed = _store(content, key, body, announced_bytes)
    return StoredContent(content, key, sealed, mimetypes.guess_type(name)[0] or UNKNOWN_TYPE)


def check_size(size_bytes: int | None) -> None:
    """Raises `TooLarge` for more than the installation takes."""
    limit_gib = active().max_upload_gib
    if size_bytes is not None and size_bytes > limit_gib * 2**30:
        raise TooLarge(f"A document may have {limit_gib} GiB at most.")


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
        check_size(taken)
        encryptor.write(piece)
    if announced_bytes is not None and taken != announced_bytes:
        raise UploadAbandoned(f"document:{content.document_id}", taken_bytes=taken)
    return encryptor.finish()


def _next_piece(content: ContentId, body: Body, taken: int) -> bytes:
    try:
        return body.read(PIECE_BYTES)
    except (OSError, EOFError) as error:
        raise UploadAbandoned(f"document:{content.document_id}", taken_bytes=taken) from error
