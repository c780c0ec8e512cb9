"""Finding folders and documents by their names, over all that one may see.

Names are sealed, and nothing of them lies anywhere for a database to search: they are opened here
as their rows come in, and compared (docs/decisions/0020).
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import CTE, ColumnElement, Select, and_, exists, func, or_, select

from portal.access.decision import Forbidden, decide, holds_anywhere
from portal.access.permissions import Permission
from portal.audit.actor import Actor
from portal.core.paging import page_within
from portal.core.texts import folded
from portal.documents.models import Document, DocumentVersion, Folder
from portal.documents.places import TOP, FolderRow, Place, list_places, live_tree
from portal.documents.queries import find_given_folders, get_folder
from portal.documents.rows import PAGE_SIZE, DocumentRow, find_rows
from portal.documents.types import Family, media_types_of
from portal.tenancy.session import db
from portal.users.models import User

MAX_NAMES = 50_000  # that one search opens
READ = Permission.DOCUMENT_READ

_Sealed = Select[UUID, UUID | None, bytes]  # what it is, where it lies, its name
FOLDERS = "folders"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is searched for: words of a name, and what else it has to be."""

    text: str = ""
    kind: str = ""  # `FOLDERS` or a `Family`; "" is anything
    owner: str = ""  # a part of the owner's name
    folder_id: UUID | None = None  # beneath which it lies
    page: int = 1

    @property
    def words(self) -> Sequence[str]:
        """The words as they are compared."""
        return folded(self.text).split()

    @property
    def is_anything(self) -> bool:
        """Whether nothing was asked for."""
        return not (self.words or self.kind or self.owner)


@dataclass(frozen=True, slots=True)
class Hit:
    """Something that was found, and where it lies as far as the reader is told."""

    folder: FolderRow | None
    document: DocumentRow | None
    place: Place


@dataclass(frozen=True, slots=True)
class Found:
    """A page of what was found, the best first. Not whole: there were too many names to open."""

    hits: Sequence[Hit]
    total: int
    page: int
    pages: int
    is_whole: bool


class _Match(NamedTuple):
    """A name that fits. Matches sort as they are shown."""

    rank: int
    name: str
    id: UUID
    folder_id: UUID | None  # where it lies
    is_folder: bool


class _Tree(NamedTuple):
    """The live folders in which is searched, and whether what lies in none is as well."""

    folders: CTE
    has_top: bool


def search_names(actor: Actor, wanted: Wanted) -> Found:
    """A page of what fits among all that `actor` may see. Takes six statements at most.

    Raises `NotFound` or `Forbidden`.
    """
    tree = _tree_seen(actor, wanted.folder_id)
    if wanted.is_anything:
        return Found((), 0, 1, 1, is_whole=True)
    names = _names(tree, wanted)
    matches = sorted(_matches(islice(names, MAX_NAMES), wanted.words))
    page, pages = page_within(wanted.page, len(matches), PAGE_SIZE)
    shown = matches[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]
    is_whole = next(names, None) is None
    return Found(_hits(actor, shown), len(matches), page, pages, is_whole)


def rank(name: str, words: Sequence[str]) -> int | None:
    """How well a folded name fits: 0 is best, None not at all. Every word has to be in it."""
    if not all(word in name for word in words):
        return None
    whole = " ".join(words)
    if whole in (name, name.rpartition(".")[0]):
        return 0
    if name.startswith(whole):
        return 1
    return 2 if any(part.startswith(words[0]) for part in re.split(r"[\W_]+", name)) else 3


def _tree_seen(actor: Actor, folder_id: UUID | None) -> _Tree:
    if folder_id is not None:
        get_folder(actor, folder_id, READ)
        return _Tree(live_tree(Folder.parent_id == folder_id), has_top=False)
    if decide(actor, READ, TOP.target()):
        return _Tree(live_tree(Folder.parent_id.is_(None)), has_top=True)
    if not holds_anywhere(actor, READ):
        raise Forbidden(READ, TOP.target())
    given = [folder.id for folder in find_given_folders(actor, READ)]
    return _Tree(live_tree(Folder.id.in_(given)), has_top=False)


def _names(tree: _Tree, wanted: Wanted) -> Iterator[tuple[bool, UUID, UUID | None, bytes]]:
    """The sealed names to compare, with what they are and where they lie, as they are read."""
    if wanted.kind in ("", FOLDERS):
        for row in _streamed(_folders(tree, wanted)):
            yield True, *row
    if wanted.kind != FOLDERS:
        for row in _streamed(_documents(tree, wanted)):
            yield False, *row


def _streamed(statement: _Sealed) -> Iterator[Any]:
    yield from db.session.execute(statement, execution_options={"yield_per": 500})


def _folders(tree: _Tree, wanted: Wanted) -> _Sealed:
    columns = (Folder.id, Folder.parent_id, Folder.name_sealed)
    within = Folder.id.in_(select(tree.folders.c.id))
    return select(*columns).where(within, *_owned(Folder.created_by, wanted))


def _documents(tree: _Tree, wanted: Wanted) -> _Sealed:
    """The last changed first: where there are too many names, the older ones stay closed."""
    columns = (Document.id, Document.folder_id, Document.name_sealed)
    within: ColumnElement[bool] = Document.folder_id.in_(select(tree.folders.c.id))
    if tree.has_top:
        within = or_(within, Document.folder_id.is_(None))
    elif wanted.folder_id is not None:
        within = or_(within, Document.folder_id == wanted.folder_id)
    statement = select(*columns).where(within, Document.trashed_at.is_(None))
    if wanted.kind:
        newest = and_(
            DocumentVersion.document_id == Document.id,
            DocumentVersion.number == Document.version_number,
            DocumentVersion.media_type.in_(media_types_of(Family(wanted.kind))),
        )
        statement = statement.where(exists().where(newest))
    statement = statement.where(*_owned(Document.created_by, wanted))
    return statement.order_by(Document.updated_at.desc(), Document.id.desc())


def _owned(created_by: Any, wanted: Wanted) -> Sequence[ColumnElement[bool]]:
    if not wanted.owner:
        return ()
    called = func.lower(User.name).contains(wanted.owner.lower(), autoescape=True)
    return (created_by.in_(select(User.id).where(called)),)


def _matches(
    names: Iterator[tuple[bool, UUID, UUID | None, bytes]], words: Sequence[str]
) -> Iterator[_Match]:
    for is_folder, thing_id, folder_id, sealed in names:
        model = Folder if is_folder else Document
        name = folded(model.name.open(thing_id, sealed))
        found = rank(name, words) if words else 0
        if found is not None:
            yield _Match(found, name, thing_id, folder_id, is_folder)


def _hits(actor: Actor, matches: Sequence[_Match]) -> Sequence[Hit]:
    lie_in = [match.id if match.is_folder else match.folder_id for match in matches]
    places = list_places({folder_id for folder_id in lie_in if folder_id}) | {None: TOP}
    documents = find_rows(actor, [match.id for match in matches if not match.is_folder])
    hits = []
    for match in matches:
        if match.is_folder:
            folder, *above = places[match.id].folders
            hits.append(Hit(folder, None, Place(tuple(above)).seen_by(actor, READ)))
        elif match.id in documents:
            place = places[match.folder_id].seen_by(actor, READ)
            hits.append(Hit(None, documents[match.id], place))
    return hits
