"""What a store lacks, before it is the only one."""

from uuid import UUID

from portal.documents.sweep import list_stored
from portal.storage.blobs import BlobStore
from portal.tenancy.binding import bound_tenant_id
from portal.tenancy.session import release


def list_lacking(store: BlobStore) -> set[UUID]:
    """The blobs that the bound tenant's rows refer to, and that `store` holds no committed one of.

    Rows are read before and after: what comes or goes meanwhile is not lacking. No transaction is
    left open. Raises `StoreUnavailable`.
    """
    before = list_stored()
    release()
    held = {blob.blob_id for blob in store.list_blobs(bound_tenant_id()) if blob.is_committed}
    lacking = (before - held) & list_stored()
    release()
    return lacking
