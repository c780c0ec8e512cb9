"""A file that is being written, in one go or part by part. It gets its name when it is complete."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from portal.core.durable import private, sync_folder
from portal.storage.blobs import PART_BYTES, BlobExists, BlobMissing, Piece
from portal.storage.local.files import (
    FILE_MODE,
    give_name,
    make_folders,
    store_errors,
)

WRITEBACK_BYTES = 8 << 20  # after so many more, the disk is told to begin


class LocalWriter:
    """A file that gets its name when it is complete."""

    def __init__(self, unfinished: Path, path: Path) -> None:
        self._unfinished = unfinished
        self._path = path
        self._file = open(unfinished, "xb", opener=private)  # noqa: SIM115
        self._written = self._in_writeback = 0  # bytes

    def write(self, piece: Piece, /) -> None:
        with store_errors():
            self._written += self._file.write(piece)
            if self._written - self._in_writeback >= WRITEBACK_BYTES:
                self._start_writeback()

    def _start_writeback(self) -> None:
        """Have the disk begin with what is there, so that less is left to wait for in the end.

        Linux begins to write out what it is told that nobody needs soon.
        """
        self._file.flush()
        new = self._written - self._in_writeback
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(self._file.fileno(), self._in_writeback, new, os.POSIX_FADV_DONTNEED)
        self._in_writeback = self._written

    def commit(self) -> None:
        with store_errors():
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
        give_name(self._unfinished, self._path)

    def __enter__(self) -> "LocalWriter":
        return self

    def __exit__(self, *exception: object) -> None:
        self._unfinished.unlink(missing_ok=True)
        with suppress(OSError):  # what is given up need not be flushed, be the disk full or not
            self._file.close()


class LocalAssembly:
    """A file that is written part by part, and gets its name when the last one is there.

    It is locked meanwhile: whoever is held up in the middle of a part and goes on later must not
    write into what others have given its name by then. The lock ends with the process.
    """

    def __init__(self, unfinished: Path, path: Path) -> None:
        self._unfinished, self._path = unfinished, path

    def write_part(self, index: int, sealed: Piece, /) -> None:
        with store_errors():
            make_folders(self._unfinished.parent)
            with self._locked(os.O_CREAT) as descriptor:
                if self._path.exists():
                    self.abandon()
                    raise BlobMissing
                _write_at(descriptor, index * PART_BYTES, sealed)
                os.fdatasync(descriptor)
            if index == 0:
                sync_folder(self._unfinished.parent)

    def commit(self, parts: int, /) -> None:
        if self._path.exists():
            raise BlobExists
        with store_errors(), self._locked() as descriptor:
            size_bytes = os.fstat(descriptor).st_size
            if not (parts - 1) * PART_BYTES < size_bytes <= parts * PART_BYTES:
                raise BlobMissing
            give_name(self._unfinished, self._path)
            self.abandon()

    def abandon(self) -> None:
        self._unfinished.unlink(missing_ok=True)

    @contextmanager
    def _locked(self, flags: int = 0) -> Iterator[int]:
        """The file's descriptor. Who would have to wait is refused: a disk may hang for long."""
        flags |= os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(self._unfinished, flags, FILE_MODE)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield descriptor
        finally:
            os.close(descriptor)


def _write_at(descriptor: int, offset: int, piece: Piece) -> None:
    rest = memoryview(piece)
    while rest:
        written = os.pwrite(descriptor, rest, offset)
        rest, offset = rest[written:], offset + written
