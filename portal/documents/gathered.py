"""Documents from wherever they lie, in one list of a person's own.

What somebody marked or did once says nothing of what they may read now: a list holds only what is
live and may still be read.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from portal.access.decision import decide
from portal.access.permissions import Permission
from portal.audit.actor import Actor
from portal.documents.models import Document
from portal.documents.places import TOP, Place, list_places
from portal.documents.rows import PAGE_SIZE, Cursor, DocumentRow, find_rows
from portal.tenancy.session import db

READ = Permission.DOCUMENT_READ


@dataclass(frozen=True, slots=True)
class GatheredRow:
    """A document of such a list: where it lies as far as the reader is told, and since when."""

    document: DocumentRow
    place: Place
    at: datetime


@dataclass(frozen=True, slots=True)
class Gathered:
    """A page of such a list, the latest first, and where to go on from."""

    rows: Sequence[GatheredRow]
    older: Cursor | None


def gather(actor: Actor, times: Mapping[UUID, datetime], before: Cursor | None) -> Gathered:
    """A page of those documents that the actor may read, by their times; in three statements."""
    marked = sorted(((at, document_id) for document_id, at in times.items()), reverse=True)
    places = _readable(actor, times)
    shown = [mark for mark in marked if mark[1] in places and (before is None or mark < before)]
    page = shown[:PAGE_SIZE]
    documents = find_rows(actor, [document_id for _, document_id in page])
    rows = [
        GatheredRow(documents[document_id], places[document_id].seen_by(actor, READ), at)
        for at, document_id in page
        if document_id in documents
    ]
    return Gathered(rows, page[-1] if len(shown) > PAGE_SIZE else None)


def _readable(actor: Actor, document_ids: Collection[UUID]) -> Mapping[UUID, Place]:
    """Where those of some documents lie that are live and that the actor may read."""
    if not document_ids:
        return {}
    columns = select(Document.id, Document.folder_id)
    live = columns.where(Document.id.in_(document_ids), Document.trashed_at.is_(None))
    lie_in = {row[0]: row[1] for row in db.session.execute(live)}
    places = list_places({one for one in lie_in.values() if one}) | {None: TOP}
    readable = {
        folder_id
        for folder_id, place in places.items()
        if place.is_live and decide(actor, READ, place.target())
    }
    return {one: places[folder] for one, folder in lie_in.items() if folder in readable}
