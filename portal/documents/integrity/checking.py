"""Reading one content back, as gently as is asked for."""

import time
from collections.abc import Callable
from typing import NamedTuple

from cryptography.hazmat.primitives.constant_time import bytes_eq

from portal.documents.cipher import ContentId, DamagedDocument, decrypt
from portal.documents.hashed import Hashed
from portal.documents.integrity.models import Fault
from portal.documents.models import DocumentVersion
from portal.keys.data_keys import Mode, open_data_key
from portal.keys.providers import KeyDamaged
from portal.storage.blobs import BlobDamaged, BlobMissing, BlobReader
from portal.storage.chosen import blobs
from portal.tenancy.binding import bound_tenant_id
from portal.tenancy.session import release

MEBIBYTE = 1024 * 1024


class Stopped(Exception):
    """The process is to end; what was being read is read again the next time."""


class Pace:
    """Keeps to so many MiB a second, resting by `wait`, which says whether to stop."""

    def __init__(
        self, mib_per_second: float, wait: Callable[[float], bool | None] = time.sleep
    ) -> None:
        self._bytes_per_second = mib_per_second * MEBIBYTE
        self._wait = wait
        self._began, self._done = time.monotonic(), 0

    def keep(self, size: int) -> None:
        """Count what was read, and rest if that was too fast. Raises `Stopped`."""
        self._done += size
        ahead = self._done / self._bytes_per_second - (time.monotonic() - self._began)
        if self._wait(max(ahead, 0)):
            raise Stopped
        if ahead < -1:  # time that nobody used is not made up for
            self._began, self._done = time.monotonic(), 0


class Sought(NamedTuple):
    """What a version's row says of its content, with the key to it."""

    content: ContentId
    key: bytes
    size_bytes: int
    sealed_bytes: int
    sealed_sha256: bytes


def find_fault(version: DocumentVersion, pace: Pace) -> Fault | None:
    """Read a version of the bound tenant as whoever downloads it would, to its end.

    Ends the present transaction. Raises `KeyUnavailable`, `StoreUnavailable` or `Stopped`, none of
    which says anything of the content.
    """
    try:
        sought, store = _sought(version), blobs()
        release()
        with store.open(bound_tenant_id(), version.id) as blob:
            _read(blob, sought, pace)
    except BlobMissing:
        fault = Fault.MISSING
    except (BlobDamaged, DamagedDocument, KeyDamaged):
        fault = Fault.ROT
    else:
        return None
    require_store()
    return fault


def require_store() -> None:
    """Raises `StoreUnavailable` where the bound tenant's store fails as a whole, and not one of its
    blobs only.
    """
    blobs().find_note(bound_tenant_id())


def _sought(version: DocumentVersion) -> Sought:
    if version.mode not in tuple(Mode):
        raise DamagedDocument
    mode = Mode(version.mode)
    return Sought(
        ContentId(bound_tenant_id(), version.document_id, version.id, mode),
        open_data_key(
            version.document_id, version.id, mode, version.wrapped_key, version.key_version
        ),
        version.size_bytes,
        version.sealed_bytes,
        version.sealed_sha256,
    )


def _read(blob: BlobReader, sought: Sought, pace: Pace) -> None:
    if blob.size_bytes != sought.sealed_bytes:
        raise DamagedDocument
    source = Hashed(blob)
    for block in decrypt(source, sought.key, sought.content, sought.size_bytes):
        pace.keep(len(block))
    if not bytes_eq(source.sha256.digest(), sought.sealed_sha256):
        raise DamagedDocument
