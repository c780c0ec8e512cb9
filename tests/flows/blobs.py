"""The blobs that were opened for reading meanwhile, and whether they were closed again."""

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from portal.storage.local.reading import LocalReader


@contextmanager
def opened_blobs(kind: type[LocalReader] = LocalReader) -> Iterator[list[LocalReader]]:
    """Every blob opened within the block, as such a reader. What is open at its end is closed."""
    found: list[LocalReader] = []

    class Watched(kind):  # type: ignore[misc, valid-type]
        def __init__(self, *args: object) -> None:
            super().__init__(*args)
            found.append(self)

    try:
        with patch("portal.storage.local.store.LocalReader", Watched):
            yield found
    finally:
        for reader in found:
            reader.close()
