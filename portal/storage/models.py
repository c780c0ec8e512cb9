"""Where a tenant's blobs lie."""

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from portal.core import clock
from portal.core.db import Base
from portal.tenancy.models import TenantOwned


class BlobHome(TenantOwned, Base):
    """The store of a tenant's blobs, and the one that they are leaving, by their addresses.

    Its id is the tenant's own, so there is one at most.
    """

    __tablename__ = "blob_home"

    store: Mapped[str] = mapped_column(String(300))
    leaving: Mapped[str | None] = mapped_column(String(300))
    moved_at: Mapped[datetime] = mapped_column(default=clock.now)
