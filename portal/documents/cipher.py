"""PF1, the format of a content at rest (reference/document-format.md, section 2, byte by byte).

    file  = part_0 ‖ … ‖ part_n       8 MiB of plaintext each, the last fewer: that marks the end
    part  = salt[24] ‖ commitment[32] ‖ chunks of 16 KiB + tag[16], the last of them shorter

Each part is one Cobblestone-256 message (C2SP chunked-encryption) whose context binds the tenant,
document, version, mode and the part's index. The native classes write and read whole parts; they
have no seek, so a range is read by our own `MessageReader`.
"""

import hashlib
import os
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple, Protocol
from uuid import UUID

from cryptography.cobblestone import Cobblestone256Decryptor, Cobblestone256Encryptor
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.constant_time import bytes_eq
from cryptography.hazmat.primitives.hashes import SHA512, HashAlgorithm
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from portal.core.errors import PortalError
from portal.core.processes import PerProcess
from portal.keys.data_keys import Mode
from portal.storage.blobs import BlobDamaged

FORMAT = "PF1"
LABEL = b"portal/doc/v1\0"
MESSAGE_LABEL = b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0"
KEY, SALT, NONCE, COMMITMENT, TAG = 32, 24, 12, 32, 16  # bytes
HEADER = SALT + COMMITMENT
CHUNK = 16 * 1024
PART = 8 * 1024 * 1024
SEALED_CHUNK = CHUNK + TAG
SEALED_PART = HEADER + PART // CHUNK * SEALED_CHUNK + TAG
BLOCK = 16 * CHUNK  # what is opened or sealed at once
YIELDED, WRITTEN = 64 * CHUNK, 128 * CHUNK  # what is at once; why so much: docs/decisions/0033

# Where contents are hashed while their writers go on: docs/decisions/0033.
hashers = PerProcess(lambda: ThreadPoolExecutor(os.cpu_count(), "hashing"))

Piece = bytes | bytearray | memoryview


class DamagedDocument(PortalError):
    """The content is not what was stored. Says no more, so that it tells an attacker nothing."""

    status = 500
    message = "This document can't be read: its content is damaged or incomplete."


class Sink(Protocol):
    """Where ciphertext goes."""

    def write(self, piece: memoryview, /) -> object:
        """Take all of `piece`, and keep no reference to it."""


class Source(Protocol):
    """Where ciphertext comes from."""

    def readinto(self, buffer: memoryview, /) -> int | None:
        """Fill the beginning of `buffer`; gives how much of it, nothing at the end."""

    def seek(self, offset: int, whence: int = 0, /) -> int: ...


@dataclass(frozen=True, slots=True)
class ContentId:
    """Which content it is. Sealed bytes are bound to all of it."""

    tenant_id: UUID
    document_id: UUID
    version_id: UUID
    mode: Mode = Mode.SERVER

    def context(self, part: int) -> bytes:
        """What the part of that index is bound to."""
        ids = self.tenant_id.bytes + self.document_id.bytes + self.version_id.bytes
        return LABEL + ids + self.mode.encode("ascii") + part.to_bytes(8, "big")


class Sealed(NamedTuple):
    """What the version's row keeps of a content."""

    size_bytes: int
    sealed_bytes: int
    sealed_sha256: bytes


def sealed_size(size_bytes: int) -> int:
    """How many bytes a content of `size_bytes` takes at rest."""
    return size_bytes // PART * SEALED_PART + _message_size(size_bytes % PART)


