"""Bringing back what is gone from every page but kept by a hold or a rule, so that it can be handed
over.

It is where it was again, for all who may read there by then: roles on a folder that was gone, and
links, are not brought back. That doesn't let officers read it.
"""

from uuid import UUID

from sqlalchemy import select, update

from portal.access.decision import Target, require
from portal.access.permissions import Permission
from portal.audit.actions import Action
from portal.audit.actor import Actor
from portal.audit.service import record
from portal.auth.assurance import Act
from portal.auth.fresh import require_fresh
from portal.core.errors import Conflict
from portal.documents.models import DocumentVersion, Folder
from portal.documents.queries import Located, find_anywhere
from portal.documents.retention.facts import judge
from portal.documents.retention.locking import lock_retention_as
from portal.documents.trash import is_over, leave_trash
from portal.tenancy.session import change, db


def can_bring_back(document_id: UUID) -> bool:
    """Whether a document, or a version of it, is gone and not destroyed. Raises `NotFound`."""
    located = find_anywhere(document_id)
    return is_over(located.document, located.place) or _has_gone_versions(document_id)


def bring_back(actor: Actor, document_id: UUID) -> None:
    """Have a document lie where it lay, with the folders above it, if these are gone too.

    Raises `Forbidden`, `StepUpNeeded`, `NotFound`, or `Conflict` where it is not gone, or would be
    gone again with the next run.
    """
    target = f"document:{document_id}"
    actor = lock_retention_as(actor)
    require(actor, Permission.HOLD_EDIT, Target(target))
    require_fresh(actor, Act.RETENTION)
    located = find_anywhere(document_id)
    is_gone = is_over(located.document, located.place)
    if not is_gone and not _has_gone_versions(document_id):
        raise Conflict("It is not gone for good: who may delete it can take it out of the trash.")
    if is_gone:
        _put_back(actor, located)
    change(
        update(DocumentVersion)
        .where(DocumentVersion.document_id == document_id, DocumentVersion.gone_at.is_not(None))
        .values(gone_at=None)
        .execution_options(synchronize_session=False)
    )
    db.session.flush()
    if any(fate.is_gone or fate.hidden for _, fate in judge([document_id])):
        raise Conflict("A rule or an erasure wants it gone, and the next run would see to that.")
    record(actor, Action.DOCUMENT_RESTORED, target)


def _put_back(actor: Actor, located: Located) -> None:
    for folder_id in [folder.id for folder in located.place.folders if folder.is_trashed]:
        leave_trash(db.session.scalars(select(Folder).where(Folder.id == folder_id)).one())
        record(actor, Action.FOLDER_RESTORED, f"folder:{folder_id}")
    leave_trash(located.document)


def _has_gone_versions(document_id: UUID) -> bool:
    gone = select(DocumentVersion.id).where(
        DocumentVersion.document_id == document_id, DocumentVersion.gone_at.is_not(None)
    )
    return db.session.execute(gone.limit(1)).first() is not None
