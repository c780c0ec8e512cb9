"""What a reader may be told that folders and documents are called."""

from collections.abc import Collection, Iterable, Mapping
from uuid import UUID

from sqlalchemy import select

from portal.access.decision import decide
from portal.access.permissions import Permission
from portal.audit.actor import Actor
from portal.core.errors import NotFound
from portal.core.ids import ids_named
from portal.documents.places import COLUMNS, Place, chains_to, folder_row, place_from
from portal.documents.queries import names_of_targets
from portal.tenancy.session import db


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
