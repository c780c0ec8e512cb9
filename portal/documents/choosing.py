"""Choosing a folder: down the tree, a level at a time.

Names are sealed, so the database can neither sort nor search them. A level is sorted here, which
opens the names of its folders and of no others.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from portal.access.decision import decide, require
from portal.access.permissions import Permission
from portal.audit.actor import Actor
from portal.core.errors import NotFound
from portal.core.paging import page_within
from portal.documents.places import TOP, FolderRow, Place
from portal.documents.queries import find_given_folders, find_with_subfolders

PAGE_SIZE = 50


@dataclass(frozen=True, slots=True)
class Spot:
    """Where in the tree one is: a folder or the top, and the page of what lies in it."""

    folder_id: UUID | None = None
    page: int = 1


@dataclass(frozen=True, slots=True)
class Level:
    """A place as the reader sees it, with a page of its folders by name.

    `place` is whole, `seen` what the reader may be told of it.
    """

    place: Place
    seen: Place
    folders: Sequence[FolderRow]
    page: int
    pages: int
    is_held: bool


def list_level(
    actor: Actor, permission: Permission, spot: Spot, without: UUID | None = None
) -> Level:
    """The folders in a place on which `actor` holds `permission`, in one statement at most.

    Whoever holds it on nothing but some folders finds just these at the top. `without` leaves out a
    folder and all beneath it. Raises `NotFound` or `Forbidden`.
    """
    is_held = spot.folder_id is not None or decide(actor, permission, TOP.target())
    if is_held:
        place, found = find_with_subfolders(spot.folder_id)
        require(actor, permission, place.target())
    else:
        place, found = TOP, find_given_folders(actor, permission)
    if without is not None and without in (folder.id for folder in place.folders):
        raise NotFound
    folders = [folder for folder in found if folder.id != without]
    page, pages = page_within(spot.page, len(folders), PAGE_SIZE)
    shown = folders[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]
    return Level(place, place.seen_by(actor, permission), shown, page, pages, is_held)
