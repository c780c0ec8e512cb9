"""The blob store of this process."""

from portal.core.errors import Misconfigured
from portal.storage.blobs import BlobStore

_chosen: BlobStore | None = None


def configure(store: BlobStore) -> None:
    """Make `store` the one of this process. `create_app` calls it once."""
    global _chosen  # noqa: PLW0603  # a process has one installation's blobs
    _chosen = store


def blobs() -> BlobStore:
    """The blob store."""
    if _chosen is None:
        raise Misconfigured("No blob store is configured.")
    return _chosen
