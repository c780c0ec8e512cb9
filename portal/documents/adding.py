"""The rows of a content that is stored: of a new document, or of a new version of one.

Access is the caller's to decide, and the entry in the log the caller's to write. A content may have
taken hours to arrive, so that the organisation closes by now is asked for here.
"""

import unicodedata
from uuid import UUID

from portal.auth.closing.queries import require_staying
from portal.core import clock
from portal.core.errors import Invalid
from portal.core.texts import is_one_line
from portal.documents import cipher
from portal.documents.contents import StoredContent
from portal.documents.models import Document, DocumentVersion
from portal.documents.quotas import keep_room
from portal.keys.data_keys import wrap_again
from portal.tenancy.session import db

MAX_NOTE_LENGTH = 500


def add_document(
    stored: StoredContent, folder_id: UUID | None, name: str, note: str = ""
) -> Document:
    """A new document of a folder, with its first version. Raises `ReadOnly` or `QuotaExceeded`."""
    require_staying()
    keep_room(stored.room, stored.sealed.size_bytes)
    document = Document(
        id=stored.content.document_id,
        folder_id=folder_id,
        name=name,
        created_by=stored.room.owner_id,
    )
    db.session.add(document)
    db.session.flush()  # the version's foreign key
    db.session.add(_version(stored, 1, note))
    return document


def add_version(document: Document, stored: StoredContent, note: str = "") -> DocumentVersion:
    """A new version of a document, which becomes the newest. Raises `ReadOnly` or `QuotaExceeded`.

    Call `lock_document` first: two at once get two numbers.
    """
    require_staying()
    keep_room(stored.room, stored.sealed.size_bytes)
    version = _version(stored, document.version_number + 1, note)
    document.version_number = version.number
    document.updated_at = clock.now()
    db.session.add(version)
    return version


def clean_note(note: str) -> str:
    """What somebody notes about a version, as it is kept: NFC, trimmed. Raises `Invalid`."""
    note = unicodedata.normalize("NFC", note).strip()
    if len(note) > MAX_NOTE_LENGTH:
        raise Invalid(f"A note has at most {MAX_NOTE_LENGTH} characters.")
    if not is_one_line(note):
        raise Invalid("A note is one line, without invisible characters.")
    return note


def _version(stored: StoredContent, number: int, note: str) -> DocumentVersion:
    content = stored.content
    key = wrap_again(stored.key, content.document_id, content.version_id, content.mode)
    version = DocumentVersion(
        id=content.version_id,
        document_id=content.document_id,
        number=number,
        format=cipher.FORMAT,
        mode=content.mode,
        size_bytes=stored.sealed.size_bytes,
        sealed_bytes=stored.sealed.sealed_bytes,
        sealed_sha256=stored.sealed.sealed_sha256,
        media_type=stored.media_type,
        wrapped_key=key.wrapped,
        key_version=key.key_version,
        created_by=stored.room.owner_id,
    )
    if note:
        version.note = note
    return version
