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
from pathlib import Path
from uuid import UUID

from portal.core.durable import sync_folder, write_new
from portal.storage.blobs import LARGEST_NOTE, NOTE, BlobMissing, StoredBlob
from portal.storage.local.files import (
    FOLDER_MODE,
    make_folders,
    not_a_link,
    refuse_unreadable,
    store_errors,
)
from portal.storage.local.reading import LocalReader
from portal.storage.local.writing import LocalAssembly, LocalWriter

INCOMING, ASSEMBLING = "incoming", "assembling"


class LocalBlobs:
    """A `BlobStore` over one file system, which must have hard links."""

    def __init__(self, root: Path) -> None:
        root.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        self._root = root.resolve(strict=True)

    @contextmanager
    def create(self, tenant_id: UUID, blob_id: UUID) -> Iterator[LocalWriter]:
        folder = self._folder(tenant_id, INCOMING)
        unfinished = folder / f"{blob_id}.{secrets.token_hex(8)}"
        with store_errors():
            make_folders(folder)
            begun = LocalWriter(unfinished, self._path(tenant_id, blob_id))
        with begun as writer:
            yield writer

    def begin(self, tenant_id: UUID, blob_id: UUID) -> str:
        return ""  # the id says all; the file is made with the first part

    def resume(self, tenant_id: UUID, blob_id: UUID, token: str) -> LocalAssembly:
        if token:
            raise BlobMissing  # it was begun in another store
        unfinished = self._folder(tenant_id, ASSEMBLING) / _name(blob_id)
        return LocalAssembly(unfinished, self._path(tenant_id, blob_id))

    def open(self, tenant_id: UUID, blob_id: UUID) -> LocalReader:
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
        for folder, folders, names in os.walk(self._folder(tenant_id), onerror=refuse_unreadable):
            folders.sort()
            for name in sorted(names):
                with suppress(FileNotFoundError, ValueError):  # gone meanwhile; not one of ours
                    yield _stored(Path(folder), name)

    def keep_note(self, tenant_id: UUID, content: bytes) -> None:
        folder = self._folder(tenant_id)
        unfinished = self._folder(tenant_id, INCOMING) / f"{NOTE}.{secrets.token_hex(8)}"
        with store_errors():
            make_folders(unfinished.parent)
            write_new(unfinished, content)
            unfinished.replace(folder / NOTE)
            sync_folder(folder)

    def find_note(self, tenant_id: UUID) -> bytes | None:
        path = self._folder(tenant_id) / NOTE
        with suppress(BlobMissing), store_errors(), open(path, "rb", opener=not_a_link) as file:
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
        folder = self._root
        for name in (_name(tenant_id), *names):
            folder = folder / name
            if folder.is_symlink():
                raise BlobMissing
        return folder


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
