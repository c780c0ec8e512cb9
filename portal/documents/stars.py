"""The documents that people star, each for themselves."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from portal.access.permissions import Permission
from portal.audit.actions import Action
from portal.audit.actor import Actor
from portal.audit.service import record
from portal.core import clock
from portal.core.errors import Conflict
from portal.core.ids import new_id
from portal.documents.gathered import Gathered, gather
from portal.documents.models import DocumentStar
from portal.documents.queries import get_document, lock_document
from portal.documents.rows import Cursor
from portal.documents.things import WrongChoice, ids_of_things
from portal.tenancy.binding import bound_tenant_id
from portal.tenancy.session import change, db

MAX_STARS = 500  # of one person


def star_document(actor: Actor, document_id: UUID) -> None:
    """Star a document that the actor may read. Raises `NotFound`, `Forbidden` or `Conflict`."""
    lock_document(actor, document_id, Permission.DOCUMENT_READ)
    if not _add_star(actor, document_id):
        return
    mine = select(func.count()).where(DocumentStar.user_id == actor.user_id)
    if (db.session.scalar(mine) or 0) > MAX_STARS:
        raise Conflict(f"You have starred {MAX_STARS} documents. Remove the star from some first.")
    record(actor, Action.DOCUMENT_STARRED, f"document:{document_id}")


def star_things(actor: Actor, things: Collection[str]) -> int:
    """Star all documents that were chosen, and tell how many. Raises as `star_document`, or
    `WrongChoice` where a folder is among them.
    """
    folder_ids, document_ids = ids_of_things(things)
    if folder_ids:
        raise WrongChoice("Only documents can be starred. Leave the folders out.")
    for document_id in document_ids:
        star_document(actor, document_id)
    return len(document_ids)


def unstar_document(actor: Actor, document_id: UUID) -> None:
    """Take the actor's star from a document. Raises `NotFound` or `Forbidden`."""
    get_document(actor, document_id, Permission.DOCUMENT_READ)
    own = delete(DocumentStar).where(
        DocumentStar.user_id == actor.user_id, DocumentStar.document_id == document_id
    )
    if change(own):
        record(actor, Action.DOCUMENT_UNSTARRED, f"document:{document_id}")


def list_starred(actor: Actor, before: Cursor | None = None) -> Gathered:
    """A page of what the actor has starred and may read, the last starred first."""
    own = select(DocumentStar.document_id, DocumentStar.starred_at)
    rows = db.session.execute(own.where(DocumentStar.user_id == actor.user_id))
    return gather(actor, {row[0]: row[1] for row in rows}, before)


def _add_star(actor: Actor, document_id: UUID) -> bool:
    """Whether there was none. Whoever presses twice gets one star, and no error."""
    dialect = postgresql if db.session.get_bind().dialect.name == "postgresql" else sqlite
    row = {
        "tenant_id": bound_tenant_id(),
        "id": new_id(),
        "user_id": actor.user_id,
        "document_id": document_id,
        "starred_at": clock.now(),
    }
    insert = dialect.insert(DocumentStar).values(row).on_conflict_do_nothing()
    return bool(db.session.scalars(insert.returning(DocumentStar.id)).all())
