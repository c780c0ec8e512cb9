"""Where things lie: a folder with all folders above it, which is what access is decided on."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CTE, ColumnElement, Select, literal, select

from portal.access.decision import Target, decide
from portal.access.permissions import Permission
from portal.audit.actor import Actor
from portal.core.errors import NotFound
from portal.documents.models import Folder
from portal.tenancy.session import db

MAX_DEPTH = 30


@dataclass(frozen=True, slots=True)
class FolderRow:
    """A folder as lists show it."""

    id: UUID
    parent_id: UUID | None
    name: str
    created_at: datetime
    is_trashed: bool


@dataclass(frozen=True, slots=True)
class Place:
    """A folder and those above it, nearest first; without any, the top."""

    folders: Sequence[FolderRow] = ()

    @property
    def folder_id(self) -> UUID | None:
        """The folder itself; None at the top."""
        return self.folders[0].id if self.folders else None

    @property
    def is_live(self) -> bool:
        """Whether neither the folder nor any above it is in the trash."""
        return not any(folder.is_trashed for folder in self.folders)

    def seen_by(self, actor: Actor, permission: Permission) -> "Place":
        """The place less the folders above on which the actor does not hold `permission`.

        Whoever was given one folder is not told what the folders around it are called.
        """
        return Place(
            tuple(
                folder
                for at, folder in enumerate(self.folders)
                if decide(actor, permission, Place(self.folders[at:]).target())
            )
        )

    def target(self, name: str = "") -> Target:
        """What to ask `decide` about a thing that lies here, or about the place itself."""
        own_name = f"folder:{self.folder_id}" if self.folders else "documents"
        return Target(name or own_name, tuple(folder.id for folder in self.folders))


TOP = Place()

# Rows of the table, not of the model: every list asks for them, and the ORM takes twice as long.
_folder = Folder.__table__
COLUMNS = (
    _folder.c.id,
    _folder.c.parent_id,
    _folder.c.name_sealed,
    _folder.c.created_at,
    _folder.c.trashed_at,
)


def chains_to(folder_ids: Collection[UUID] | Select[UUID]) -> CTE:
    """The ids from folders up to the top. Ends at `MAX_DEPTH`, whatever the rows say."""
    chain = (
        select(_folder.c.id, _folder.c.parent_id, literal(0).label("depth"))
        .where(_folder.c.id.in_(folder_ids))
        .cte("chain", recursive=True)
    )
    return chain.union_all(
        select(_folder.c.id, _folder.c.parent_id, chain.c.depth + 1)
        .join(chain, _folder.c.id == chain.c.parent_id)
        .where(chain.c.depth < MAX_DEPTH)
    )


def subtree_of(folder_ids: Sequence[UUID] | Select[UUID], name: str = "subtree") -> CTE:
    """The ids of folders and of all beneath them. Two in one statement need two names."""
    tree = (
        select(_folder.c.id, literal(0).label("depth"))
        .where(_folder.c.id.in_(folder_ids))
        .cte(name, recursive=True)
    )
    return tree.union_all(
        select(_folder.c.id, tree.c.depth + 1)
        .join(tree, _folder.c.parent_id == tree.c.id)
        .where(tree.c.depth < MAX_DEPTH)
    )


def live_tree(roots: ColumnElement[bool]) -> CTE:
    """The ids of folders and of all beneath them, less what is in the trash."""
    is_live = _folder.c.trashed_at.is_(None)
    tree = (
        select(_folder.c.id, literal(0).label("depth"))
        .where(roots, is_live)
        .cte("live", recursive=True)
    )
    return tree.union_all(
        select(_folder.c.id, tree.c.depth + 1)
        .join(tree, _folder.c.parent_id == tree.c.id)
        .where(is_live, tree.c.depth < MAX_DEPTH)
    )


def get_place(folder_id: UUID | None) -> Place:
    """A folder with those above it. Raises `NotFound` unless all of them are there."""
    if folder_id is None:
        return TOP
    rows = db.session.execute(
        select(*COLUMNS).where(_folder.c.id.in_(select(chains_to([folder_id]).c.id)))
    )
    return place_from({row[0]: folder_row(row) for row in rows}, folder_id)


def list_places(folder_ids: Collection[UUID]) -> dict[UUID | None, Place]:
    """The places of several folders, by the folder's id."""
    if not folder_ids:
        return {}
    rows = db.session.execute(
        select(*COLUMNS).where(_folder.c.id.in_(select(chains_to(folder_ids).c.id)))
    )
    folders = {row[0]: folder_row(row) for row in rows}
    return {folder_id: place_from(folders, folder_id) for folder_id in folder_ids}


def place_from(folders: dict[UUID, FolderRow], folder_id: UUID) -> Place:
    """The place of `folder_id`, put together from folders by id. Raises `NotFound`."""
    chain: list[FolderRow] = []
    at: UUID | None = folder_id
    while at is not None:
        if at not in folders or len(chain) > MAX_DEPTH:
            raise NotFound
        chain.append(folders[at])
        at = folders[at].parent_id
    return Place(tuple(chain))


def get_live_place(folder_id: UUID | None) -> Place:
    """Like `get_place`, but what lies in the trash is not found."""
    place = get_place(folder_id)
    if not place.is_live:
        raise NotFound
    return place


def folder_row(row: Sequence[Any]) -> FolderRow:
    """A `FolderRow` from a row of `COLUMNS`."""
    folder_id, parent_id, name_sealed, created_at, trashed_at = row
    name = Folder.name.open(folder_id, name_sealed)
    return FolderRow(folder_id, parent_id, name, created_at, trashed_at is not None)
