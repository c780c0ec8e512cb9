"""What a hold is placed on: a person, a folder or a document; and what each is called.

The names are for officers, who need not be allowed to read documents: whoever holds something has
to see what.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self
from uuid import UUID

from sqlalchemy import select

from portal.core.errors import NotFound
from portal.documents.models import Document
from portal.documents.places import COLUMNS, chains_to, folder_row, place_from
from portal.documents.retention.models import Anchor, AnchorKind
from portal.tenancy.session import db
from portal.users.queries import names_of

GONE = "something that is gone"


@dataclass(frozen=True, slots=True)
class Thing:
    """A person, a folder or a document."""

    kind: AnchorKind
    id: UUID

    @classmethod
    def named(cls, text: str) -> Self:
        """The thing of a text like "folder:<id>". Raises `NotFound` for what is none."""
        kind, _, id_ = text.partition(":")
        try:
            return cls(AnchorKind(kind), UUID(id_))
        except ValueError:
            raise NotFound from None

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}"


def names_of_things(anchors: Iterable[Anchor]) -> Mapping[UUID, str]:
    """What these are called, by their ids: folders with the way to them."""
    ids: dict[str, list[UUID]] = {kind: [] for kind in AnchorKind}
    for anchor in anchors:
        ids[anchor.kind].append(anchor.thing_id)
    names = {id_: GONE for found in ids.values() for id_ in found}
    names.update(names_of(ids[AnchorKind.USER]))
    names.update(paths_of(ids[AnchorKind.FOLDER]))
    names.update(names_of_documents(ids[AnchorKind.DOCUMENT]))
    return names


def name_of_thing(thing: Thing) -> str:
    """What a thing is called. Raises `NotFound`."""
    found = {
        AnchorKind.USER: names_of,
        AnchorKind.FOLDER: paths_of,
        AnchorKind.DOCUMENT: names_of_documents,
    }[thing.kind]([thing.id])
    if thing.id not in found:
        raise NotFound
    return found[thing.id]


def paths_of(folder_ids: Sequence[UUID]) -> Mapping[UUID, str]:
    """Folders by the way to them, as far as they are there."""
    if not folder_ids:
        return {}
    chain = select(chains_to(folder_ids).c.id)
    rows = db.session.execute(select(*COLUMNS).where(COLUMNS[0].in_(chain)))
    folders = {row[0]: folder_row(row) for row in rows}
    return {
        folder_id: " / ".join(f.name for f in reversed(place_from(folders, folder_id).folders))
        for folder_id in folders.keys() & set(folder_ids)
    }


def names_of_documents(document_ids: Sequence[UUID]) -> Mapping[UUID, str]:
    """What documents are called, as far as they are there."""
    if not document_ids:
        return {}
    rows = db.session.execute(
        select(Document.id, Document.name_sealed).where(Document.id.in_(document_ids))
    )
    return {id_: Document.name.open(id_, sealed) for id_, sealed in rows}
