"""A file that is being written, in one go or part by part. It gets its name when it is complete."""

import os
from contextlib import suppress
from pathlib import Path

from portal.storage.blobs import PART_BYTES, BlobExists, BlobMissing, Piece
from portal.storage.local.files import (
    FILE_MODE,
    give_name,
    make_folders,
    private,
    store_errors,
    sync_folder,
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
    """A file that is written part by part, and gets its name when the last one is there."""

    def __init__(self, unfinished: Path, path: Path) -> None:
        self._unfinished, self._path = unfinished, path

    def write_part(self, index: int, sealed: Piece, /) -> None:
        with store_errors():
            make_folders(self._unfinished.parent)
            flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            descriptor = os.open(self._unfinished, flags, FILE_MODE)
            try:
                _write_at(descriptor, index * PART_BYTES, sealed)
                os.fdatasync(descriptor)
            finally:
                os.close(descriptor)
            if index == 0:
                sync_folder(self._unfinished.parent)

    def commit(self, parts: int, /) -> None:
        try:
            size_bytes = self._unfinished.lstat().st_size
        except FileNotFoundError:
            raise (BlobExists if self._path.exists() else BlobMissing) from None
        if not (parts - 1) * PART_BYTES < size_bytes <= parts * PART_BYTES:
            raise BlobMissing
        give_name(self._unfinished, self._path)
        self.abandon()

    def abandon(self) -> None:
        self._unfinished.unlink(missing_ok=True)


def _write_at(descriptor: int, offset: int, piece: Piece) -> None:
    rest = memoryview(piece)
    while rest:
        written = os.pwrite(descriptor, rest, offset)
        rest, offset = rest[written:], offset + written
