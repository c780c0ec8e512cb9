"""The trash as a list of what its reader may take out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import or_, select, tuple_

from portal.access.decision import Forbidden, decide, folders_of, holds_anywhere
from portal.access.permissions import Permission
from portal.audit.actor import Actor
from portal.core import clock
from portal.documents.gone import gone_folders
from portal.documents.models import Document, Folder
from portal.documents.places import TOP, Place, list_places, subtree_of
from portal.documents.retention.facts import ends_by_rules
from portal.documents.rows import PAGE_SIZE, Cursor
from portal.tenancy.session import db


@dataclass(frozen=True, slots=True)
class TrashedRow:
    """A folder or document in the trash."""

    kind: str
    id: UUID
    name: str
    lay_in: UUID | None  # the folder; None at the top
    place: Place  # as much of it as the reader is told
    trashed_at: datetime
    trashed_by: UUID | None
    gone_at: datetime


@dataclass(frozen=True, slots=True)
class Trash:
    """A page of the trash, last deleted first, and where to go on from."""

    rows: Sequence[TrashedRow]
    older: Cursor | None


def list_trash(actor: Actor, before: Cursor | None = None) -> Trash:
    """A page of what the actor may restore, last deleted first. Raises `Forbidden`.

    What lies inside a folder in the trash comes and goes with the folder and is not listed, nor is
    what has been there for its time: it is gone for good, whether it is destroyed yet or not.
    """
    if not holds_anywhere(actor, Permission.DOCUMENT_DELETE):
        raise Forbidden(Permission.DOCUMENT_DELETE, TOP.target())
    folders = _trashed(Folder, Folder.parent_id, actor, before)
    documents = _trashed(Document, Document.folder_id, actor, before)
    found = [_Found("folder", Folder, row) for row in folders]
    found += [_Found("document", Document, row) for row in documents]
    found.sort(key=lambda one: (one.row.trashed_at, one.row.id), reverse=True)
    last = found[PAGE_SIZE - 1].row if len(found) > PAGE_SIZE else None
    older = (last.trashed_at, last.id) if last else None
    return Trash(_shown(actor, found[:PAGE_SIZE]), older)


class _Found(NamedTuple):
    kind: str
    model: type[Folder | Document]
    row: Any


def _shown(actor: Actor, found: Sequence[_Found]) -> Sequence[TrashedRow]:
    ends = ends_by_rules([row.id for kind, _, row in found if kind == "document"])
    places = list_places({row.lay_in for _, _, row in found if row.lay_in}) | {None: TOP}
    return [
        TrashedRow(
            kind,
            row.id,
            model.name.open(row.id, row.name_sealed),
            row.lay_in,
            places[row.lay_in].seen_by(actor, Permission.DOCUMENT_READ),
            row.trashed_at,
            row.trashed_by,
            min(row.purge_at, ends.get(row.id, row.purge_at)),
        )
        for kind, model, row in found
    ]


def _trashed(
    model: type[Folder | Document], parent: Any, actor: Actor, before: Cursor | None
) -> Sequence[Any]:
    columns = (
        model.id,
        model.name_sealed,
        parent.label("lay_in"),
        model.trashed_at,
        model.trashed_by,
        model.purge_at,
    )
    now = clock.now()
    gone = select(gone_folders(now).c.id)
    statement = select(*columns).where(
        model.trashed_at.is_not(None),
        model.purge_at > now,
        or_(parent.is_(None), parent.not_in(gone)),
    )
    if before is not None:
        statement = statement.where(tuple_(model.trashed_at, model.id) < before)
    if not decide(actor, Permission.DOCUMENT_DELETE):
        within = subtree_of(sorted(folders_of(actor, Permission.DOCUMENT_DELETE)))
        ids = select(within.c.id)
        statement = statement.where(or_(parent.in_(ids), model.id.in_(ids)))
    statement = statement.order_by(model.trashed_at.desc(), model.id.desc()).limit(PAGE_SIZE + 1)
    return db.session.execute(statement).all()
