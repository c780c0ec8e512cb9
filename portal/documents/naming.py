"""Which names of folders and documents a reader may see."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select, true

from portal.access.decision import decide, require
from portal.access.permissions import Permission
from portal.audit.actor import Actor
from portal.core import clock
from portal.core.errors import NotFound
from portal.core.ids import ids_named
from portal.documents.gone import is_gone
from portal.documents.models import Document, Folder
from portal.documents.places import COLUMNS, TOP, Place, chains_to, folder_row, place_from
from portal.tenancy.session import db


@dataclass(frozen=True, slots=True)
class Named:
    """What a thing is called, and whether it can be opened: in the trash it can't."""

    name: str
    is_live: bool


def names_for(actor: Actor, targets: Iterable[str]) -> Mapping[str, str]:
    """The names of those `folder:…` and `document:…` targets that the actor may be told.

    Whoever reads the audit log sees every name; whoever assigns roles, what folders are called;
    everybody else, the folders that they may look into.
    """
    wanted = sorted({target for target in targets if target})
    if decide(actor, Permission.AUDIT_READ):
        return names_of_targets(actor, wanted)
    ids = ids_named("folder", wanted)
    return {
        f"folder:{place.folder_id}": place.folders[0].name
        for place in _places(ids)
        if decide(actor, Permission.ROLE_ASSIGN)
        or decide(actor, Permission.DOCUMENT_READ, place.target())
    }


def names_of_folders(actor: Actor, folder_ids: Collection[UUID]) -> Mapping[UUID, str]:
    """What to call folders where roles are held: their paths, in one statement.

    Named are those on which the actor assigns roles or reads documents; one that is gone is not.
    """
    if not folder_ids:
        return {}
    names = {}
    for place in _places(list(folder_ids)):
        for permission in (Permission.DOCUMENT_READ, Permission.ROLE_ASSIGN):
            if decide(actor, permission, place.target()):
                above = reversed(place.seen_by(actor, permission).folders)
                names[place.folders[0].id] = " / ".join(folder.name for folder in above)
    return names


def names_of_targets(actor: Actor, targets: Sequence[str]) -> dict[str, str]:
    """The present names of those `document:…` and `folder:…` targets that still exist.

    For readers of the audit log, whose permission says that they see the names it tells of.
    Raises `Forbidden`.
    """
    require(actor, Permission.AUDIT_READ)
    names: dict[str, str] = {}
    for model, kind in ((Document, "document"), (Folder, "folder")):
        ids = ids_named(kind, set(targets))
        if ids:
            rows = db.session.execute(select(model.id, model.name_sealed).where(model.id.in_(ids)))
            names |= {f"{kind}:{i}": model.name.open(i, sealed) for i, sealed in rows}
    return names


def names_read(actor: Actor, targets: Collection[str]) -> Mapping[str, Named]:
    """What those `document:…` and `folder:…` targets are called that the actor may read now.

    Of what is in the trash, only documents that the actor made. In two statements.
    """
    columns = select(
        Document.id,
        Document.folder_id,
        Document.name_sealed,
        Document.trashed_at.is_(None),
        Document.created_by == actor.user_id,
    )
    there = columns.where(
        Document.id.in_(ids_named("document", targets)), is_gone(clock.now()).is_not(true())
    )
    documents = db.session.execute(there).all()
    folder_ids = {row[1] for row in documents if row[1]} | {*ids_named("folder", targets)}
    read = {
        place.folder_id: place
        for place in (TOP, *_places(list(folder_ids)))
        if decide(actor, Permission.DOCUMENT_READ, place.target())
    }
    names = {
        f"folder:{folder_id}": Named(place.folders[0].name, is_live=True)
        for folder_id, place in read.items()
        if folder_id and place.is_live
    }
    for document_id, folder_id, sealed, is_live, is_own in documents:
        is_open = is_live and folder_id in read and read[folder_id].is_live
        if is_open or (is_own and folder_id in read):
            name = Document.name.open(document_id, sealed)
            names[f"document:{document_id}"] = Named(name, is_open)
    return names


def folders_told(actor: Actor, folder_ids: Iterable[UUID | None]) -> Collection[UUID]:
    """Those of some folders whose names the actor may be told."""
    wanted = sorted({folder_id for folder_id in folder_ids if folder_id})
    permission = tells_names(actor)
    if decide(actor, permission):
        return wanted
    there = [place for place in _places(wanted) if decide(actor, permission, place.target())]
    return {place.folders[0].id for place in there}


def tells_names(actor: Actor) -> Permission:
    """The permission by which the actor is told what folders are called, where it is held."""
    for permission in (Permission.AUDIT_READ, Permission.ROLE_ASSIGN):
        if decide(actor, permission):
            return permission
    return Permission.DOCUMENT_READ


def _places(folder_ids: list[UUID]) -> Iterable[Place]:
    if not folder_ids:
        return
    above = select(chains_to(folder_ids).c.id)
    rows = db.session.execute(select(*COLUMNS).where(COLUMNS[0].in_(above)))
    folders = {row[0]: folder_row(row) for row in rows}
    for folder_id in folder_ids:
        try:
            yield place_from(folders, folder_id)
        except NotFound:
            continue
