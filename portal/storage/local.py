"""Blobs as files in a folder.

    <root>/<tenant>/incoming/<blob>.<random>    being written, or left by a killed writer
    <root>/<tenant>/assembling/<blob>           coming in parts, each at its own offset
    <root>/<tenant>/<x>/<y>/<blob>              committed; x and y are the id's last two digits
    <root>/<tenant>/checkpoint                  the note about the tenant's log

A UUIDv7 begins with the time and ends at random, so its end spreads evenly over 256 folders.
"""

import os
import secrets
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from errno import errorcode
from io import FileIO
from pathlib import Path
from uuid import UUID

import structlog

from portal.storage.blobs import (
    LARGEST_NOTE,
    NOTE,
    PART_BYTES,
    BlobExists,
    BlobMissing,
    Piece,
    StoredBlob,
    StoreUnavailable,
)

INCOMING, ASSEMBLING = "incoming", "assembling"
WRITEBACK_BYTES = 8 << 20  # after so many more, the disk is told to begin
FOLDER_MODE, FILE_MODE = 0o700, 0o600

log = structlog.get_logger()


class LocalBlobs:
    """A `BlobStore` over one file system, which must have hard links."""

    def __init__(self, root: Path) -> None:
        root.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        self._root = root.resolve(strict=True)

    @contextmanager
    def create(self, tenant_id: UUID, blob_id: UUID) -> Iterator["LocalWriter"]:
        folder = self._folder(tenant_id, INCOMING)
        unfinished = folder / f"{blob_id}.{secrets.token_hex(8)}"
        with _store_errors():
            _make_folders(folder)
            begun = LocalWriter(unfinished, self._path(tenant_id, blob_id))
        with begun as writer:
            yield writer

    def begin(self, tenant_id: UUID, blob_id: UUID) -> str:
        return ""  # the id says all; the file is made with the first part

    def resume(self, tenant_id: UUID, blob_id: UUID, token: str) -> "LocalAssembly":
        if token:
            raise BlobMissing  # it was begun in another store
        unfinished = self._folder(tenant_id, ASSEMBLING) / _name(blob_id)
        return LocalAssembly(unfinished, self._path(tenant_id, blob_id))

    def open(self, tenant_id: UUID, blob_id: UUID) -> "LocalReader":
        return LocalReader(self._path(tenant_id, blob_id))

    def delete(self, tenant_id: UUID, blob_id: UUID) -> None:
        self._path(tenant_id, blob_id).unlink(missing_ok=True)

    def delete_unfinished(
        self, tenant_id: UUID, untouched_since: datetime, but: Collection[UUID] = ()
    ) -> int:
        count, kept = 0, {_name(blob_id) for blob_id in but}
        for folder in (INCOMING, ASSEMBLING):
            for path in self._folder(tenant_id, folder).glob("*"):
                with suppress(FileNotFoundError):  # committed or given up meanwhile
                    is_old = path.lstat().st_mtime < untouched_since.timestamp()
                    if is_old and path.name not in kept:
                        path.unlink()
                        count += 1
        return count

    def list_blobs(self, tenant_id: UUID) -> Iterator[StoredBlob]:
        for folder, folders, names in os.walk(self._folder(tenant_id)):
            folders.sort()
            for name in sorted(names):
                with suppress(FileNotFoundError, ValueError):  # gone meanwhile; not one of ours
                    yield _stored(Path(folder), name)

    def keep_note(self, tenant_id: UUID, content: bytes) -> None:
        folder = self._folder(tenant_id)
        unfinished = self._folder(tenant_id, INCOMING) / f"{NOTE}.{secrets.token_hex(8)}"
        with _store_errors():
            _make_folders(unfinished.parent)
            with open(unfinished, "xb", opener=_private) as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(folder / NOTE)
            _sync_folder(folder)

    def find_note(self, tenant_id: UUID) -> bytes | None:
        path = self._folder(tenant_id) / NOTE
        with suppress(BlobMissing), _store_errors(), open(path, "rb", opener=_not_a_link) as file:
            return file.read(LARGEST_NOTE)
        return None

    def forget_note(self, tenant_id: UUID) -> None:
        (self._folder(tenant_id) / NOTE).unlink(missing_ok=True)

    def delete_tenant(self, tenant_id: UUID) -> None:
        with suppress(FileNotFoundError):
            shutil.rmtree(self._folder(tenant_id))

    def _path(self, tenant_id: UUID, blob_id: UUID) -> Path:
        name = _name(blob_id)
        return self._folder(tenant_id, name[-2], name[-1]) / name

    def _folder(self, tenant_id: UUID, *names: str) -> Path:
        """The one place where paths are made: of ids, below the root, through no symbolic link."""
        folder = self._root.joinpath(_name(tenant_id), *names)
        if folder.resolve() != folder:
            raise BlobMissing
        return folder


