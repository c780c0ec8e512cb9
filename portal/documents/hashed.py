"""Hashing what is sealed while it is opened."""

import hashlib

from portal.documents.cipher import Source


class Hashed:
    """A blob that is hashed while it is read from its beginning to its end."""

    def __init__(self, blob: Source) -> None:
        self._blob, self.sha256 = blob, hashlib.sha256()

    def readinto(self, buffer: memoryview, /) -> int | None:
        count = self._blob.readinto(buffer)
        self.sha256.update(buffer[:count])
        return count

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return self._blob.seek(offset, whence)
