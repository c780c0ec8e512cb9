"""A copying that is sent twice copies once: by a double click, or by a browser or a proxy that
missed the answer. The page from which it is sent names it, and what it makes is noted by that name.
"""

from uuid import UUID, uuid5

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from portal.audit.actor import Actor
from portal.documents.models import Document, DocumentCopy
from portal.tenancy.binding import bound_tenant_id
from portal.tenancy.session import db


class CopiedMeanwhile(Exception):
    """The same copying has made its document while this one was at work."""


def copying_of(actor: Actor, page_id: UUID, document_id: UUID, folder_id: UUID | None) -> UUID:
    """The id of the copying of one document to one place, asked for by whoever was shown a page.

    The page's id comes from a browser. With the actor in it nobody is answered with what another
    one has made, and what is chosen anew on the same page is another copying.
    """
    return uuid5(page_id, f"{actor.user_id} {document_id} {folder_id}")


def find_copied(copying_id: UUID) -> Document | None:
    """What the copying has made, if that was not deleted since."""
    made = select(DocumentCopy.document_id).where(DocumentCopy.id == copying_id)
    is_live = Document.trashed_at.is_(None)
    found = db.session.scalars(select(Document).where(Document.id.in_(made), is_live))
    return found.one_or_none()


def note_copied(copying_id: UUID, document: Document) -> None:
    """Note what the copying makes. Raises `CopiedMeanwhile` if it has made something.

    If the same copying is just about to make something, the database waits for what becomes of it.
    """
    dialect = postgresql if db.session.get_bind().dialect.name == "postgresql" else sqlite
    row = {"tenant_id": bound_tenant_id(), "id": copying_id, "document_id": document.id}
    insert = dialect.insert(DocumentCopy).values(row).on_conflict_do_nothing()
    if not db.session.scalars(insert.returning(DocumentCopy.id)).all():
        raise CopiedMeanwhile
