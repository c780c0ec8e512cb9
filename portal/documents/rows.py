"""Documents as lists show them."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Row, and_, select

from portal.documents.models import Document, DocumentVersion
from portal.tenancy.session import db
from portal.users.models import User

PAGE_SIZE = 50


@dataclass(frozen=True, slots=True)
class DocumentRow:
    """A document as lists show it."""

    id: UUID
    name: str
    size_bytes: int
    media_type: str
    updated_at: datetime
    owner: str


# Rows of tables, not of models: every list asks for them, and the ORM takes twice as long.
document, version, _user = (model.__table__ for model in (Document, DocumentVersion, User))
ROWS = (
    select(
        document.c.id,
        document.c.name_sealed,
        version.c.size_bytes,
        version.c.media_type,
        document.c.updated_at,
        _user.c.name,
    )
    .join_from(
        document,
        version,
        and_(version.c.document_id == document.c.id, version.c.number == document.c.version_number),
    )
    .join(_user, _user.c.id == document.c.created_by)
)


def find_rows(document_ids: Collection[UUID]) -> dict[UUID, DocumentRow]:
    """Documents as lists show them, by id; access is the caller's to decide."""
    if not document_ids:
        return {}
    rows = db.session.execute(ROWS.where(document.c.id.in_(document_ids)))
    return {row[0]: document_row(row) for row in rows}


def document_row(row: Row[UUID, bytes, int, str, datetime, str]) -> DocumentRow:
    """A `DocumentRow` from a row of `ROWS`."""
    document_id, name_sealed, size_bytes, media_type, updated_at, owner = row
    name = Document.name.open(document_id, name_sealed)
    return DocumentRow(document_id, name, size_bytes, media_type, updated_at, owner)
