"""A committed file."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from errno import EIO, EISDIR, ELOOP, errorcode
from io import FileIO
from pathlib import Path

import structlog

from portal.storage.blobs import BlobDamaged, BlobMissing, StoreUnavailable
from portal.storage.local.files import not_a_link

DAMAGED = frozenset({EIO, EISDIR, ELOOP})

log = structlog.get_logger()


class LocalReader(FileIO):
    """A committed file, opened for reading."""

    def __init__(self, path: Path) -> None:
        with _read_errors():
            super().__init__(path, "rb", opener=not_a_link)
        self.size_bytes = os.fstat(self.fileno()).st_size

    def read(self, size: int | None = -1, /) -> bytes:
        with _read_errors():
            return super().read(size)

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]  # the protocol's
        with _read_errors():
            return super().readinto(buffer)


@contextmanager
def _read_errors() -> Iterator[None]:
    """Turn what the file system refuses while a blob is read into the errors of a store."""
    try:
        yield
    except FileNotFoundError:
        raise BlobMissing from None
    except OSError as error:
        log.warning("a blob can not be read", error=errorcode.get(error.errno or 0, "?"))
        raise (BlobDamaged if error.errno in DAMAGED else StoreUnavailable) from error
