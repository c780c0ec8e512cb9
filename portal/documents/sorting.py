"""In which order the documents of a folder come, a page of them at a time.

Paged by key: a page goes on behind the last row of the one before, whatever was added meanwhile.
Names are sealed, so the database can't sort by them: all names of the folder are opened here for
each page, and of the other columns only the page's rows are read (docs/decisions/0022).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Select, asc, bindparam, case, desc, select, tuple_

from portal.audit.actor import Actor
from portal.core.texts import folded
from portal.documents.kinds import PLACES, place_of
from portal.documents.models import Document
from portal.documents.rows import (
    PAGE_SIZE,
    ROWS,
    DocumentRow,
    document,
    document_row,
    find_rows,
    version,
)
from portal.tenancy.session import db

MAX_NAMES = 20_000  # that are opened for a page


class By(StrEnum):
    """What documents are sorted by."""

    NAME = "name"
    KIND = "kind"
    SIZE = "size"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Order:
    """An order of documents: the last changed first, unless it says otherwise."""

    by: By = By.CHANGED
    is_descending: bool = True


USUAL = Order()
Cursor = tuple[datetime | int | None, UUID]  # what a row is sorted by, but for names, and its id


@dataclass(frozen=True, slots=True)
class Page:
    """A page of documents, the order they are in, and where to go on from."""

    rows: Sequence[DocumentRow]
    order: Order
    further: Cursor | None


_KEYS: dict[By, Any] = {
    By.KIND: case(PLACES, value=version.c.media_type, else_=place_of("")),
    By.SIZE: version.c.size_bytes,
    By.CHANGED: document.c.updated_at,
}


def page_of(actor: Actor, folder_id: UUID | None, order: Order, after: Cursor | None) -> Page:
    """The live documents of a folder or the top that come next; access is the caller's to decide.

    Takes one statement, by name two. A folder of too many names comes in the usual order.
    """
    if order.by == By.NAME:
        ids = _ids_by_name(folder_id, order, after)
        if ids is not None:
            found = find_rows(actor, ids)
            return _page([found[one] for one in ids if one in found], order)
        order, after = USUAL, None
    statement = _sorted(order, folder_id is None)
    if after is not None:
        here = tuple_(_KEYS[order.by], document.c.id)
        statement = statement.where(here < after if order.is_descending else here > after)
    given = {"folder_id": folder_id, "reader_id": actor.user_id}
    rows = db.session.execute(statement, given)
    return _page([document_row(row) for row in rows], order)


@cache
def _sorted(order: Order, is_top: bool) -> Select[Any]:
    """What a list asks, put together once: that takes longer than to run it.

    Folder and trash are the same for all that is listed. Named in the order all the same, they let
    PostgreSQL read the page off ix_document_folder_id; else it would sort the whole folder.
    """
    columns = (document.c.folder_id, document.c.trashed_at, _KEYS[order.by], document.c.id)
    direction = desc if order.is_descending else asc
    listed = ROWS.where(*_lies_in(is_top)).order_by(*map(direction, columns))
    return listed.limit(PAGE_SIZE + 1)


def _ids_by_name(
    folder_id: UUID | None, order: Order, after: Cursor | None
) -> Sequence[UUID] | None:
    """The ids of a page and one more; None for too many names.

    Behind a document that lies there no more it begins anew: where its name would stand is nothing
    to tell whoever may not read it.
    """
    names = select(document.c.id, document.c.name_sealed).where(*_lies_in(folder_id is None))
    rows = db.session.execute(names.limit(MAX_NAMES + 1), {"folder_id": folder_id}).all()
    if len(rows) > MAX_NAMES:
        return None
    named = [(folded(Document.name.open(*row)), row[0]) for row in rows]
    ids = [document_id for _, document_id in sorted(named, reverse=order.is_descending)]
    start = ids.index(after[1]) + 1 if after and after[1] in ids else 0
    return ids[start : start + PAGE_SIZE + 1]


def _lies_in(is_top: bool) -> Sequence[Any]:
    folder = document.c.folder_id
    place = folder.is_(None) if is_top else folder == bindparam("folder_id")
    return place, document.c.trashed_at.is_(None)


def _page(rows: Sequence[DocumentRow], order: Order) -> Page:
    last = rows[PAGE_SIZE - 1] if len(rows) > PAGE_SIZE else None
    return Page(rows[:PAGE_SIZE], order, (_key(last, order.by), last.id) if last else None)


def _key(row: DocumentRow, by: By) -> datetime | int | None:
    if by == By.KIND:
        return place_of(row.media_type)
    if by == By.SIZE:
        return row.size_bytes
    return row.updated_at if by == By.CHANGED else None
