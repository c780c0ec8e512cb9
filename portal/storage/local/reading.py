"""A committed file."""

import os
from io import FileIO
from pathlib import Path

from portal.storage.blobs import BlobMissing
from portal.storage.local.files import not_a_link


class LocalReader(FileIO):
    """A committed file, opened for reading."""

    def __init__(self, path: Path) -> None:
        try:
            super().__init__(path, "rb", opener=not_a_link)
        except FileNotFoundError:
            raise BlobMissing from None
        self.size_bytes = os.fstat(self.fileno()).st_size