def _message_size(size_bytes: int) -> int:
    return HEADER + size_bytes + (size_bytes // CHUNK + 1) * TAG


class Encryptor:
    """Seals a content as it comes, in pieces of any size, with one buffer that is filled, and for
    larger contents a spare one that is hashed meanwhile.

    Every part gets a fresh salt from the native class. An encryptor whose sink failed is of no
    more use: begin the content anew.
    """

    def __init__(self, sink: Sink, dek: Piece, content: ContentId) -> None:
        self._sink, self._dek, self._content = sink, dek, content
        self._buffer, self._spare = _buffer(), memoryview(b"")
        self._filled = 0
        self._size_bytes = self._sealed_bytes = 0
        self._digest = hashlib.sha256()
        self._hashing: Future[None] | None = None
        self._message = Cobblestone256Encryptor(dek, content.context(0))

    def write(self, piece: Piece) -> None:
        """Seal some more of the content."""
        rest = memoryview(piece).cast("B")
        while rest:
            now = rest[: min(self._room(), PART - self._size_bytes % PART)]
            self._filled += self._message.update_into(now, self._buffer[self._filled :])
            self._size_bytes += len(now)
            rest = rest[len(now) :]
            if self._size_bytes % PART == 0:
                self._end_part()
                part = self._size_bytes // PART
                self._message = Cobblestone256Encryptor(self._dek, self._content.context(part))
            if not self._room():
                self._flush()

    def _room(self) -> int:
        """How much of the content is sure to fit into the buffer yet: behind a header, with the
        chunk that the native class has begun, and before the end of a part.
        """
        left = WRITTEN - self._filled - HEADER - TAG
        return max(0, left // SEALED_CHUNK - 2) * CHUNK

    def finish(self) -> Sealed:
        """Write what is left and the end marker."""
        self._end_part()
        last = self._buffer[: self._filled]
        self._await_hash()
        self._digest.update(last)
        self._write_out(last)
        return Sealed(self._size_bytes, self._sealed_bytes, self._digest.digest())

    def _end_part(self) -> None:
        tail = self._message.finalize()
        self._buffer[self._filled : self._filled + len(tail)] = tail
        self._filled += len(tail)

    def _flush(self) -> None:
        """Hash and write what the buffer holds, both at once."""
        ready = self._buffer[: self._filled]
        self._await_hash()
        self._begin_hash(ready)
        self._write_out(ready)

    def _begin_hash(self, ready: memoryview) -> None:
        """In another thread, and go on with the spare buffer."""
        self._hashing = hashers.get().submit(self._digest.update, ready)
        self._buffer, self._spare = self._spare or _buffer(), self._buffer

    def _await_hash(self) -> None:
        if self._hashing is not None:
            self._hashing.result()

    def _write_out(self, ready: memoryview) -> None:
        self._sink.write(ready)
        self._sealed_bytes += len(ready)
        self._filled = 0


def _buffer() -> memoryview:
    return memoryview(bytearray(WRITTEN))


def decrypt(
    source: Source, dek: Piece, content: ContentId, size_bytes: int
) -> Generator[bytes, None, None]:
    """The whole content in blocks of 1 MiB, each authentic when it is yielded.

    `size_bytes` is the row's. The length and the first block are checked before this returns, so
    a content that is wrong from the start raises `DamagedDocument` while there is still a status
    to answer with; one that breaks off later raises it out of the iterator.
    """
    _check_length(source, size_bytes)
    return _begun(_whole(source, dek, content, size_bytes))


def _whole(
    source: Source, dek: Piece, content: ContentId, size_bytes: int
) -> Generator[bytes, None, None]:
    source.seek(0)
    step = YIELDED // CHUNK * SEALED_CHUNK
    buffer = memoryview(bytearray(min(HEADER + step, sealed_size(size_bytes))))
    for part in range(size_bytes // PART + 1):
        message = Cobblestone256Decryptor(dek, content.context(part))
        left = _message_size(min(PART, size_bytes - part * PART))
        header = HEADER
        while left:
            sealed = _filled(source, buffer[: min(header + step, left)])
            left -= len(sealed)
            header = 0
            try:
                block = message.update(sealed)
                if not left:
                    block += message.finalize()
            except InvalidTag:
                raise DamagedDocument from None
            if block:
                yield block


def decrypt_range(
    source: Source, dek: Piece, content: ContentId, size_bytes: int, *, start: int, stop: int
) -> Iterator[bytes]:
    """The bytes from `start` up to `stop` (exclusive), read and checked as by `decrypt`.

    The last chunk is opened as well: that the file ends where it should is then not only its
    length's word. Chunks outside the range are not looked at.
    """
    if not 0 <= start <= stop <= size_bytes:
        raise ValueError("a range outside the content")
    _check_length(source, size_bytes)
    last_part = size_bytes // PART
    last = _part(source, dek, content, size_bytes, last_part)
    last.read(last.chunk_count - 1, last.chunk_count)
    return _begun(_range(source, dek, content, size_bytes, start=start, stop=stop))


def _range(
    source: Source, dek: Piece, content: ContentId, size_bytes: int, *, start: int, stop: int
) -> Generator[bytes, None, None]:
    while start < stop:
        part, offset = divmod(start, PART)
        message = _part(source, dek, content, size_bytes, part)
        end = min(stop - part * PART, PART)
        while offset < end:
            first = offset // CHUNK
            upto = min(first + BLOCK // CHUNK, -(-end // CHUNK))
            block = message.read(first, upto)
            yield bytes(block[offset - first * CHUNK : end - first * CHUNK])
            offset = upto * CHUNK
        start = part * PART + end


def _part(
    source: Source, dek: Piece, content: ContentId, size_bytes: int, part: int
) -> "MessageReader":
    size = min(PART, size_bytes - part * PART)
    return MessageReader(source, part * SEALED_PART, size, dek, content.context(part))


class MessageReader:
    """One Cobblestone-256 message inside a file, opened from any chunk on.

    The specification's test vectors derive with SHA-256, the native class with SHA-512: hence the
    parameter.
    """

    def __init__(
        self,
        source: Source,
        at: int,
        size_bytes: int,
        key: Piece,
        context: bytes,
        *,
        algorithm: HashAlgorithm | None = None,
    ) -> None:
        """Reads the header. Raises `DamagedDocument` where key or context are not the message's."""
        if len(key) != KEY:
            raise ValueError("a key has 32 bytes")
        source.seek(at)
        header = bytes(_filled(source, memoryview(bytearray(HEADER))))
        expand = HKDFExpand(
            algorithm or SHA512(),
            KEY + NONCE + COMMITMENT,
            MESSAGE_LABEL + header[:SALT] + context,
        )
        derived = expand.derive(key)
        if not bytes_eq(derived[KEY + NONCE :], header[SALT:]):
            raise DamagedDocument
        self._cipher = AESGCM(derived[:KEY])
        self._base_nonce = int.from_bytes(derived[KEY : KEY + NONCE], "big")
        self._source, self._at, self._size_bytes = source, at + HEADER, size_bytes
        self.chunk_count = size_bytes // CHUNK + 1

    def read(self, first: int, upto: int) -> memoryview:
        """The text of chunks `first` up to `upto`, sixteen at most."""
        size = min(upto * CHUNK, self._size_bytes) - first * CHUNK
        self._source.seek(self._at + first * SEALED_CHUNK)
        sealed = _filled(self._source, memoryview(bytearray(size + (upto - first) * TAG)))
        text = memoryview(bytearray(size))
        try:
            for i in range(upto - first):
                nonce = (self._base_nonce ^ (first + i)).to_bytes(NONCE, "big")
                chunk = sealed[i * SEALED_CHUNK : (i + 1) * SEALED_CHUNK]
                opened = text[i * CHUNK : i * CHUNK + len(chunk) - TAG]
                self._cipher.decrypt_into(nonce, chunk, None, opened)
        except InvalidTag:
            raise DamagedDocument from None
        return text


def _begun(blocks: Generator[bytes, None, None]) -> Generator[bytes, None, None]:
    """The same blocks, with the first one made now."""
    first = next(blocks, b"")

    def all_of_them() -> Generator[bytes, None, None]:
        if first:
            yield first
        yield from blocks

    return all_of_them()


def _check_length(source: Source, size_bytes: int) -> None:
    if source.seek(0, 2) != sealed_size(size_bytes):
        raise DamagedDocument


def _filled(source: Source, buffer: memoryview) -> memoryview:
    """All of `buffer`, filled; a source may give fewer at a time, as sockets do."""
    rest = buffer
    while rest:
        try:
            count = source.readinto(rest)
        except BlobDamaged:
            raise DamagedDocument from None
        if not count:
            raise DamagedDocument
        rest = rest[count:]
    return buffer
