"""Taking away what uploads left behind that broke off."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import select

from portal.core import clock
from portal.documents.models import DocumentVersion, UploadTail
from portal.documents.resumable.ending import list_unfinished
from portal.storage.chosen import blobs
from portal.tenancy.binding import bound_tenant_id
from portal.tenancy.session import db, release

ORPHAN_AGE = timedelta(hours=1)


def sweep_orphans() -> int:
    """Delete the bound tenant's blobs that no version refers to; gives their number.

    A blob is written before its row, so a young one may still get it; and an upload that goes on
    keeps touching its unfinished blob.
    """
    tenant_id = bound_tenant_id()
    before = clock.now() - ORPHAN_AGE
    store, unfinished = blobs(), list_unfinished()
    release()  # a store may be slow: no transaction waits for it
    swept = store.delete_unfinished(tenant_id, before, unfinished)
    old = {
        blob.blob_id
        for blob in store.list_blobs(tenant_id)
        if blob.is_committed and blob.modified_at < before
    }
    orphans = old - list_known()
    release()
    for blob_id in orphans:
        store.delete(tenant_id, blob_id)
        swept += 1
    return swept


def list_known() -> set[UUID]:
    """The blobs that somebody refers to. To be asked for after the blobs are listed.

    What is waited for comes first: when it ends meanwhile, it is a version by then.
    """
    waited_for = list_unfinished()
    return waited_for | list_stored()


def list_stored() -> set[UUID]:
    """Those of them that are committed blobs."""
    tails = set(db.session.scalars(select(UploadTail.id)))
    return tails | set(db.session.scalars(select(DocumentVersion.id)))
