"""Reading folders and documents. Every function decides access itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, or_, select

from portal.access.decision import (
    Forbidden,
    decide,
    folders_of,
    holds_anywhere,
    permissions_on,
    require,
)
from portal.access.permissions import Permission
from portal.audit.actor import Actor
from portal.core.errors import NotFound
from portal.documents import sorting
from portal.documents.models import Document, Folder
from portal.documents.places import (
    COLUMNS,
    TOP,
    FolderRow,
    Place,
    chains_to,
    folder_row,
    get_place,
    list_places,
    place_from,
)
from portal.documents.rows import DocumentRow, find_rows
from portal.documents.sorting import USUAL, By, Order
from portal.tenancy.binding import bound_tenant_id
from portal.tenancy.session import db

FOLDERS_SIZE = 200  # of a page of folders: there is less in each of their rows

After = sorting.Cursor | UUID  # where a folder's list goes on: behind a document, or a folder


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of what a folder holds: its place, folders in it by name, then documents."""

    place: Place
    folders: Sequence[FolderRow]
    documents: Sequence[DocumentRow]
    order: Order
    further: After | None
    permissions: frozenset[Permission]


@dataclass(frozen=True, slots=True)
class Located:
    """A document and where it lies."""

    document: Document
    place: Place


@dataclass(frozen=True, slots=True)
class ShownDocument:
    """A document's page: what it is, where it lies, what the reader may do."""

    row: DocumentRow
    version_number: int
    created_at: datetime
    place: Place
    permissions: frozenset[Permission]


_folder = Folder.__table__
_TOP_FOLDERS = select(*COLUMNS).where(_folder.c.parent_id.is_(None), _folder.c.trashed_at.is_(None))


def list_folder(
    actor: Actor, folder_id: UUID | None, after: After | None = None, order: Order = USUAL
) -> Listing:
    """A folder's content, in two statements; by name in three. Raises `NotFound` or `Forbidden`.

    Folders come first. Whoever may read nothing but some folders finds just these at the top.
    """
    is_shared = folder_id is None and not decide(actor, Permission.DOCUMENT_READ, TOP.target())
    if is_shared:
        place, folders = TOP, _shared_folders(actor)
    else:
        place, folders = find_with_subfolders(folder_id)
        require(actor, Permission.DOCUMENT_READ, place.target())
    if order == Order(By.NAME, is_descending=True):
        folders = folders[::-1]
    shown, further = _folders_behind(folders, after)
    if further or is_shared:
        page = sorting.Page((), order, None)
    else:
        behind = None if isinstance(after, UUID) else after
        page = sorting.page_of(actor, folder_id, order, behind)
    return _listing(actor, place, shown, page, further or page.further)


def get_document(actor: Actor, document_id: UUID, permission: Permission) -> Located:
    """A live document on which the actor holds `permission`. Raises `NotFound` or `Forbidden`."""
    return _live(actor, find_anywhere(document_id), permission)


def lock_document(actor: Actor, document_id: UUID, permission: Permission) -> Located:
    """The same as `get_document`, as it is now and until the transaction ends: for who changes it.

    A run that destroys it or has it be gone was waited for, and so was whoever moved it.
    """
    identity = (bound_tenant_id(), document_id)
    document = db.session.get(Document, identity, with_for_update=True, populate_existing=True)
    if document is None:
        raise NotFound
    return _live(actor, Located(document, get_place(document.folder_id)), permission)


def show_document(actor: Actor, document_id: UUID) -> ShownDocument:
    """A live document for its own page. Raises `NotFound` or `Forbidden`."""
    located = get_document(actor, document_id, Permission.DOCUMENT_READ)
    row = find_rows(actor, [document_id])[document_id]
    return ShownDocument(
        row,
        located.document.version_number,
        located.document.created_at,
        located.place,
        permissions_on(actor, located.place.target()),
    )


def find_anywhere(document_id: UUID) -> Located:
    """A document, in the trash or not; access is the caller's to decide. Raises `NotFound`."""
    document = db.session.get(Document, (bound_tenant_id(), document_id))
    if document is None:
        raise NotFound
    return Located(document, get_place(document.folder_id))


def get_folder(actor: Actor, folder_id: UUID, permission: Permission) -> Place:
    """A live folder on which the actor holds `permission`. Raises `NotFound` or `Forbidden`."""
    place = get_place(folder_id)
    if not place.is_live:
        raise NotFound
    require(actor, permission, place.target())
    return place.seen_by(actor, permission)


def find_with_subfolders(folder_id: UUID | None) -> tuple[Place, Sequence[FolderRow]]:
    """A live place and the live folders in it by name, in one statement; access is the caller's.

    Raises `NotFound`.
    """
    statement = _TOP_FOLDERS
    if folder_id is not None:
        beneath = and_(_folder.c.parent_id == folder_id, _folder.c.trashed_at.is_(None))
        above = _folder.c.id.in_(select(chains_to([folder_id]).c.id))
        statement = select(*COLUMNS).where(or_(beneath, above))
    rows = [folder_row(row) for row in db.session.execute(statement)]
    subfolders = [row for row in rows if row.parent_id == folder_id]
    if folder_id is None:
        place = TOP
    else:
        place = place_from({row.id: row for row in rows}, folder_id)
        if not place.is_live:
            raise NotFound
    return place, sorted(subfolders, key=lambda row: row.name.casefold())


def find_given_folders(actor: Actor, permission: Permission) -> Sequence[FolderRow]:
    """The live folders on which the actor was given `permission`, by name."""
    folder_ids = folders_of(actor, permission)
    places = list_places(folder_ids).values()
    live = [place.folders[0] for place in places if place.is_live]
    return sorted(live, key=lambda row: row.name.casefold())


def _live(actor: Actor, located: Located, permission: Permission) -> Located:
    if located.document.trashed_at is not None or not located.place.is_live:
        raise NotFound
    require(actor, permission, located.place.target(f"document:{located.document.id}"))
    return Located(located.document, located.place.seen_by(actor, permission))


def _shared_folders(actor: Actor) -> Sequence[FolderRow]:
    if not holds_anywhere(actor, Permission.DOCUMENT_READ):
        raise Forbidden(Permission.DOCUMENT_READ, TOP.target())
    return find_given_folders(actor, Permission.DOCUMENT_READ)


def _folders_behind(
    folders: Sequence[FolderRow], after: After | None
) -> tuple[Sequence[FolderRow], UUID | None]:
    """A page of the folders, and the last of it if there are more. Behind a document there are
    none.
    """
    if isinstance(after, tuple):
        return (), None
    ids = [folder.id for folder in folders]
    start = ids.index(after) + 1 if after in ids else 0
    stop = start + FOLDERS_SIZE
    return folders[start:stop], ids[stop - 1] if len(ids) > stop else None


def _listing(
    actor: Actor,
    place: Place,
    folders: Sequence[FolderRow],
    page: sorting.Page,
    further: After | None,
) -> Listing:
    return Listing(
        place.seen_by(actor, Permission.DOCUMENT_READ),
        folders,
        page.rows,
        page.order,
        further,
        permissions_on(actor, place.target()),
    )
