"""What a store of blobs must do. It sees ciphertext only, and names that are ids."""

from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from types import TracebackType
from typing import NamedTuple, Protocol, Self
from uuid import UUID

from portal.core.errors import PortalError

Piece = bytes | bytearray | memoryview

# What an assembly takes at once: a whole part of PF1, which is a legal part of S3's as well.
PART_BYTES = 8_396_872
NOTE, LARGEST_NOTE = "checkpoint", 20_000


class BlobMissing(PortalError):
    """The store has no such blob, though somebody expects it."""

    status = 500
    message = "The content of this document is missing."


class BlobDamaged(PortalError):
    """What lies in the blob's place can't be read: a bad sector, or something else than a blob."""

    status = 500
    message = "The content of this document can't be read."


class BlobExists(PortalError):
    """A blob is written once; this one is there already."""

    status = 409
    message = "This content has been stored already."


class StoreUnavailable(PortalError):
    """The store does not answer, has no room, or refuses the portal itself."""

    status = 503
    message = "The store of the documents does not answer just now. Please try again later."


class StoredBlob(NamedTuple):
    """What lies under one id. Without `is_committed` it is being written, or was given up."""

    blob_id: UUID
    size_bytes: int
    modified_at: datetime
    is_committed: bool


class BlobWriter(Protocol):
    """A blob on its way in, invisible until `commit`."""

    def write(self, piece: Piece, /) -> object:
        """Take all of `piece`, and keep no reference to it."""

    def commit(self) -> None:
        """Make the blob durable, then visible, once. Raises `BlobExists`.

        Raises `BlobMissing` where a sweep took the unfinished blob for an orphan.
        """


class Assembly(Protocol):
    """A blob that comes in parts, over days, through several processes; one of them at a time."""

    def write_part(self, index: int, sealed: Piece, /) -> None:
        """Take the part of that index: `PART_BYTES`, or fewer for the last. Durable on return.

        The same index again replaces what was there, of a process that was killed perhaps. Raises
        `BlobMissing` where the blob was committed, `StoreUnavailable` where another is at it.
        """

    def commit(self, parts: int, /) -> None:
        """Make the blob of so many parts visible, once, and durably.

        Raises `BlobExists` where that was done before, `BlobMissing` where parts are wanting.
        """

    def abandon(self) -> None:
        """Leave nothing behind. What is committed stays; nothing there is no error."""


class BlobReader(Protocol):
    """A blob that is read from any offset. Reading raises `BlobDamaged` or `StoreUnavailable`."""

    size_bytes: int

    def read(self, size: int = -1, /) -> bytes: ...
    def readinto(self, buffer: memoryview, /) -> int | None: ...
    def seek(self, offset: int, whence: int = 0, /) -> int: ...
    def close(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None: ...


class BlobStore(Protocol):
    """Keeps blobs apart by tenant. The same blob id in two tenants is two blobs."""

    def create(self, tenant_id: UUID, blob_id: UUID) -> AbstractContextManager[BlobWriter]:
        """Begin a blob. Leaving the block without `commit` leaves nothing behind."""

    def begin(self, tenant_id: UUID, blob_id: UUID) -> str:
        """Begin a blob that comes in parts; gives a token by which to resume it."""

    def resume(self, tenant_id: UUID, blob_id: UUID, token: str) -> Assembly:
        """Go on with a blob that was begun, in whatever process."""

    def open(self, tenant_id: UUID, blob_id: UUID) -> BlobReader:
        """A committed blob. Raises `BlobMissing` or `BlobDamaged`."""

    def delete(self, tenant_id: UUID, blob_id: UUID) -> None:
        """Take away a committed blob. Nothing there is no error."""

    def delete_unfinished(
        self, tenant_id: UUID, untouched_since: datetime, but: Collection[UUID] = ()
    ) -> int:
        """Take away what was never committed and not written to since then; returns how many.

        `but` are blobs that come in parts and are still waited for, however long they pause.
        Apart from `delete`, so that a sweep of old attempts can't hit a later one that succeeded.
        """

    def list_blobs(self, tenant_id: UUID) -> Iterator[StoredBlob]:
        """Everything of a tenant, what a killed writer left behind too; so an id may come twice.

        Raises `StoreUnavailable` rather than leave anything out.
        """

    def keep_note(self, tenant_id: UUID, content: bytes) -> None:
        """Keep a small text about a tenant, no blob of it, in place of the one before. Durable."""

    def find_note(self, tenant_id: UUID) -> bytes | None:
        """The text that is kept about a tenant, up to `LARGEST_NOTE` bytes of it."""

    def forget_note(self, tenant_id: UUID) -> None:
        """Keep no text about a tenant any more. Nothing there is no error."""

    def delete_tenant(self, tenant_id: UUID) -> None:
        """Take away everything of a tenant. Nothing there is no error."""
