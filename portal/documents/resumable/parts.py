"""The bytes of an upload that can be resumed: whole parts, and the tail behind them.

A part of PF1 is one message, and a message that was begun is never continued: the same nonces would
seal something else. So what is shorter than a part lies in pieces of its own, each a message with a
fresh salt under a label of its own, until the part is whole and is sealed from them.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import NamedTuple
from uuid import UUID

from cryptography.cobblestone import Cobblestone256Decryptor, Cobblestone256Encryptor
from cryptography.exceptions import InvalidTag
from sqlalchemy import delete, select

from portal.core.ids import new_id
from portal.documents.cipher import BLOCK, PART, ContentId, DamagedDocument, Piece
from portal.documents.models import Upload, UploadTail
from portal.keys.data_keys import NewDataKey
from portal.storage.blobs import Assembly, BlobMissing
from portal.storage.chosen import blobs
from portal.tenancy.session import db

TAIL_LABEL = b"portal/tail/v1\0"
MOST_PIECES = 32


class Tail(NamedTuple):
    """A piece that is shorter than a part, and the blob in which it lies."""

    blob_id: UUID
    start_bytes: int


class Parts:
    """Takes the bytes of an upload from its offset on. In memory lies one part at most, twice."""

    def __init__(self, upload: Upload, content: ContentId, key: NewDataKey) -> None:
        self._upload_id, self._token = upload.id, upload.token
        self._size_bytes = upload.size_bytes
        self.content, self.key = content, key
        self._tail = list_tail(upload.id)
        self.offset_bytes = self._fresh_from = upload.offset_bytes
        self._joined: list[UUID] = []  # pieces that a larger one holds by now
        self._fresh = bytearray()  # what came since the last part, or since the offset

    @property
    def is_complete(self) -> bool:
        """Whether all of the content is here; its last part is still to be written."""
        return self.offset_bytes == self._size_bytes

    @property
    def wanted_bytes(self) -> int:
        """How much is missing to the end of the present part, or to that of the content."""
        part_end = (self.offset_bytes // PART + 1) * PART
        return min(part_end, self._size_bytes) - self.offset_bytes

    def take(self, piece: bytes) -> bool:
        """Take `wanted_bytes` at most; true where that completed a part, which is durable now."""
        self._fresh += piece
        self.offset_bytes += len(piece)
        if self.offset_bytes % PART:
            return False
        self._write(self.offset_bytes // PART - 1)
        return True

    def write_last(self) -> None:
        """Write the part that ends the content, and make the blob of all of them."""
        last = self._size_bytes // PART
        self._write(last)
        self.assembly().commit(last + 1)

    def save_tail(self) -> None:
        """Make durable what came since the last part. Its row waits to be committed.

        Whoever sends a byte at a time has them put together again and again, or each would be a
        blob, a row and a reading more.
        """
        if self._fresh:
            self._save_piece(self._pieces_to_join())
            self._begin_anew()

    def drop_used_tail(self) -> Sequence[UUID]:
        """Delete the rows of what lies elsewhere by now, in whole parts or in a larger piece; gives
        their blobs, to go after.
        """
        end = self._size_bytes if self.is_complete else self._part_start
        used = [tail.blob_id for tail in self._tail if tail.start_bytes < end]
        self._tail = [tail for tail in self._tail if tail.start_bytes >= end]
        _delete_rows(used)
        joined, self._joined = self._joined, []
        return [*used, *joined]

    def is_stored(self) -> bool:
        """Whether the blob was made before: of a process that was killed, or of an end that a
        scanner which was away kept from being one. What is sent again is the same then.
        """
        try:
            blobs().open(self.content.tenant_id, self.content.version_id).close()
        except BlobMissing:
            return False
        return True

    def assembly(self) -> Assembly:
        """Where the parts go."""
        return blobs().resume(self.content.tenant_id, self.content.version_id, self._token)

    @property
    def _part_start(self) -> int:
        return self.offset_bytes // PART * PART

    def _pieces_to_join(self) -> Sequence[Tail]:
        pieces = [tail for tail in self._tail if tail.start_bytes >= self._part_start]
        return pieces if len(pieces) >= MOST_PIECES else ()

    def _save_piece(self, joined: Sequence[Tail]) -> None:
        """Have what came be a piece, together with those before it that are `joined`."""
        tail = Tail(new_id(), joined[0].start_bytes if joined else self._fresh_from)
        pieces: Iterator[Piece] = chain(map(self._open, joined), [self._fresh])
        with blobs().create(self.content.tenant_id, tail.blob_id) as writer:
            writer.write(_sealed(self.key.dek, self._context_of(tail), pieces))
            writer.commit()
        self._joined = [one.blob_id for one in joined]
        _delete_rows(self._joined)  # before the new row, which begins where the first of them did
        db.session.add(
            UploadTail(id=tail.blob_id, upload_id=self._upload_id, start_bytes=tail.start_bytes)
        )
        self._tail = [one for one in self._tail if one not in joined] + [tail]

    def _write(self, part: int) -> None:
        tail = (self._open(one) for one in self._tail if one.start_bytes // PART == part)
        sealed = _sealed(self.key.dek, self.content.context(part), chain(tail, [self._fresh]))
        try:
            self.assembly().write_part(part, sealed)
        except BlobMissing:
            if not self.is_stored():
                raise
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._fresh, self._fresh_from = bytearray(), self.offset_bytes

    def _open(self, tail: Tail) -> bytes:
        message = Cobblestone256Decryptor(self.key.dek, self._context_of(tail))
        with blobs().open(self.content.tenant_id, tail.blob_id) as blob:
            sealed = blob.read()
        try:
            return message.update(sealed) + message.finalize()
        except InvalidTag:
            raise DamagedDocument from None

    def _context_of(self, tail: Tail) -> bytes:
        content = self.content
        ids = (content.tenant_id, content.document_id, content.version_id, tail.blob_id)
        mode, start = content.mode.encode("ascii"), tail.start_bytes.to_bytes(8, "big")
        return TAIL_LABEL + b"".join(one.bytes for one in ids) + mode + start


def list_tail(upload_id: UUID) -> list[Tail]:
    """The pieces behind the whole parts, in their order."""
    mine = select(UploadTail.id, UploadTail.start_bytes).where(UploadTail.upload_id == upload_id)
    rows = db.session.execute(mine.order_by(UploadTail.start_bytes))
    return [Tail(blob_id, start_bytes) for blob_id, start_bytes in rows]


def _delete_rows(tail_ids: Sequence[UUID]) -> None:
    if tail_ids:
        db.session.execute(delete(UploadTail).where(UploadTail.id.in_(tail_ids)))


def _sealed(dek: bytes, context: bytes, pieces: Iterable[Piece]) -> bytearray:
    """One message of all pieces, with a fresh salt."""
    message, sealed = Cobblestone256Encryptor(dek, context), bytearray()
    for piece in pieces:
        view = memoryview(piece)
        for at in range(0, len(view), BLOCK):
            sealed += message.update(view[at : at + BLOCK])
    sealed += message.finalize()
    return sealed
