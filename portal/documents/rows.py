"""Documents as lists show them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, bindparam, select

from portal.audit.actor import Actor
from portal.documents.models import Document, DocumentStar, DocumentVersion
from portal.tenancy.session import db
from portal.users.models import User

PAGE_SIZE = 50

Cursor = tuple[datetime, UUID]  # where a list by time goes on


@dataclass(frozen=True, slots=True)
class DocumentRow:
    """A document as lists show it."""

    id: UUID
    name: str
    size_bytes: int
    media_type: str
    updated_at: datetime
    owner: str
    is_starred: bool  # by its reader


# Rows of tables, not of models: every list asks for them, and the ORM takes twice as long.
document, version, _star, _user = (
    model.__table__ for model in (Document, DocumentVersion, DocumentStar, User)
)
ROWS = (
    select(
        document.c.id,
        document.c.name_sealed,
        version.c.size_bytes,
        version.c.media_type,
        document.c.updated_at,
        _user.c.name,
        _star.c.id.is_not(None),
    )
    .join_from(
        document,
        version,
        and_(version.c.document_id == document.c.id, version.c.number == document.c.version_number),
    )
    .join(_user, _user.c.id == document.c.created_by)
    .outerjoin(
        _star,
        and_(_star.c.document_id == document.c.id, _star.c.user_id == bindparam("reader_id")),
    )
)


def find_rows(actor: Actor, document_ids: Collection[UUID]) -> dict[UUID, DocumentRow]:
    """Documents as lists show them, by id; access is the caller's to decide."""
    if not document_ids:
        return {}
    wanted = ROWS.where(document.c.id.in_(document_ids))
    rows = db.session.execute(wanted, {"reader_id": actor.user_id})
    return {row[0]: document_row(row) for row in rows}


def document_row(row: Sequence[Any]) -> DocumentRow:
    """A `DocumentRow` from a row of `ROWS`."""
    document_id, name_sealed, *others = row
    return DocumentRow(document_id, Document.name.open(document_id, name_sealed), *others)
