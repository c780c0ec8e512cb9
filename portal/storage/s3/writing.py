"""Writing an object: in parts, visible when all of it is there, and never over another."""

import secrets
from contextlib import suppress
from typing import Any, Self

from portal.storage.blobs import PART_BYTES, BlobExists, BlobMissing, Piece, StoreUnavailable
from portal.storage.s3.access import Access, object_errors, store_errors

LARGEST_GIB = 78  # in the 10,000 parts that S3 takes
NOT_OVER_ANOTHER = "*"  # If-None-Match


class S3Writer:
    """An object on its way in, with one part of it in memory.

    What fits into a single part is put at once. S3 has either all of it when it answers or nothing.
    """

    def __init__(self, access: Access, bucket: str, key: str) -> None:
        self._access = access
        self._named = {"Bucket": bucket, "Key": key}
        self._buffer = bytearray()
        self._upload: str | None = None
        self._parts: list[dict[str, Any]] = []
        self._mark = {"writer": secrets.token_hex(16)}

    def write(self, piece: Piece, /) -> int:
        """Take it, and send a part when there is one. Raises `StoreUnavailable`."""
        rest = memoryview(piece).cast("B")
        while rest:
            room = PART_BYTES - len(self._buffer)
            self._buffer += rest[:room]
            rest = rest[room:]
            if len(self._buffer) == PART_BYTES:
                self._send_part()
        return memoryview(piece).nbytes

    def commit(self) -> None:
        """Raises `BlobExists`, `BlobMissing` or `StoreUnavailable`."""
        try:
            self._commit()
        except (BlobExists, BlobMissing):
            if not self._is_there():
                raise
        self._upload = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        """What was not committed is taken back; where that fails too, the sweep does it."""
        self._buffer = bytearray()
        if self._upload is not None:
            abort(self._access, self._named, self._upload)

    def _commit(self) -> None:
        if self._upload is None:
            with store_errors():
                self._access.client().put_object(
                    Body=self._buffer,
                    IfNoneMatch=NOT_OVER_ANOTHER,
                    Metadata=self._mark,
                    **self._named,
                )
            return
        if self._buffer:
            self._send_part()
        complete(self._access, self._named, self._upload, self._parts)

    def _is_there(self) -> bool:
        """Whether it was done before: boto3 asks again where an answer got lost, and is refused."""
        with suppress(BlobMissing):
            return bool(head(self._access, self._named)["Metadata"] == self._mark)
        return False

    def _send_part(self) -> None:
        if self._upload is None:
            self._upload = create(self._access, self._named, self._mark)
        number = len(self._parts) + 1
        self._parts.append(send(self._access, self._named, self._upload, number, self._buffer))
        self._buffer.clear()


class S3Assembly:
    """An object of parts that come one by one, from several processes maybe, over days.

    S3 keeps the parts under the upload's id and replaces a number that comes again.
    """

    def __init__(self, access: Access, bucket: str, key: str, upload: str) -> None:
        self._access, self._upload = access, upload
        self._named = {"Bucket": bucket, "Key": key}

    def write_part(self, index: int, sealed: Piece, /) -> None:
        """Raises `BlobMissing` where the upload has ended, or `StoreUnavailable`."""
        send(self._access, self._named, self._upload, index + 1, _sendable(sealed))

    def commit(self, parts: int, /) -> None:
        """Raises `BlobExists`, `BlobMissing` (a part, or the upload) or `StoreUnavailable`."""
        try:
            complete(self._access, self._named, self._upload, self._list_all(parts))
        except BlobMissing:
            head(self._access, self._named)  # a completed upload is gone, and its object there
            raise BlobExists from None

    def abandon(self) -> None:
        """Take back all parts."""
        with suppress(BlobMissing):
            abort(self._access, self._named, self._upload)

    def _list_all(self, parts: int) -> list[dict[str, Any]]:
        """What S3 has of the upload, if it is just these."""
        with store_errors():
            pages = self._access.client().get_paginator("list_parts")
            found = [
                {"PartNumber": part["PartNumber"], "ETag": part["ETag"]}
                for page in pages.paginate(UploadId=self._upload, **self._named)
                for part in page.get("Parts", ())
            ]
        if [part["PartNumber"] for part in found] != list(range(1, parts + 1)):
            raise BlobMissing
        return found


def _sendable(piece: Piece) -> bytes | bytearray:
    """What boto3 can send, copied only if it has to be."""
    return bytes(piece) if isinstance(piece, memoryview) else piece


def head(access: Access, named: dict[str, str]) -> dict[str, Any]:
    """What is told of an object. Raises `BlobMissing` or `StoreUnavailable`."""
    with object_errors(access, named["Bucket"], named["Key"]):
        found: dict[str, Any] = access.client().head_object(**named)
    return found


def create(access: Access, named: dict[str, str], mark: dict[str, str] | None = None) -> str:
    """Begin a multipart upload; gives its id."""
    with store_errors():
        return str(
            access.client().create_multipart_upload(Metadata=mark or {}, **named)["UploadId"]
        )


def send(
    access: Access, named: dict[str, str], upload: str, number: int, body: Piece
) -> dict[str, Any]:
    """Send one part; gives what `complete` wants to know of it."""
    with store_errors():
        answer = access.client().upload_part(UploadId=upload, PartNumber=number, Body=body, **named)
    return {"PartNumber": number, "ETag": answer["ETag"]}


def complete(
    access: Access, named: dict[str, str], upload: str, parts: list[dict[str, Any]]
) -> None:
    """Make one object of the parts, unless there is one."""
    with store_errors():
        access.client().complete_multipart_upload(
            UploadId=upload,
            MultipartUpload={"Parts": parts},
            IfNoneMatch=NOT_OVER_ANOTHER,
            **named,
        )


def abort(access: Access, named: dict[str, str], upload: str) -> None:
    """Take back an upload, if the store answers."""
    with suppress(BlobMissing, StoreUnavailable), store_errors():
        access.client().abort_multipart_upload(UploadId=upload, **named)
