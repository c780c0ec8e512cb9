"""Reading the versions of documents. Access to them is that to the document."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, select

from portal.access.permissions import Permission
from portal.audit.actor import Actor
from portal.core.errors import NotFound
from portal.documents.models import Document, DocumentVersion
from portal.documents.queries import Located, ShownDocument, get_document
from portal.tenancy.session import db
from portal.users.models import User

PAGE_SIZE = 20


@dataclass(frozen=True, slots=True)
class VersionRow:
    """A version as lists show it."""

    id: UUID
    number: int
    size_bytes: int
    media_type: str
    created_at: datetime
    author: str
    note: str


@dataclass(frozen=True, slots=True)
class Versions:
    """A page of a document's versions, newest first, and the number after which to go on."""

    rows: Sequence[VersionRow]
    older: int | None


_OF_ONE = (
    select(Document, DocumentVersion)
    .join(DocumentVersion, DocumentVersion.document_id == Document.id)
    .where(Document.id == bindparam("document_id"))
)
_NEWEST = _OF_ONE.where(DocumentVersion.number == Document.version_number)
_IS_SEEN = DocumentVersion.gone_at.is_(None)
_NAMED = _OF_ONE.where(DocumentVersion.id == bindparam("version_id"), _IS_SEEN)


def get_version(
    actor: Actor, document_id: UUID, version_id: UUID | None, permission: Permission
) -> tuple[Located, DocumentVersion]:
    """A live document and one version of it, the newest where none is named.

    Both are read by one statement. Raises `NotFound` or `Forbidden`.
    """
    statement = _NEWEST if version_id is None else _NAMED
    named = {"document_id": document_id, "version_id": version_id}
    found = db.session.execute(statement, named).one_or_none()
    located = get_document(actor, document_id, permission)
    if found is None:
        raise NotFound
    return located, found.DocumentVersion


def find_version(document_id: UUID, version_id: UUID) -> DocumentVersion:
    """A version of a document to which access is decided. Raises `NotFound`."""
    found = db.session.scalars(
        select(DocumentVersion).where(
            DocumentVersion.document_id == document_id, DocumentVersion.id == version_id, _IS_SEEN
        )
    ).one_or_none()
    if found is None:
        raise NotFound
    return found


def find_version_before(document_id: UUID, number: int) -> DocumentVersion | None:
    """The version before the one of that number, of a document to which access is decided."""
    return db.session.scalars(
        select(DocumentVersion)
        .where(
            DocumentVersion.document_id == document_id, DocumentVersion.number < number, _IS_SEEN
        )
        .order_by(DocumentVersion.number.desc())
        .limit(1)
    ).one_or_none()


def list_versions(shown: ShownDocument, before: int | None = None) -> Versions:
    """A page of the versions of a document that is shown."""
    columns = (
        DocumentVersion.id,
        DocumentVersion.number,
        DocumentVersion.size_bytes,
        DocumentVersion.media_type,
        DocumentVersion.created_at,
        User.name,
        DocumentVersion.note_sealed,
    )
    statement = (
        select(*columns)
        .join(User, User.id == DocumentVersion.created_by)
        .where(DocumentVersion.document_id == shown.row.id, _IS_SEEN)
        .order_by(DocumentVersion.number.desc())
        .limit(PAGE_SIZE + 1)
    )
    if before is not None:
        statement = statement.where(DocumentVersion.number < before)
    found = [
        VersionRow(*row[:-1], DocumentVersion.note.open(row[0], row[-1]) if row[-1] else "")
        for row in db.session.execute(statement)
    ]
    rows = found[:PAGE_SIZE]
    return Versions(rows, rows[-1].number if len(found) > PAGE_SIZE else None)
