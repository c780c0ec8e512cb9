"""Taking away uploads that were given up, refused, or expired: rows first, blobs after."""

from contextlib import suppress
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, or_, select, true

from portal.core import clock
from portal.documents.models import Upload
from portal.documents.quotas import drop_room
from portal.documents.resumable.parts import list_tail
from portal.storage.blobs import BlobMissing
from portal.storage.chosen import blobs
from portal.tenancy.binding import bound_tenant_id
from portal.tenancy.session import change, db

KEPT_FOR = timedelta(days=1)  # since the last byte
JUST_AFTER = timedelta(minutes=5)
BEGINS_WITHIN = timedelta(hours=1)  # its room is held meanwhile, and there is nothing to lose


def discard(upload: Upload, *wanted: ColumnElement[bool]) -> bool:
    """Delete an upload with all that has come of it, and give its room back. Commits.

    Gives whether that was done: not where `wanted` doesn't hold of its row any more. Whoever writes
    to it just now notices at the next save. The document that a finished one became is none of it;
    so one that was finished since it was read is left alone.
    """
    tail = [one.blob_id for one in list_tail(upload.id)]
    still = true() if upload.finished_at else Upload.finished_at.is_(None)
    if not change(delete(Upload).where(Upload.id == upload.id, still, *wanted)):
        return False  # somebody else was faster
    if upload.finished_at is None:
        drop_room(upload.id, upload.owner_id)
    db.session.commit()
    store, tenant_id = blobs(), bound_tenant_id()
    if upload.finished_at is None:
        with suppress(BlobMissing):  # where nothing of it was ever begun
            store.resume(tenant_id, upload.version_id, upload.token).abandon()
        store.delete(tenant_id, upload.version_id)
    for blob_id in tail:
        store.delete(tenant_id, blob_id)
    return True


def sweep_uploads() -> int:
    """Discard the bound tenant's expired uploads that nobody sends to; gives their number."""
    now = clock.now()
    is_left = or_(Upload.leased_until.is_(None), Upload.leased_until < now)
    is_over = and_(Upload.expires_at < now, is_left)
    expired = db.session.scalars(select(Upload).where(is_over)).all()
    return sum(discard(upload, is_over) for upload in expired)


def list_unfinished() -> set[UUID]:
    """The contents that are still waited for."""
    return set(db.session.scalars(select(Upload.version_id).where(Upload.finished_at.is_(None))))


def is_waited_for(began_by: datetime) -> bool:
    """Whether an upload that began by then is unfinished: it goes on in the store of that time.

    One that began just after it may have looked for the store just before.
    """
    waited_for = select(Upload.id).where(
        Upload.finished_at.is_(None), Upload.created_at <= began_by + JUST_AFTER
    )
    return db.session.execute(waited_for.limit(1)).first() is not None
