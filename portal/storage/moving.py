"""A tenant's blobs while they move from one store to another, and nobody has to wait."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from itertools import chain
from uuid import UUID

from portal.storage.blobs import (
    BlobMissing,
    BlobReader,
    BlobStore,
    BlobWriter,
    StoredBlob,
)


class MovingBlobs:
    """What comes in goes to the new store; what is not there yet is read from the old one."""

    def __init__(self, new: BlobStore, old: BlobStore) -> None:
        self.new, self.old = new, old

    def create(self, tenant_id: UUID, blob_id: UUID) -> AbstractContextManager[BlobWriter]:
        return self.new.create(tenant_id, blob_id)

    def open(self, tenant_id: UUID, blob_id: UUID) -> BlobReader:
        for store in (self.new, self.old):
            try:
                return store.open(tenant_id, blob_id)
            except BlobMissing:
                continue
        return self.new.open(tenant_id, blob_id)  # it may have moved between the two looks

    def delete(self, tenant_id: UUID, blob_id: UUID) -> None:
        """From both. A copy that is being made just then is an orphan, which the sweep takes."""
        self.old.delete(tenant_id, blob_id)
        self.new.delete(tenant_id, blob_id)

    def delete_unfinished(self, tenant_id: UUID, untouched_since: datetime) -> int:
        return sum(
            store.delete_unfinished(tenant_id, untouched_since) for store in (self.new, self.old)
        )

    def list_blobs(self, tenant_id: UUID) -> Iterator[StoredBlob]:
        return chain(self.new.list_blobs(tenant_id), self.old.list_blobs(tenant_id))

    def delete_tenant(self, tenant_id: UUID) -> None:
        self.old.delete_tenant(tenant_id)
        self.new.delete_tenant(tenant_id)