class LocalWriter:
    """A file that gets its name when it is complete."""

    def __init__(self, unfinished: Path, path: Path) -> None:
        self._unfinished = unfinished
        self._path = path
        self._file = open(unfinished, "xb", opener=_private)  # noqa: SIM115
        self._written = self._in_writeback = 0  # bytes

    def write(self, piece: Piece, /) -> None:
        with _store_errors():
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
        with _store_errors():
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
        _give_name(self._unfinished, self._path)

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
        with _store_errors():
            _make_folders(self._unfinished.parent)
            flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            descriptor = os.open(self._unfinished, flags, FILE_MODE)
            try:
                _write_at(descriptor, index * PART_BYTES, sealed)
                os.fdatasync(descriptor)
            finally:
                os.close(descriptor)
            if index == 0:
                _sync_folder(self._unfinished.parent)

    def commit(self, parts: int, /) -> None:
        try:
            size_bytes = self._unfinished.lstat().st_size
        except FileNotFoundError:
            raise (BlobExists if self._path.exists() else BlobMissing) from None
        if not (parts - 1) * PART_BYTES < size_bytes <= parts * PART_BYTES:
            raise BlobMissing
        _give_name(self._unfinished, self._path)
        self.abandon()

    def abandon(self) -> None:
        self._unfinished.unlink(missing_ok=True)


class LocalReader(FileIO):
    """A committed file, opened for reading."""

    def __init__(self, path: Path) -> None:
        try:
            super().__init__(path, "rb", opener=_not_a_link)
        except FileNotFoundError:
            raise BlobMissing from None
        self.size_bytes = os.fstat(self.fileno()).st_size


@contextmanager
def _store_errors() -> Iterator[None]:
    """Turn what the file system refuses while a blob is written into the errors of a store."""
    try:
        yield
    except FileExistsError:
        raise BlobExists from None
    except FileNotFoundError:
        raise BlobMissing from None
    except OSError as error:  # no room, most of all
        log.warning("a blob can not be written", error=errorcode.get(error.errno or 0, "?"))
        raise StoreUnavailable from error


def _name(of: UUID) -> str:
    """An id as it stands in a path. Whatever else came in by mistake never becomes one."""
    if not isinstance(of, UUID):
        raise TypeError("a path is made of UUIDs only")
    return str(of)


def _stored(folder: Path, name: str) -> StoredBlob:
    found = (folder / name).lstat()
    return StoredBlob(
        blob_id=UUID(name.partition(".")[0]),
        size_bytes=found.st_size,
        modified_at=datetime.fromtimestamp(found.st_mtime, UTC),
        is_committed=folder.name not in (INCOMING, ASSEMBLING),
    )


def _give_name(unfinished: Path, path: Path) -> None:
    """A hard link is the one way to give a name that never replaces another file."""
    with _store_errors():
        _make_folders(path.parent)
        os.link(unfinished, path)
        _sync_folder(path.parent)


def _write_at(descriptor: int, offset: int, piece: Piece) -> None:
    rest = memoryview(piece)
    while rest:
        written = os.pwrite(descriptor, rest, offset)
        rest, offset = rest[written:], offset + written


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, FILE_MODE)


def _not_a_link(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC)


def _make_folders(folder: Path) -> None:
    """Make a folder and what is above it, so that it is still there after a power cut."""
    if not folder.is_dir():
        _make_folders(folder.parent)
        folder.mkdir(mode=FOLDER_MODE, exist_ok=True)
        _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
