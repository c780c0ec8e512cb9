"""Where sealed contents lie: `blobs` says what a store must do, `local` keeps them as files.

The application calls `configure` once; whoever needs the store asks for the `active` one.
"""

from portal.storage.blobs import active, configure
from portal.storage.local import LocalBlobs

__all__ = ["LocalBlobs", "active", "configure"]
