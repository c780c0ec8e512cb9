"""Blobs as objects: `<prefix>/<tenant>/<blob>`. What is being written is a multipart upload."""

from collections.abc import Collection, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from portal.core import clock
from portal.storage.blobs import LARGEST_NOTE, NOTE, BlobMissing, StoredBlob, StoreUnavailable
from portal.storage.s3 import writing
from portal.storage.s3.access import Access, Accesses, Place, object_errors, store_errors
from portal.storage.s3.reading import S3Reader
from portal.storage.s3.writing import S3Assembly, S3Writer

LONGEST_UPLOAD = timedelta(days=1)  # in one request; what takes longer is waited for by name


class S3Blobs:
    """A `BlobStore` over one bucket, or a part of it, that refuses to write over a blob.

    A call is for the bound tenant: what it hands out keeps that tenant's access, also for when
    nobody is bound any more.
    """

    def __init__(self, place: Place) -> None:
        self._place = place
        self._accesses = Accesses(place)

    def create(self, tenant_id: UUID, blob_id: UUID) -> S3Writer:
        return S3Writer(self._access(), self._place.bucket, self._key(tenant_id, blob_id))

    def begin(self, tenant_id: UUID, blob_id: UUID) -> str:
        upload = writing.create(self._access(), self._named(tenant_id, blob_id))
        return f"{self._place.bucket}/{self._place.prefix} {upload}"

    def resume(self, tenant_id: UUID, blob_id: UUID, token: str) -> S3Assembly:
        where, _, upload = token.rpartition(" ")
        if where != f"{self._place.bucket}/{self._place.prefix}":
            raise BlobMissing  # it was begun in another store
        key = self._key(tenant_id, blob_id)
        return S3Assembly(self._access(), self._place.bucket, key, upload)

    def open(self, tenant_id: UUID, blob_id: UUID) -> S3Reader:
        return S3Reader(self._access(), self._place.bucket, self._key(tenant_id, blob_id))

    def delete(self, tenant_id: UUID, blob_id: UUID) -> None:
        with suppress(BlobMissing), store_errors():
            self._access().client().delete_object(**self._named(tenant_id, blob_id))

    def delete_unfinished(
        self, tenant_id: UUID, untouched_since: datetime, but: Collection[UUID] = ()
    ) -> int:
        count = 0
        access = self._access()
        kept = {self._key(tenant_id, blob_id) for blob_id in but}
        for upload in self._list_uploads(access, tenant_id):
            if upload["Key"] in kept:
                continue
            named = {"Bucket": self._place.bucket, "Key": upload["Key"]}
            with suppress(BlobMissing):  # committed or given up meanwhile
                if _touched_at(access, named, upload) < untouched_since:
                    writing.abort(access, named, upload["UploadId"])
                    count += 1
        return count

    def list_blobs(self, tenant_id: UUID) -> Iterator[StoredBlob]:
        return self._list_blobs(self._access(), tenant_id)

    def keep_note(self, tenant_id: UUID, content: bytes) -> None:
        with store_errors():
            self._access().client().put_object(Body=content, **self._note(tenant_id))

    def find_note(self, tenant_id: UUID) -> bytes | None:
        access, note = self._access(), self._note(tenant_id)
        with suppress(BlobMissing), object_errors(access, note["Bucket"], note["Key"]):
            found: bytes = access.client().get_object(**note)["Body"].read(LARGEST_NOTE)
            return found
        return None

    def forget_note(self, tenant_id: UUID) -> None:
        with suppress(BlobMissing), store_errors():
            self._access().client().delete_object(**self._note(tenant_id))

    def delete_tenant(self, tenant_id: UUID) -> None:
        access = self._access()
        for upload in self._list_uploads(access, tenant_id):
            named = {"Bucket": self._place.bucket, "Key": upload["Key"]}
            writing.abort(access, named, upload["UploadId"])
        for page in self._pages(access, tenant_id, "list_objects_v2"):
            keys = [{"Key": found["Key"]} for found in page.get("Contents", ())]
            if keys:
                _delete_all(access, self._place.bucket, keys)

    def _access(self) -> Access:
        return self._accesses.of_bound_tenant()

    def _key(self, tenant_id: UUID, blob_id: UUID) -> str:
        if not isinstance(blob_id, UUID):
            raise TypeError("a key is made of UUIDs only")
        return f"{self._place.of_tenant(tenant_id)}{blob_id}"

    def _note(self, tenant_id: UUID) -> dict[str, str]:
        return {"Bucket": self._place.bucket, "Key": f"{self._place.of_tenant(tenant_id)}{NOTE}"}

    def _named(self, tenant_id: UUID, blob_id: UUID) -> dict[str, str]:
        return {"Bucket": self._place.bucket, "Key": self._key(tenant_id, blob_id)}

    def _list_blobs(self, access: Access, tenant_id: UUID) -> Iterator[StoredBlob]:
        for found in self._list_objects(access, tenant_id):
            with suppress(ValueError):  # not one of ours
                blob_id = _blob_id(found["Key"])
                yield StoredBlob(blob_id, found["Size"], _modified_at(found), is_committed=True)
        for upload in self._list_uploads(access, tenant_id):
            with suppress(ValueError):
                blob_id = _blob_id(upload["Key"])
                yield StoredBlob(blob_id, 0, upload["Initiated"], is_committed=False)

    def _list_objects(self, access: Access, tenant_id: UUID) -> Iterator[dict[str, Any]]:
        for page in self._pages(access, tenant_id, "list_objects_v2"):
            yield from page.get("Contents", ())

    def _list_uploads(self, access: Access, tenant_id: UUID) -> Iterator[dict[str, Any]]:
        for page in self._pages(access, tenant_id, "list_multipart_uploads"):
            yield from page.get("Uploads", ())

    def _pages(self, access: Access, tenant_id: UUID, operation: str) -> Iterator[dict[str, Any]]:
        prefix = self._place.of_tenant(tenant_id)
        with store_errors():
            pages = access.client().get_paginator(operation)
            yield from pages.paginate(Bucket=self._place.bucket, Prefix=prefix)


def _blob_id(key: str) -> UUID:
    return UUID(key.rpartition("/")[2])


def _modified_at(found: dict[str, Any]) -> datetime:
    """The latest time at which an object can have come to be.

    S3 dates one of several parts, whose entity tag ends in their number, by when its upload began.
    Taken for older than it is, it could be swept before its row is there.
    """
    at: datetime = found["LastModified"]
    return min(clock.now(), at + LONGEST_UPLOAD) if "-" in found["ETag"] else at


def _delete_all(access: Access, bucket: str, keys: list[dict[str, str]]) -> None:
    with store_errors():
        answer = access.client().delete_objects(
            Bucket=bucket, Delete={"Objects": keys, "Quiet": True}
        )
    if answer.get("Errors"):
        raise StoreUnavailable


def _touched_at(access: Access, named: dict[str, str], upload: dict[str, Any]) -> datetime:
    """When the upload began, or its last part came."""
    with store_errors():
        pages = access.client().get_paginator("list_parts")
        times: list[datetime] = [
            part["LastModified"]
            for page in pages.paginate(UploadId=upload["UploadId"], **named)
            for part in page.get("Parts", ())
        ]
    began: datetime = upload["Initiated"]
    return max([began, *times])
