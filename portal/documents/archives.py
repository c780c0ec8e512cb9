"""Folders with all in them, and documents, as one file to take along.

It is put together while it is sent, so nothing of it lies anywhere, and memory stays the same for
any size. Each document is opened when its turn comes, which asks anew whether it may be had, and is
one entry of the log, as every download is: whoever breaks off has got no more than is told of.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import PurePosixPath
from typing import Any
from unicodedata import combining
from uuid import UUID

from sqlalchemy import and_, or_, select

from portal.access.permissions import Permission
from portal.audit.actions import Action
from portal.audit.actor import Actor
from portal.audit.service import record
from portal.core.errors import Conflict
from portal.documents.downloads import Download, open_download
from portal.documents.many import Chosen, list_chosen
from portal.documents.models import Document, DocumentVersion, Folder
from portal.documents.places import COLUMNS, FolderRow, folder_row, live_tree
from portal.tenancy.session import db

MAX_DOCUMENTS = 10_000
LONGEST_NAME, LONGEST_ENDING, NUMBER_ROOM = 255, 50, 12  # bytes of UTF-8
# What Windows takes for something else in a name, and the names that it keeps for devices.
_REFUSED = re.compile(r'[\x00-\x1f<>:"/\\|?*]|[. ]+$')
_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Packed:
    """One document of an archive: the version that was the newest when it was begun."""

    path: str
    document_id: UUID
    version_id: UUID
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Archive:
    """What is to be packed: folders, for the sake of the empty ones, and documents."""

    name: str
    folders: Sequence[str]
    documents: Sequence[Packed]


def begin_archive(actor: Actor, things: Collection[str]) -> Archive:
    """List folders with all in and beneath them, and documents, to be packed; and record that
    these are wanted.

    Raises `Invalid`, `NotFound`, `Forbidden`, or `Conflict` for too many documents.
    """
    chosen = _outermost(list_chosen(actor, things))
    folder_ids = [one.id for one in chosen if one.is_folder]
    document_ids = [one.id for one in chosen if not one.is_folder]
    documents = _documents(folder_ids, document_ids)
    if len(documents) > MAX_DOCUMENTS:
        raise Conflict(
            f"These are more than {MAX_DOCUMENTS} documents. Download the folders one by one."
        )
    folders = _folders(folder_ids)
    paths, packed = _laid_out(folders, documents, {*folder_ids, *document_ids})
    for folder_id in folder_ids:
        inside = [one for one in packed if one.path.startswith(paths[folder_id])]
        _record(actor, Action.FOLDER_DOWNLOADED, f"folder:{folder_id}", inside)
    if document_ids:
        beside = [one for one in packed if one.document_id in document_ids]
        _record(actor, Action.SELECTION_DOWNLOADED, "documents", beside)
    return Archive(_name(actor, chosen), list(paths.values()), packed)


def open_packed(actor: Actor, packed: Packed) -> Download:
    """Open a document whose turn has come, as of now. Raises what `open_download` raises."""
    return open_download(actor, packed.document_id, packed.version_id)


def safe_name(name: str) -> str:
    """A name that is one and no more wherever it is unpacked, and no longer than disks take."""
    safe = _REFUSED.sub("_", name)
    return _cut(f"_{safe}" if _DEVICE.match(safe) else safe, LONGEST_NAME)


def told_apart(names: Sequence[str]) -> Iterator[str]:
    """The names of one folder as a disk can hold them: each once, also where case is none."""
    taken: set[str] = set()
    numbers: defaultdict[str, Iterator[int]] = defaultdict(lambda: count(2))
    for name in map(safe_name, names):
        free, base = name, _cut(name, LONGEST_NAME - NUMBER_ROOM)
        known = base.casefold()
        while free.casefold() in taken:
            free = _numbered(base, next(numbers[known]))
        taken.add(free.casefold())
        yield free


def _numbered(name: str, number: int) -> str:
    """`Plan (2).txt` of `Plan.txt`."""
    stem, ending = _parted(name)
    return f"{stem} ({number}){ending}"


def _cut(name: str, size: int) -> str:
    """The name in `size` bytes at most, with its ending, and no accent parted from its letter."""
    if len(name.encode()) <= size:
        return name
    stem, ending = _parted(name)
    fitting = stem.encode()[: size - len(ending.encode())].decode(errors="ignore")
    kept = fitting
    while kept and combining(stem[len(kept)]):
        kept = kept[:-1]
    return (kept.rstrip(". ") or fitting) + ending


def _parted(name: str) -> tuple[str, str]:
    """`Plan` and `.txt`. What is as long as a sentence is no ending."""
    ending = PurePosixPath(name).suffix
    if len(ending.encode()) > LONGEST_ENDING:
        ending = ""
    return name.removesuffix(ending), ending


def _record(actor: Actor, action: Action, target: str, packed: Sequence[Packed]) -> None:
    size_bytes = sum(one.size_bytes for one in packed)
    record(actor, action, target, documents=len(packed), size_bytes=size_bytes)


def _outermost(chosen: Sequence[Chosen]) -> Sequence[Chosen]:
    """What was chosen, less what comes with a chosen folder anyway."""
    folder_ids = {one.id for one in chosen if one.is_folder}
    return [one for one in chosen if not folder_ids & {above.id for above in one.place.folders}]


def _name(actor: Actor, chosen: Sequence[Chosen]) -> str:
    """That of the only thing, if it is a folder; else that of the place, if the actor knows it."""
    [first, *others] = chosen
    if first.is_folder and not others:
        return safe_name(first.name)
    seen = first.place.seen_by(actor, Permission.DOCUMENT_READ)
    return safe_name(seen.folders[0].name) if seen.folders else "Documents"


def _folders(folder_ids: Sequence[UUID]) -> Sequence[FolderRow]:
    tree = live_tree(Folder.id.in_(folder_ids))
    statement = select(*COLUMNS).where(COLUMNS[0].in_(select(tree.c.id)))
    return [folder_row(row) for row in db.session.execute(statement)]


def _documents(folder_ids: Sequence[UUID], document_ids: Sequence[UUID]) -> Sequence[Any]:
    """What is chosen or lies in what is: its folder, and all that makes it `Packed`."""
    tree = live_tree(Folder.id.in_(folder_ids))
    newest = and_(
        DocumentVersion.document_id == Document.id,
        DocumentVersion.number == Document.version_number,
    )
    columns = (
        Document.folder_id,
        Document.id,
        Document.name_sealed,
        DocumentVersion.id.label("version_id"),
        DocumentVersion.size_bytes,
    )
    wanted = or_(Document.id.in_(document_ids), Document.folder_id.in_(select(tree.c.id)))
    statement = (
        select(*columns)
        .join(DocumentVersion, newest)
        .where(wanted, Document.trashed_at.is_(None))
        .order_by(Document.created_at, Document.id)
        .limit(MAX_DOCUMENTS + 1)
    )
    return db.session.execute(statement).all()


def _laid_out(
    folders: Sequence[FolderRow], documents: Sequence[Any], chosen: Collection[UUID]
) -> tuple[dict[UUID, str], Sequence[Packed]]:
    """The paths of the folders, and the documents: every folder's things told apart, the folders
    first, from the top down. At the top lies what was chosen.
    """
    folders_in, documents_in = defaultdict(list), defaultdict(list)
    for folder in folders:
        folders_in[None if folder.id in chosen else folder.parent_id].append(folder)
    for row in documents:
        documents_in[None if row.id in chosen else row.folder_id].append(row)
    paths: dict[UUID, str] = {}
    packed: list[Packed] = []
    waiting: list[UUID | None] = [None]
    while waiting:
        at = waiting.pop()
        inner, here = folders_in[at], documents_in[at]
        names = [folder.name for folder in inner]
        names += [Document.name.open(row.id, row.name_sealed) for row in here]
        above = paths[at] if at else ""
        own = (above + one for one in told_apart(names))
        for folder in inner:
            paths[folder.id] = f"{next(own)}/"
        packed += [Packed(next(own), row.id, row.version_id, row.size_bytes) for row in here]
        waiting += [folder.id for folder in inner]
    return paths, packed
