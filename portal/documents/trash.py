"""The trash: how long things stay there, and taking them out of it for good.

What anybody sees depends on the trash alone: when the time of a thing there is over, it is gone
from every page, and nobody restores it. Whether it is destroyed then is another matter, which
`retention` decides. So nobody learns from the trash whether a hold is on something.
"""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select

from portal.access.decision import require
from portal.access.permissions import Permission
from portal.audit.actions import Action
from portal.audit.actor import Actor
from portal.audit.service import record
from portal.auth.assurance import Act
from portal.auth.fresh import require_fresh
from portal.core import clock
from portal.core.errors import Conflict, NotFound
from portal.documents.models import Document, Folder
from portal.documents.places import Place, get_place
from portal.documents.policy import get_rules
from portal.documents.queries import find_anywhere
from portal.documents.retention.locking import share_retention
from portal.tenancy.binding import bound_tenant_id
from portal.tenancy.session import db


def put_in_trash(actor: Actor, thing: Document | Folder) -> None:
    """Have a thing lie in the trash from now on. Access is the caller's to decide."""
    thing.trashed_at, thing.trashed_by = clock.now(), actor.user_id
    thing.purge_at = purge_date(thing.trashed_at)


def take_from_trash(thing: Document | Folder, place: Place) -> None:
    """Have a thing be where it was. Raises `Conflict`, or `NotFound` where its time is over."""
    _lock_in_trash(thing, place)
    leave_trash(thing)


def leave_trash(thing: Document | Folder) -> None:
    """Have a thing be where it was."""
    thing.trashed_at = thing.trashed_by = thing.purge_at = None


def purge_date(trashed_at: datetime) -> datetime:
    """When the time of what is deleted now is over."""
    return trashed_at + timedelta(days=get_rules().trash_days)


def is_over(thing: Document | Folder, place: Place) -> bool:
    """Whether a thing is gone for good, destroyed or not, by itself or with a folder above it."""
    now = clock.now()
    if thing.purge_at is not None and thing.purge_at <= now:
        return True
    above = Folder.id.in_([folder.id for folder in place.folders])
    gone = select(Folder.id).where(above, Folder.purge_at <= now)
    return db.session.execute(gone).first() is not None


def require_not_over(thing: Document | Folder, place: Place) -> None:
    """Raises `NotFound` for what is gone.

    It comes before anything else that is asked, as nothing is asked of what is destroyed.
    """
    if is_over(thing, place):
        raise NotFound


def get_trashed_document(actor: Actor, document_id: UUID) -> tuple[Document, Place]:
    """A document in the trash that `actor` may take out, and where it lay.

    Raises `NotFound`, `Forbidden` or `Conflict`.
    """
    located = find_anywhere(document_id)
    require_not_over(located.document, located.place)
    target = located.place.target(f"document:{document_id}")
    require(actor, Permission.DOCUMENT_DELETE, target)
    _require_in_trash(located.document, located.place)
    return located.document, located.place


def get_trashed_folder(actor: Actor, folder_id: UUID) -> tuple[Folder, Place]:
    """A folder in the trash that `actor` may take out. Raises as `get_trashed_document`."""
    place = get_place(folder_id)
    folder = db.session.get(Folder, (bound_tenant_id(), folder_id))
    if folder is None:
        raise NotFound
    require_not_over(folder, place)
    require(actor, Permission.FOLDER_DELETE, place.target())
    _require_in_trash(folder, place)
    return folder, place


def purge_document_now(actor: Actor, document_id: UUID) -> None:
    """End a document's time in the trash.

    Raises `NotFound`, `Forbidden`, `Conflict` or `StepUpNeeded`.
    """
    share_retention()
    document, place = get_trashed_document(actor, document_id)
    require_fresh(actor, Act.RETENTION)
    _lock_in_trash(document, place)
    document.purge_at = clock.now()
    record(actor, Action.DOCUMENT_PURGE_ASKED, f"document:{document_id}")


def purge_folder_now(actor: Actor, folder_id: UUID) -> None:
    """End the time in the trash of a folder with all in it. Raises as `purge_document_now`."""
    share_retention()
    folder, place = get_trashed_folder(actor, folder_id)
    require(actor, Permission.DOCUMENT_DELETE, place.target())
    require_fresh(actor, Act.RETENTION)
    _lock_in_trash(folder, place)
    folder.purge_at = clock.now()
    record(actor, Action.FOLDER_PURGE_ASKED, f"folder:{folder_id}")


def _lock_in_trash(thing: Document | Folder, place: Place) -> None:
    """Hold on to a thing as it is now, in the trash. One may be taking it out while another ends
    its time: who comes second finds what the first has done.
    """
    identity = (bound_tenant_id(), thing.id)
    if not db.session.get(type(thing), identity, with_for_update=True, populate_existing=True):
        raise NotFound
    _require_in_trash(thing, place)


def _require_in_trash(thing: Document | Folder, place: Place) -> None:
    if thing.trashed_at is None:
        raise Conflict("This is not in the trash.")
    require_not_over(thing, place)
