"""A tenant's blobs while they move from one store to another, and nobody has to wait."""

from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, suppress
from datetime import datetime
from itertools import chain
from uuid import UUID

from portal.storage.blobs import (
    Assembly,
    BlobDamaged,
    BlobMissing,
    BlobReader,
    BlobStore,
    BlobWriter,
    StoredBlob,
    StoreUnavailable,
)


class MovingBlobs:
    """What comes in goes to the new store; what is not there yet is read from the old one."""

    def __init__(self, new: BlobStore, old: BlobStore) -> None:
        self.new, self.old = new, old

    def create(self, tenant_id: UUID, blob_id: UUID) -> AbstractContextManager[BlobWriter]:
        return self.new.create(tenant_id, blob_id)

    def begin(self, tenant_id: UUID, blob_id: UUID) -> str:
        return self.new.begin(tenant_id, blob_id)

    def resume(self, tenant_id: UUID, blob_id: UUID, token: str) -> Assembly:
        """Where it was begun: a store refuses what is none of its tokens."""
        try:
            return self.new.resume(tenant_id, blob_id, token)
        except BlobMissing:
            return self.old.resume(tenant_id, blob_id, token)

    def open(self, tenant_id: UUID, blob_id: UUID) -> BlobReader:
        """Also while the new store is down or a disk bad, what the old one still has."""
        with suppress(BlobDamaged, BlobMissing, StoreUnavailable):
            return self.new.open(tenant_id, blob_id)
        with suppress(BlobMissing):
            return self.old.open(tenant_id, blob_id)
        return self.new.open(tenant_id, blob_id)  # it may have moved between the two looks

    def delete(self, tenant_id: UUID, blob_id: UUID) -> None:
        """From both. A copy that is being made just then is an orphan, which the sweep takes."""
        self.old.delete(tenant_id, blob_id)
        self.new.delete(tenant_id, blob_id)

    def delete_unfinished(
        self, tenant_id: UUID, untouched_since: datetime, but: Collection[UUID] = ()
    ) -> int:
        return sum(
            store.delete_unfinished(tenant_id, untouched_since, but)
            for store in (self.new, self.old)
        )

    def list_blobs(self, tenant_id: UUID) -> Iterator[StoredBlob]:
        return chain(self.new.list_blobs(tenant_id), self.old.list_blobs(tenant_id))

    def keep_note(self, tenant_id: UUID, content: bytes) -> None:
        self.new.keep_note(tenant_id, content)

    def find_note(self, tenant_id: UUID) -> bytes | None:
        return self.new.find_note(tenant_id) or self.old.find_note(tenant_id)

    def forget_note(self, tenant_id: UUID) -> None:
        self.old.forget_note(tenant_id)
        self.new.forget_note(tenant_id)

    def delete_tenant(self, tenant_id: UUID) -> None:
        self.old.delete_tenant(tenant_id)
        self.new.delete_tenant(tenant_id)
